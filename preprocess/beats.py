"""Recording to beats: band-pass, R peaks, windows, AAMI class, RR intervals."""

import numpy as np
from scipy.signal import butter, sosfiltfilt

from preprocess import BadInput
from preprocess.records import FS_HZ

BEFORE, AFTER = 140, 180  # samples of a window before and after its R peak: 0.389 s and 0.5 s
WINDOW = BEFORE + AFTER
BAND_HZ = (0.5, 45.0)
PEAK_TOLERANCE = (
    10  # samples: the original work drops normal beats annotated this far from a detected R peak
)
RR_LOCAL_BEATS = 8  # RR intervals on each side that make the local median

# As in the original work (BeatGAN's preprocessing): e and j are S.
CLASS_OF = {
    symbol: name
    for name, symbols in {"N": "NLR", "S": "AaJSje", "V": "VE", "F": "F", "Q": "/fQ"}.items()
    for symbol in symbols
}
# ANSI/AAMI EC57: escape beats (e, j) belong to N.
CLASS_OF_EC57 = CLASS_OF | {"e": "N", "j": "N"}


def bandpass(signal_mv, low_hz=BAND_HZ[0], high_hz=BAND_HZ[1]):
    """(n,) to (n,): second-order Butterworth run forwards and backwards, so that no wave moves in time."""
    sos = butter(2, (low_hz, high_hz), "bandpass", fs=FS_HZ, output="sos")
    return sosfiltfilt(sos, signal_mv).astype(np.float32)


def detect_r_peaks(signal_mv):
    """(n,) mV to the sample of each R peak: sleepecg's detector, then the highest point within 50 ms."""
    import sleepecg  # here, as it takes half a second to import and screening does without

    found = sleepecg.detect_heartbeats(signal_mv, FS_HZ)
    narrow = bandpass(signal_mv, 3.0, 45.0)
    reach = FS_HZ // 20
    around = np.clip(found[:, None] + np.arange(-reach, reach + 1), 0, len(narrow) - 1)
    return np.unique(around[np.arange(len(found)), narrow[around].argmax(1)])


def distance_to_nearest(samples, peaks):
    """For each sample, how far the nearest peak is, in samples; a large number where there is no peak."""
    if len(peaks) == 0:
        return np.full(len(samples), WINDOW)
    right = np.searchsorted(peaks, samples)
    candidates = peaks[np.clip(np.stack([right - 1, right]), 0, len(peaks) - 1)]
    return np.abs(candidates - samples).min(0)


def windows(signal_mv, samples):
    """(n,) and (k,) R peaks to (k, WINDOW): BEFORE samples before each peak, AFTER from it on."""
    return signal_mv[samples[:, None] + np.arange(-BEFORE, AFTER)]


def rr_intervals(samples):
    """R peaks (k,) to RR before, RR after and the local median RR, each (k,) in s.

    The local median is over RR_LOCAL_BEATS intervals on each side. The first beat has no RR before and the last none
    after: they get the local median, as nothing about them is known to be early or late.
    """
    if len(samples) < 2:
        raise BadInput("fewer than two beats: no RR interval can be measured")
    rr_s = np.diff(samples) / FS_HZ
    padded = np.pad(rr_s, RR_LOCAL_BEATS, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * RR_LOCAL_BEATS)
    local_s = np.nanmedian(around, 1)
    return np.r_[local_s[0], rr_s], np.r_[rr_s, local_s[-1]], local_s


def cut(recording):
    """Recording to (columns, windows): one row per beat whose window fits inside the recording.

    columns: dict of (k,) arrays, the columns of index.csv; windows: (k, WINDOW) float32 in mV, band-passed.
    Raises BadInput when the recording is shorter than a window or has no annotated beat.
    """
    n = len(recording.signal_mv)
    if n < WINDOW:
        raise BadInput(
            f"record {recording.name} is {n / FS_HZ:.2f} s long, shorter than one beat's window "
            f"({WINDOW / FS_HZ:.2f} s)"
        )
    is_beat = np.isin(recording.symbols, list(CLASS_OF))
    samples, symbols = recording.samples[is_beat], recording.symbols[is_beat]
    if len(samples) < 2:
        raise BadInput(
            f"record {recording.name} has {len(samples)} annotated beats: is its annotation file complete?"
        )
    before_s, after_s, local_s = rr_intervals(samples)
    fits = (samples >= BEFORE) & (samples + AFTER < n)
    columns = {
        "record": np.full(len(samples), recording.name),
        "sample": samples,
        "symbol": symbols,
        "class": np.array([CLASS_OF[s] for s in symbols]),
        "peak_distance": distance_to_nearest(samples, detect_r_peaks(recording.signal_mv)),
        "rr_before_s": before_s.round(4),
        "rr_after_s": after_s.round(4),
        "rr_local_s": local_s.round(4),
    }
    return {k: v[fits] for k, v in columns.items()}, windows(
        bandpass(recording.signal_mv), samples[fits]
    )
