"""The band-pass that every beat, and every R-peak detection, is filtered with."""

import numpy as np
from scipy.signal import butter, sosfiltfilt

from preprocess.constants import FS_HZ

# Of the beats: below is baseline wander, above mostly muscle and mains.
BAND_HZ = (0.5, 45.0)
ORDER = 2  # of the Butterworth filter; it is run twice


def bandpass(
    signal_mv: np.ndarray, low_hz: float = BAND_HZ[0], high_hz: float = BAND_HZ[1]
) -> np.ndarray:
    """(n,) in mV to (n,) float32 in mV: a Butterworth band-pass.

    Run forwards and backwards, so that no wave moves in time.
    """
    sos = butter(ORDER, (low_hz, high_hz), "bandpass", fs=FS_HZ, output="sos")
    return sosfiltfilt(sos, signal_mv).astype(np.float32)
