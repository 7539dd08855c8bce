"""Distance to the nearest normal beat: no training at all, and hard to beat."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from models.compared._layers import TraceDetector, min_max
from preprocess.beats import WINDOW, Beats

REMEMBERED_AT_ONCE = 8192  # beats compared with: bounds memory to chunk x block distances


class Neighbours(TraceDetector):
    """Euclidean distance to the nearest of all normal training beats, exactly: Ramaswamy S, Rastogi
    R, Shim K. Efficient algorithms for mining outliers from large data sets. SIGMOD 2000, with one
    neighbour.

    This one compares waveforms (n, 320) scaled to [-1, 1] each. A subclass compares in another
    space: it says in `embed` how a beat gets there, and in `reconstruct` (or error_map and
    generate) how its nearest neighbour is seen.
    """

    def __init__(self, opt: Mapping):
        super().__init__(opt)
        self.register_buffer("memory", torch.zeros(0, WINDOW))

    def finish(self, normals: Beats, calibration: Beats) -> None:
        """Remembers every training beat, (n, dimensions)."""
        embedded = self.in_chunks(self.embed, self.raw(normals))
        self.memory = torch.as_tensor(embedded, device=self.device)

    def raw(self, beats: Beats) -> np.ndarray:
        return beats.beat_mv

    def embed(self, beat_mv: Tensor) -> Tensor:
        """(n, ...) as raw gave it to (n, dimensions)."""
        return min_max(beat_mv)

    def score(self, beats: Beats, context: str = "none") -> np.ndarray:
        """Distance (n,) to the nearest remembered beat."""
        distance = self.in_chunks(lambda raw: self.nearest(self.embed(raw))[1], self.raw(beats))
        return distance.astype(float)

    def reconstruct(self, beat_mv: Tensor) -> Tensor:
        """(n, 320) in mV to the waveforms of the nearest beats, (n, 320) in [-1, 1]."""
        return self.neighbour(beat_mv)

    def neighbour(self, raw: Tensor) -> Tensor:
        """The nearest remembered beats, (n, dimensions)."""
        query = self.embed(raw)
        return self.memory[self.nearest(query)[0]].to(query.dtype)

    def nearest(self, query: Tensor) -> tuple[Tensor, Tensor]:
        """(n, dimensions) to index and distance (n,) of the nearest remembered beat, block by
        block."""
        best = torch.full((len(query),), torch.inf, device=query.device)
        index = torch.zeros(len(query), dtype=torch.long, device=query.device)
        for start in range(0, len(self.memory), REMEMBERED_AT_ONCE):
            block = self.memory[start : start + REMEMBERED_AT_ONCE].to(query.dtype)
            # |q - p|^2 without |q|^2, which does not change the order.
            part, where = torch.addmm(block.square().sum(1), query, block.T, alpha=-2).min(1)
            index = torch.where(part < best, where + start, index)
            best = torch.minimum(part, best)
        return index, (best + query.square().sum(1)).clamp_min(0).sqrt()


DETECTOR = Neighbours
