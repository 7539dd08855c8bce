"""A memory of normal beats: how far is a beat from the nearest ones, compared with how far those lie from each other?"""

import torch
from torch import nn
from torch.nn.functional import pad

CHUNK = 512  # queries at once: their distances stay in the processor's cache
GROUP = 8
ROUNDS, FEWEST = 4, 4  # of k-means; alike beats that a remembered point is the mean of, at least


class Memory(nn.Module):
    """Remembered normal embeddings, and distances to the nearest of them.

    What is remembered are means of alike embeddings (k-means), of FEWEST or more each: no single beat of a patient is
    kept, and a normal beat like no other makes no exception for its like.

    With `local`, in local units. A raw distance is large wherever normals are spread out: a noisy patient, a rare shape.
    So it is divided by the neighbours' own distance to their neighbours (as in LOF: Breunig et al., SIGMOD 2000), with
    the median added so that a very dense spot does not make the unit vanish. This helps where a beat's own patient is
    remembered; a stranger's normal beats lie between the patients, where the unit says nothing of how far is unusual.
    """

    def __init__(self, k, local):
        """k: neighbours that a distance is the mean of."""
        super().__init__()
        self.k, self.local = k, local
        self.register_buffer("points", None)
        self.register_buffer("unit", None)

    def fit(self, embeddings, start):
        """Learn from (n, d) embeddings of normal beats, beginning with the rows `start`."""
        points = embeddings[start]
        for _ in range(ROUNDS):
            points = means(embeddings, nearest(points, embeddings, 1)[1][:, 0], points)
        member = nearest(points, embeddings, 1)[1][:, 0]
        counts = member.bincount(minlength=len(points))
        kept = counts >= FEWEST
        if kept.sum() <= self.k:  # too few beats to be choosy
            kept = counts > 0
        self.points = means(embeddings, member, points)[kept]
        own = self.nearest(self.points, self.k + 1)[0][:, 1:].mean(
            1
        )  # the first is the point itself
        self.unit = own + own.median() if self.local else torch.ones_like(own)

    def forward(self, embeddings):
        """(n, d) to (n,): mean distance to the k nearest remembered normals, in units of their own."""
        distance, index = self.nearest(embeddings, self.k)
        return distance.mean(1) / self.unit[index].mean(1)

    def nearest(self, queries, k):
        """(n, d) to distances (n, k), nearest first, and indices in points (n, k)."""
        return nearest(self.points, queries, k)


def means(values, member, otherwise):
    """(n, d) and the point that each belongs to (n,) to the mean of each point's values (m, d); where a point has none,
    its row of `otherwise` (m, d)."""
    counts = member.bincount(minlength=len(otherwise))[:, None]
    sums = torch.zeros_like(otherwise).index_add_(0, member, values)
    return torch.where(counts > 0, sums / counts.clamp_min(1), otherwise)


def nearest(points, queries, k):
    """(m, d), (n, d) to Euclidean distances (n, k), nearest first, and indices in points (n, k)."""
    squared_norm, k = points.square().sum(1), min(k, len(points))
    find = _smallest_of_few
    if len(points) >= GROUP * max(GROUP, k):
        find, missing = _smallest, -len(points) % GROUP
        points = pad(points, (0, 0, 0, missing))
        squared_norm = pad(
            squared_norm, (0, missing), value=torch.inf
        )  # what is filled up is never near
    parts = [
        find(torch.addmm(squared_norm, q, points.T, alpha=-2), k) for q in queries.split(CHUNK)
    ]
    values, index = (torch.cat(pair) for pair in zip(*parts))
    return (values + queries.square().sum(1, keepdim=True)).clamp_min(0).sqrt(), index


def _smallest_of_few(values, k):
    return values.topk(k, 1, largest=False)


def _smallest(values, k):
    """The same as topk, three times as fast: the k smallest lie in the k groups with the smallest minima."""
    grouped = values.unflatten(1, (GROUP, -1))
    groups = grouped.amin(1).topk(k, 1, largest=False, sorted=False).indices
    candidates = grouped.gather(2, groups[:, None].expand(-1, GROUP, -1)).flatten(1)
    values, place = candidates.topk(k, 1, largest=False)
    row = (place.float() / k + 1e-4).long()  # place // k, whose integer division is slow
    return values, row * grouped.shape[2] + groups.gather(1, place - row * k)
