"""A memory of normal beats: how far is a beat from the nearest ones, compared with how far those lie from each other?"""

import torch
from torch import nn

CHUNK = 1024


class Memory(nn.Module):
    """Nearest neighbours among remembered normal embeddings, each distance measured in local units.

    The raw distance to the nearest normals is large wherever normals are spread out: a noisy patient, a rare shape. It
    is divided by the neighbours' own distance to their neighbours (as in LOF: Breunig et al., SIGMOD 2000), with the
    median added so that a very dense spot does not make the unit vanish.
    """

    def __init__(self, size, n_components, k):
        """size: embeddings kept at most; n_components: principal components they are compared in; k: neighbours."""
        super().__init__()
        self.size, self.n_components, self.k = size, n_components, k
        for name in ("mean", "axes", "points", "unit"):
            self.register_buffer(name, None)

    def fit(self, embeddings):
        """embeddings: (n, d) of normal beats. Keeps an even choice of them."""
        x = embeddings.double()
        mean = x.mean(0)
        _, vectors = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
        self.mean, self.axes = mean.float(), vectors.flip(1)[:, :self.n_components].float().contiguous()
        keep = torch.linspace(0, len(x) - 1, min(self.size, len(x)), device=x.device).long()
        self.points = self._project(embeddings[keep])
        distance, _ = self._nearest(self.points, self.k + 1)
        own = distance[:, 1:].mean(1)  # the first is the point itself
        self.unit = own + own.median()

    def forward(self, embeddings):
        """(n, d) to (n,): mean distance to the k nearest remembered normals, in their own units."""
        distance, index = self._nearest(self._project(embeddings), min(self.k, len(self.points)))
        return distance.mean(1) / self.unit[index].mean(1)

    def _project(self, embeddings):
        return (embeddings - self.mean) @ self.axes

    def _nearest(self, queries, k):
        """(n, c) to distances (n, k), nearest first, and their indices in points."""
        squared_norm = self.points.square().sum(1)
        parts = [(squared_norm - 2 * q @ self.points.T).topk(k, 1, largest=False) for q in queries.split(CHUNK)]
        values, index = (torch.cat([p[i] for p in parts]) for i in (0, 1))
        return (values + queries.square().sum(1, keepdim=True)).clamp_min(0).sqrt(), index
