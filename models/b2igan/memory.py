"""A memory of normal embeddings: the distance of a beat to the nearest, in units of how far those
are from each other."""

import numpy as np
import torch
from torch import Tensor, nn

from models import evenly
from models.b2igan.neighbours import nearest

ROUNDS = 4  # of k-means
FEWEST = 4  # alike beats that a remembered point is the mean of, at least


class Memory(nn.Module):
    """Remembered normal embeddings, and distances to the nearest of them.

    What is remembered are means of alike embeddings (k-means), of FEWEST or more each: no single
    beat of a patient is kept, and a rare normal beat does not make abnormal ones like it normal.

    With `local`, in local units. A raw distance is large wherever normals are spread out: a noisy
    patient, a rare shape. So it is divided by the neighbours' own distance to their neighbours (as
    in LOF: Breunig et al., SIGMOD 2000), with the median added so that a very dense spot does not
    make the unit vanish. This helps where a beat's own patient is remembered; an unseen patient's
    normal beats lie between the patients, where the unit says nothing of how far is unusual.
    """

    def __init__(self, k: int, local: bool):
        """k: neighbours that a distance is the mean of."""
        super().__init__()
        self.k, self.local = k, local
        self.register_buffer("points", None)
        self.register_buffer("unit", None)

    def fit(self, embeddings: Tensor, start: np.ndarray) -> None:
        """Learn from (n, d) embeddings of normal beats, beginning with the rows `start`."""
        points = embeddings[start]
        for _ in range(ROUNDS):
            points = means(embeddings, nearest(points, embeddings, 1)[1][:, 0], points)
        member = nearest(points, embeddings, 1)[1][:, 0]  # [n]
        counts = member.bincount(minlength=len(points))
        kept = counts >= FEWEST
        if kept.sum() <= self.k:  # too few beats to be choosy
            kept = counts > 0
        self.points = means(embeddings, member, points)[kept]
        # How far each point is from its own neighbours; the first of them is the point itself.
        between = self.nearest(self.points, self.k + 1)[0][:, 1:].mean(1)
        self.unit = between + between.median() if self.local else torch.ones_like(between)

    def forward(self, embeddings: Tensor) -> Tensor:
        """(n, d) to (n,): mean distance to the k nearest remembered normals, in units of their
        own."""
        distance, index = self.nearest(embeddings, self.k)
        return distance.mean(1) / self.unit[index].mean(1)

    def nearest(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """(n, d) to distances (n, k), nearest first, and indices in points (n, k)."""
        return nearest(self.points, queries, k)


def evenly_by_record(record: np.ndarray, size: int) -> np.ndarray:
    """Record names (n,) to rows of about `size` beats: as many of each record as there are, evenly
    spread over it."""
    names, counts = np.unique(record, return_counts=True)
    share = max(1, size // len(names))
    rows = [
        np.flatnonzero(record == name)[evenly(n, share)]
        for name, n in zip(names, counts, strict=True)
    ]
    return np.concatenate(rows)


def means(values: Tensor, member: Tensor, otherwise: Tensor) -> Tensor:
    """(n, d) and the point that each belongs to (n,) to the mean of each point's values (m, d);
    where a point has none, its row of `otherwise` (m, d)."""
    counts = member.bincount(minlength=len(otherwise))[:, None]
    sums = torch.zeros_like(otherwise).index_add_(0, member, values)
    return torch.where(counts > 0, sums / counts.clamp_min(1), otherwise)
