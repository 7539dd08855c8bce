"""Nearest rows of numpy arrays, by numpy alone: whether torch is loaded must not matter."""

import numpy as np

SOUGHT_AT_ONCE = 128  # whose distances are in memory, and stay in the cache
SPARE = 8  # rows beyond those asked for whose distances are looked at


def nearest_rows(points: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(m, d), (n, d) to Euclidean distances (n, k) float64, nearest first, and rows of points.

    Products, which find candidates, have few digits where points lie far from nought, and others on
    another processor. Among SPARE more candidates than asked for differences choose, in double
    precision: the same rows everywhere, unless more than those are as near within rounding.
    """
    points, queries = (np.ascontiguousarray(a, np.float32) for a in (points, queries))
    centre = np.median(points, 0)
    points, queries = points - centre, queries - centre
    k, squared_norm, found = min(k, len(points)), np.square(points).sum(1), []
    candidates = min(k + SPARE, len(points))
    for start in range(0, len(queries), SOUGHT_AT_ONCE):
        part = queries[start : start + SOUGHT_AT_ONCE]
        values = squared_norm - 2 * (part @ points.T)  # |q - p|^2 without |q|^2
        last = min(candidates, len(points) - 1)
        index = np.argpartition(values, last, 1)[:, :candidates]
        index = np.sort(index, 1)  # of two as near, the first
        distance = np.sqrt(np.square(points[index] - part[:, None], dtype=float).sum(2))
        order = np.argsort(distance, 1, kind="stable")[:, :k]
        found.append([np.take_along_axis(a, order, 1) for a in (distance, index)])
    distances, indices = zip(*found)
    return np.concatenate(distances), np.concatenate(indices)
