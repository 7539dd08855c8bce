"""Nearest rows of numpy arrays: by torch where it is loaded, which is faster, else by numpy."""

import sys

import numpy as np

QUERIES_AT_ONCE = 256  # whose distances are in memory, and stay in the cache


def nearest_rows(points: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(m, d), (n, d) to Euclidean distances (n, k) float64, nearest first, and rows of points."""
    points, queries = (np.ascontiguousarray(a, np.float32) for a in (points, queries))
    k, squared_norm, found = min(k, len(points)), np.square(points).sum(1), []
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        part = queries[start : start + QUERIES_AT_ONCE]
        if "torch" in sys.modules:
            index = _by_torch(points, part, k)
        else:
            values = squared_norm - 2 * (part @ points.T)  # |q - p|^2 without |q|^2
            index = np.argpartition(values, min(k, values.shape[1] - 1), 1)[:, :k]
        # Differences first: sums of squares would lose the digits of what lies near.
        distance = np.sqrt(np.square(points[index] - part[:, None], dtype=float).sum(2))
        order = np.argsort(distance, 1, kind="stable")
        found.append([np.take_along_axis(a, order, 1) for a in (distance, index)])
    distances, indices = zip(*found)
    return np.concatenate(distances), np.concatenate(indices)


def _by_torch(points: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    import torch

    from models.b2igan.memory import nearest

    return nearest(torch.as_tensor(points), torch.as_tensor(queries), k)[1].numpy()
