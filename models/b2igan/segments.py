"""Logits of the localiser to errors and segments. Loads no torch."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d, label

from preprocess.constants import BEFORE, FS_HZ

# Beyond the segments' level, how much the size of a departure counts: log(1 + size / SIZE_MV),
# smoothed over SIZE_SAMPLES.
SIZE_MV, SIZE_SAMPLES, SIZE_SHARE = 0.1, 3, 0.8


def standard(
    over_time: np.ndarray, over_map: np.ndarray, means: Sequence[float], stds: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Logits to standard deviations above the usual, 0 below it. means, stds: of normal beats'
    logits, over time and over the map."""
    over_time = np.maximum((over_time - means[0]) / stds[0], 0)
    return over_time, np.maximum((over_map - means[1]) / stds[1], 0)


def sized(error: np.ndarray, departure_mv: np.ndarray, segment_from: float) -> np.ndarray:
    """(n, WINDOW) error over time and difference to the median beat in mV to an error that, beyond
    the level of segments, grows with the difference."""
    beyond = np.maximum(error - segment_from, 0)
    size = np.log1p(gaussian_filter1d(np.abs(departure_mv), SIZE_SAMPLES, axis=1) / SIZE_MV)
    return error + (beyond > 0) * SIZE_SHARE * (size - beyond)


def segments_of(
    error: np.ndarray, segment_from: float, segment_to: float
) -> list[list[tuple[float, float]]]:
    """(n, WINDOW) error over time to the segments of each beat, (start_s, end_s) from R."""
    return [segments(row) for row in in_segment(error, segment_from, segment_to)]


def in_segment(error: np.ndarray, segment_from: float, segment_to: float) -> np.ndarray:
    """(n, WINDOW) to bool: runs above segment_to that reach segment_from somewhere."""
    along_time = [[0, 0, 0], [1, 1, 1], [0, 0, 0]]  # runs of one beat do not touch another's
    runs = label(error > segment_to, along_time)[0]
    return np.isin(runs, np.setdiff1d(runs[error > segment_from], [0]))


def segments(inside: np.ndarray) -> list[tuple[float, float]]:
    """(WINDOW,) bool to [(start_s, end_s), ...] in s from the R peak."""
    edges = np.flatnonzero(np.diff(np.pad(inside.astype(int), 1))).reshape(-1, 2)
    return [((start - BEFORE) / FS_HZ, (end - BEFORE) / FS_HZ) for start, end in edges.tolist()]
