"""Distance to the nearest normal beat, in principal components."""

from collections.abc import Mapping

import torch
from torch import Tensor

from models.compared._layers import min_max
from models.compared._principal_components import COMPONENTS, PrincipalComponents
from models.compared.knn import Neighbours
from preprocess.beats import Beats


class WhitenedNeighbours(Neighbours):
    """As Neighbours, on the first principal components of the scaled waveform, each of unit
    variance."""

    def __init__(self, opt: Mapping):
        super().__init__(opt)
        self.memory = torch.zeros(0, COMPONENTS)
        self.components = PrincipalComponents()

    def finish(self, normals: Beats, calibration: Beats) -> None:
        self.components.fit(self.in_chunks(min_max, normals.beat_mv))
        super().finish(normals, calibration)

    def embed(self, beat_mv: Tensor) -> Tensor:
        return self.components(min_max(beat_mv))

    def reconstruct(self, beat_mv: Tensor) -> Tensor:
        """(n, 320) in mV to what the components hold of the nearest beats, (n, 320) in [-1, 1]."""
        return self.components.back(self.neighbour(beat_mv))


DETECTOR = WhitenedNeighbours
