"""Distance to the nearest normal beat: no training at all, and hard to beat."""

import torch

from models.compared._layers import min_max, to_mv
from models.detector import Detector

BLOCK = 8192  # remembered beats compared at once: bounds memory to chunk x block distances


class Neighbours(Detector):
    """Euclidean distance to the nearest of all normal training beats, exactly: Ramaswamy S, Rastogi R, Shim K.
    Efficient algorithms for mining outliers from large data sets. SIGMOD 2000, with one neighbour.

    This one compares waveforms (n, 320) scaled to [-1, 1] each. A subclass compares in another space: it says in
    `embed` how a beat gets there, and in `normal` (or error_map and generate) how its nearest neighbour is seen.
    """

    image = None
    explains = "beat"
    defaults = {"niter": 0}

    def __init__(self, opt):
        super().__init__(opt)
        self.register_buffer("memory", torch.zeros(0, 320))

    def finish(self, normals, calibration):
        """Remembers every training beat, (n, dimensions)."""
        self.memory = torch.as_tensor(
            self.in_chunks(self.embed, self.raw(normals)), device=self.device
        )

    def raw(self, beats):
        return beats.beat_mv

    def embed(self, beat_mv):
        """(n, ...) as raw gave it to (n, dimensions)."""
        return min_max(beat_mv)

    def score(self, beats, context="none"):
        """Distance (n,) to the nearest remembered beat."""
        return self.in_chunks(lambda raw: self.nearest(self.embed(raw))[1], self.raw(beats)).astype(
            float
        )

    def error_map(self, beats):
        """Squared difference (n, 320) to the nearest beat, both in [-1, 1]: here the score is the root of its sum."""
        return self.in_chunks(
            lambda beat: (min_max(beat) - self.normal(beat)).square(), beats.beat_mv
        )

    def generate(self, beats):
        """(n, 320) in mV: the nearest beat, on the scale of the one it is compared with."""
        return self.in_chunks(lambda beat: to_mv(self.normal(beat), beat), beats.beat_mv)

    def normal(self, beat_mv):
        """(n, 320) in mV to the waveforms of the nearest beats, (n, 320) in [-1, 1]."""
        return self.neighbour(beat_mv)

    def neighbour(self, raw):
        """The nearest remembered beats, (n, dimensions)."""
        query = self.embed(raw)
        return self.memory[self.nearest(query)[0]].to(query.dtype)

    def nearest(self, query):
        """(n, dimensions) to index and distance (n,) of the nearest remembered beat, block by block."""
        best = torch.full((len(query),), torch.inf, device=query.device)
        index = torch.zeros(len(query), dtype=torch.long, device=query.device)
        for start in range(0, len(self.memory), BLOCK):
            block = self.memory[start : start + BLOCK].to(query.dtype)
            part, where = torch.addmm(block.square().sum(1), query, block.T, alpha=-2).min(1)
            index = torch.where(part < best, where + start, index)
            best = torch.minimum(part, best)
        return index, (best + query.square().sum(1)).clamp_min(0).sqrt()


DETECTOR = Neighbours
