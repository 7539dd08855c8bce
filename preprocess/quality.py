"""Which stretches of a recording cannot be read, and why."""

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from preprocess.constants import FS_HZ
from preprocess.filters import bandpass
from preprocess.rpeaks import TYPICAL_S

CELL = 18  # samples, 50 ms: the grain of what follows; a stretch must start at a multiple of it to be divided at will
FLAT_S, FLAT_MV = 2.0, 0.02
STUCK_MV, STUCK_FROM_MEAN_MV, MEAN_S = 1e-3, 0.8, 10.0
WILD_S, WILD_MV = 1.0, 12.0
NOISE_BAND_HZ, NOISE_S, NOISE_SHARE = (18.0, 45.0), 4.0, 0.35
SETTLE_S = 0.25  # of the filter, on both sides of what is unreadable
REASONS = ("", "missing", "flat", "at a rail", "wild swings", "noise")


def unreadable(signal_mv, there, envelope):
    """(n,) signal in mV, whether each sample was recorded, and QRS envelope, to (n,) indices into REASONS, 0: readable."""
    cells = _cells(signal_mv)
    low, high, mean = cells.min(1), cells.max(1), cells.mean(1)
    span = lambda seconds: (
        maximum_filter1d(high, _width(seconds)) - minimum_filter1d(low, _width(seconds))
    )
    away = np.abs(mean - uniform_filter1d(mean, _width(MEAN_S))) > STUCK_FROM_MEAN_MV
    found = (
        ~_cells(there).all(1),
        _within(span(FLAT_S) < FLAT_MV, FLAT_S / 2),
        (high - low < STUCK_MV) & away,
        _within(span(WILD_S) > WILD_MV, WILD_S / 2),
        _within(_noisy(signal_mv, envelope), NOISE_S / 4),
    )
    reason = np.zeros(len(cells), np.int8)
    for code in range(len(found), 0, -1):  # the first reason wins
        reason[_within(found[code - 1], SETTLE_S)] = code
    return np.repeat(reason, CELL)[: len(signal_mv)]


def _cells(values):
    return np.pad(values, (0, -len(values) % CELL), "edge").reshape(-1, CELL)


def _width(seconds):
    return 2 * round(seconds * FS_HZ / CELL / 2) + 1


def _within(marked, seconds):
    """True wherever something is marked within so many seconds."""
    return maximum_filter1d(marked, _width(2 * seconds)) if marked.any() else marked


def _noisy(signal_mv, envelope):
    """Fast waves between the beats that come near to the beats' height; flutter, which is slow, is no noise.

    The mean of square roots, squared, passes over the few large values of the beats themselves.
    """
    fast = np.sqrt(np.square(_cells(bandpass(signal_mv, *NOISE_BAND_HZ))).mean(1))
    between = np.square(uniform_filter1d(np.sqrt(fast), _width(NOISE_S)))
    beats = uniform_filter1d(
        maximum_filter1d(_cells(envelope).max(1), _width(TYPICAL_S)), _width(NOISE_S)
    )
    return between > NOISE_SHARE * np.maximum(beats, 1e-6)
