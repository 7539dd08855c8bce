"""Nearest rows: fast, as tensors; and the same rows on every processor, as arrays."""

from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

QUERIES_AT_ONCE = 512  # their distances stay in the processor's cache
GROUP = 8  # distances whose smallest one decides whether any of them is looked at
SPARE = 8  # rows beyond those asked for whose distances are taken exactly
EXACT_AT_ONCE = 128  # queries whose differences are in memory


def nearest(points: Tensor, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """(m, d), (n, d) to Euclidean distances (n, k), nearest first, and indices in points (n, k)."""
    squared_norm, k = points.square().sum(1), min(k, len(points))
    find = partial(torch.topk, dim=1, largest=False)
    if len(points) >= GROUP * max(GROUP, k):
        find, missing = _smallest, -len(points) % GROUP
        points = pad(points, (0, 0, 0, missing))
        squared_norm = pad(squared_norm, (0, missing), value=torch.inf)  # padding is never near
    # |q - p|^2 without |q|^2, which does not change the order.
    parts = [
        find(torch.addmm(squared_norm, part, points.T, alpha=-2), k)
        for part in queries.split(QUERIES_AT_ONCE)
    ]
    values, index = (torch.cat(pair) for pair in zip(*parts, strict=True))
    return (values + queries.square().sum(1, keepdim=True)).clamp_min(0).sqrt(), index


def nearest_rows(points: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(m, d), (n, d) to Euclidean distances (n, k) float64, nearest first, and rows of points.

    Products have few digits where points lie far from nought, and others on another processor. They
    find SPARE more candidates than asked for, among which differences choose, in double precision:
    the same rows everywhere, unless more than those are as near within rounding.
    """
    points, queries = (np.ascontiguousarray(a, np.float32) for a in (points, queries))
    centre = np.median(points, 0)
    points, queries = points - centre, queries - centre
    candidates = nearest(torch.from_numpy(points), torch.from_numpy(queries), k + SPARE)[1].numpy()
    candidates = np.sort(candidates, 1)  # of two as near, the first
    found = []
    for start in range(0, len(queries), EXACT_AT_ONCE):
        rows = slice(start, start + EXACT_AT_ONCE)
        off = points[candidates[rows]] - queries[rows, None]
        distance = np.sqrt(np.square(off, dtype=float).sum(2))
        order = np.argsort(distance, 1, kind="stable")[:, :k]
        found.append([np.take_along_axis(a, order, 1) for a in (distance, candidates[rows])])
    distances, indices = zip(*found)
    return np.concatenate(distances), np.concatenate(indices)


def _smallest(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The same as topk, three times as fast: the k smallest lie in the k groups with the smallest
    minima."""
    grouped = values.unflatten(1, (GROUP, -1))  # [n, GROUP, groups]
    groups = grouped.amin(1).topk(k, 1, largest=False, sorted=False).indices  # [n, k]
    candidates = grouped.gather(2, groups[:, None].expand(-1, GROUP, -1)).flatten(1)
    values, place = candidates.topk(k, 1, largest=False)  # [n, k]
    row = (place.float() / k + 1e-4).long()  # place // k, whose integer division is slow
    return values, row * grouped.shape[2] + groups.gather(1, place - row * k)
