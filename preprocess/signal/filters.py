"""The band-pass that every beat, and every R-peak detection, is filtered with; and the one of
published traces, for beats that are made as theirs."""

import numpy as np
from scipy.signal import butter, filtfilt, firwin, sosfiltfilt

from preprocess.constants import FILTER_NAMES, FS_HZ

# Of the beats: below is baseline wander, above mostly muscle and mains.
BAND_HZ = (0.5, 45.0)
ORDER = 2  # of the Butterworth filter; it is run twice
# Of the traces that BeatGAN published and the original B2I-GAN read: 0.3 s long.
PUBLISHED_BAND_HZ, PUBLISHED_TAPS = (3.0, 45.0), 109


def bandpass(
    signal_mv: np.ndarray, low_hz: float = BAND_HZ[0], high_hz: float = BAND_HZ[1]
) -> np.ndarray:
    """(n,) in mV to (n,) float32 in mV: Butterworth, run both ways, so that no wave moves."""
    sos = butter(ORDER, (low_hz, high_hz), "bandpass", fs=FS_HZ, output="sos")
    return sosfiltfilt(sos, signal_mv).astype(np.float32)


def published_bandpass(signal_mv: np.ndarray) -> np.ndarray:
    """(n,) in mV to (n,) float32 in mV: the filter of published traces, a finite impulse response
    run forwards and backwards over the whole recording (biosppy's, of its ecg module)."""
    taps = firwin(PUBLISHED_TAPS, PUBLISHED_BAND_HZ, pass_zero=False, fs=FS_HZ)
    reach = min(3 * PUBLISHED_TAPS, len(signal_mv) - 1)
    return filtfilt(taps, [1.0], signal_mv, padlen=reach).astype(np.float32)


def without_line(pieces: np.ndarray) -> np.ndarray:
    """(k, d) to (k, d): each without its mean and its straight line, which are the baseline's."""
    line = np.linspace(-1, 1, pieces.shape[1], dtype=pieces.dtype)
    pieces = pieces - pieces.mean(1, keepdims=True)
    return pieces - (pieces @ line / (line @ line))[:, None] * line


# What beats can be filtered with, by the name that --filter takes: function and band.
_FILTERS = (bandpass, BAND_HZ), (published_bandpass, PUBLISHED_BAND_HZ)
FILTERS = dict(zip(FILTER_NAMES, _FILTERS, strict=True))
