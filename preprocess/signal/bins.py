"""A signal in bins of 50 ms, and what is marked on them: the grain of quality."""

import numpy as np
from scipy.ndimage import binary_propagation, label, maximum_filter1d

from preprocess.constants import FS_HZ

BIN = 18  # samples
PER_S = FS_HZ // BIN


def binned(values):
    """(n,) to (ceil(n / BIN), BIN); the last value fills the last bin."""
    lacking = -len(values) % BIN
    return (np.pad(values, (0, lacking), "edge") if lacking else values).reshape(-1, BIN)


def extremes(values):
    """(n,) to the lowest and the highest of each bin, (m,) each."""
    columns = np.ascontiguousarray(binned(values).T)  # much faster than along the short axis
    return columns.min(0), columns.max(0)


def width(seconds):
    """Bins of a centred window of about so many seconds: an odd number."""
    return 2 * round(seconds * PER_S / 2) + 1


def within(marked, seconds):
    """(m,) bool: something is marked within so many seconds."""
    return maximum_filter1d(marked, width(2 * seconds)) if marked.any() else marked


def opened(marked, seconds):
    """(m,) bool without the runs of True that are shorter."""
    runs, _ = label(marked)
    return marked & (np.bincount(runs) >= seconds * PER_S)[runs]


def bridged(marked, seconds):
    """(m,) bool with the breaks between two runs of True closed that are not longer."""
    begun, ends = np.logical_or.accumulate(marked), np.logical_or.accumulate(marked[::-1])[::-1]
    breaks = begun & ends & ~marked
    return marked | breaks & ~opened(breaks, seconds + 0.5 / PER_S)


def holding(marked, seeds):
    """(m,) bool: the runs of True in which a seed lies."""
    return binary_propagation(marked & seeds, mask=marked)
