"""Principal components: a beat that they cannot rebuild is abnormal."""

from models.compared._layers import min_max, to_mv
from models.compared._principal_components import PrincipalComponents
from models.detector import Detector


class PCAReconstruction(Detector):
    """Mean squared error of a beat rebuilt from its first principal components: Jackson JE, Mudholkar GS. Control
    procedures for residuals associated with principal component analysis. Technometrics 1979;21(3):341-349.
    """

    image = None
    explains = "beat"
    defaults = {"niter": 0}

    def __init__(self, opt):
        super().__init__(opt)
        self.components = PrincipalComponents()

    def finish(self, normals, calibration):
        self.components.fit(self.in_chunks(min_max, normals.beat_mv))

    def score(self, beats, context="none"):
        """Mean squared reconstruction error (n,)."""
        return self.error_map(beats).mean(1).astype(float)

    def error_map(self, beats):
        """Squared reconstruction error (n, 320): the score is its mean."""
        return self.in_chunks(
            lambda beat: (self._rebuild(beat) - min_max(beat)).square(), beats.beat_mv
        )

    def generate(self, beats):
        """(n, 320) in mV: the reconstruction, on each beat's own scale."""
        return self.in_chunks(lambda beat: to_mv(self._rebuild(beat), beat), beats.beat_mv)

    def _rebuild(self, beat_mv):
        return self.components.back(self.components(min_max(beat_mv)))


DETECTOR = PCAReconstruction
