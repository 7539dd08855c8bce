"""A memory of normal beats: how far is a beat from the nearest ones, compared with how far those lie from each other?"""

import torch
from torch import nn

CHUNK = 512  # queries at once: their distances stay in the processor's cache


class Memory(nn.Module):
    """Remembered normal embeddings, and distances to the nearest of them in local units.

    The raw distance is large wherever normals are spread out: a noisy patient, a rare shape. So it is divided by the
    neighbours' own distance to their neighbours (as in LOF: Breunig et al., SIGMOD 2000), with the median added so that
    a very dense spot does not make the unit vanish.
    """

    def __init__(self, size, k):
        """size: embeddings kept at most; k: neighbours that a distance is the mean of."""
        super().__init__()
        self.size, self.k = size, k
        self.register_buffer("points", None)
        self.register_buffer("unit", None)

    def fit(self, embeddings):
        """Keep an even choice of (n, d) embeddings of normal beats."""
        keep = torch.linspace(0, len(embeddings) - 1, min(self.size, len(embeddings)), device=embeddings.device).long()
        self.points = embeddings[keep].contiguous()
        own = self.nearest(self.points, self.k + 1)[0][:, 1:].mean(1)  # the first is the point itself
        self.unit = own + own.median()

    def forward(self, embeddings):
        """(n, d) to (n,): mean distance to the k nearest remembered normals, in their own units."""
        distance, index = self.nearest(embeddings, self.k)
        return distance.mean(1) / self.unit[index].mean(1)

    def nearest(self, queries, k):
        """(n, d) to distances (n, k), nearest first, and indices in points (n, k)."""
        squared_norm, k = self.points.square().sum(1), min(k, len(self.points))
        parts = [torch.addmm(squared_norm, q, self.points.T, alpha=-2).topk(k, 1, largest=False)
                 for q in queries.split(CHUNK)]
        values, index = (torch.cat(pair) for pair in zip(*parts))
        return (values + queries.square().sum(1, keepdim=True)).clamp_min(0).sqrt(), index
