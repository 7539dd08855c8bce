"""Principal components: a beat that they cannot rebuild is abnormal."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from models.compared._layers import TraceDetector, min_max
from models.compared._principal_components import PrincipalComponents
from preprocess.beats import Beats


class PCAReconstruction(TraceDetector):
    """Mean squared error of a beat rebuilt from its first principal components: Jackson JE,
    Mudholkar GS. Control procedures for residuals associated with principal component analysis.
    Technometrics 1979;21(3):341-349.
    """

    def __init__(self, opt: Mapping):
        super().__init__(opt)
        self.components = PrincipalComponents()

    def finish(self, normals: Beats, calibration: Beats) -> None:
        self.components.fit(self.in_chunks(min_max, normals.beat_mv))

    def score(self, beats: Beats, context: str = "none") -> np.ndarray:
        """Mean squared reconstruction error (n,)."""
        return self.error_map(beats).mean(1).astype(float)

    def reconstruct(self, beat_mv: Tensor) -> Tensor:
        return self.components.back(self.components(min_max(beat_mv)))


DETECTOR = PCAReconstruction
