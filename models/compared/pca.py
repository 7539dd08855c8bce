"""Principal components: a beat that they cannot rebuild is abnormal."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from models.compared._layers import min_max, to_mv
from models.compared._principal_components import PrincipalComponents
from models.detector import Detector
from preprocess.beats import Beats


class PCAReconstruction(Detector):
    """Mean squared error of a beat rebuilt from its first principal components: Jackson JE,
    Mudholkar GS. Control procedures for residuals associated with principal component analysis.
    Technometrics 1979;21(3):341-349.
    """

    image = None

    def __init__(self, opt: Mapping):
        super().__init__(opt)
        self.components = PrincipalComponents()

    def finish(self, normals: Beats, calibration: Beats) -> None:
        self.components.fit(self.in_chunks(min_max, normals.beat_mv))

    def score(self, beats: Beats, context: str = "none") -> np.ndarray:
        """Mean squared reconstruction error (n,)."""
        return self.error_map(beats).mean(1).astype(float)

    def error_map(self, beats: Beats) -> np.ndarray:
        """Squared reconstruction error (n, 320): the score is its mean."""

        def squared_error(beat_mv: Tensor) -> Tensor:
            return (self._rebuild(beat_mv) - min_max(beat_mv)).square()

        return self.in_chunks(squared_error, beats.beat_mv)

    def generate(self, beats: Beats) -> np.ndarray:
        """(n, 320) in mV: the reconstruction, on each beat's own scale."""
        return self.in_chunks(lambda beat: to_mv(self._rebuild(beat), beat), beats.beat_mv)

    def _rebuild(self, beat_mv: Tensor) -> Tensor:
        return self.components.back(self.components(min_max(beat_mv)))


DETECTOR = PCAReconstruction
