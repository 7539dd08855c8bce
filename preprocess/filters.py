"""The band-pass that every beat, and every R-peak detection, is filtered with."""

import numpy as np
from scipy.signal import butter, sosfiltfilt

from preprocess.constants import FS_HZ

BAND_HZ = (0.5, 45.0)  # of the beats: below is baseline wander, above mostly muscle and mains


def bandpass(signal_mv, low_hz=BAND_HZ[0], high_hz=BAND_HZ[1]):
    """(n,) to (n,): second-order Butterworth run forwards and backwards, so that no wave moves in time."""
    sos = butter(2, (low_hz, high_hz), "bandpass", fs=FS_HZ, output="sos")
    return sosfiltfilt(sos, signal_mv).astype(np.float32)
