"""Distance to the nearest normal beat: no training at all, and hard to beat."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from models.b2igan.neighbours import nearest
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
        blocks = self.memory.split(REMEMBERED_AT_ONCE)
        found = [nearest(block.to(query.dtype), query, 1) for block in blocks]
        distance, place = (torch.cat(parts, 1) for parts in zip(*found, strict=True))
        best, block = distance.min(1)  # [n] each
        place = place.gather(1, block[:, None])[:, 0]
        return place + block * REMEMBERED_AT_ONCE, best


DETECTOR = Neighbours
