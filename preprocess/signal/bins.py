"""A signal in bins of 50 ms, and what is marked on them: the grain of quality."""

import numpy as np
from scipy.ndimage import maximum_filter1d

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


def runs(marked):
    """(m,) bool to the first bin and the one after the last of each run of True, (k,) each."""
    edges = np.flatnonzero(np.diff(np.r_[False, marked, False]))
    return edges[::2], edges[1::2]


def filled(n, first, last):
    """Runs back to (m,) bool."""
    steps = np.zeros(n + 1, int)
    np.add.at(steps, first, 1)
    np.add.at(steps, last, -1)
    return np.cumsum(steps[:-1]) > 0


def opened(marked, seconds):
    """(m,) bool without the runs of True that are shorter."""
    first, last = runs(marked)
    long = last - first >= seconds * PER_S
    return filled(len(marked), first[long], last[long])


def bridged(marked, seconds):
    """(m,) bool with the breaks between two runs of True closed that are not longer."""
    first, last = runs(marked)
    if len(first) < 2:
        return marked
    close = first[1:] - last[:-1] <= seconds * PER_S
    return marked | filled(len(marked), last[:-1][close], first[1:][close])


def holding(marked, seeds):
    """(m,) bool: the runs of True in which a seed lies."""
    first, last = runs(marked)
    counted = np.r_[0, np.cumsum(seeds)]
    has = counted[last] > counted[first]
    return filled(len(marked), first[has], last[has])
