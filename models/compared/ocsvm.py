"""A one-class support vector machine on principal components."""

from collections.abc import Mapping

import numpy as np
import torch
from sklearn.svm import OneClassSVM
from torch import Tensor

from models.compared._layers import TraceDetector, min_max
from models.compared._principal_components import COMPONENTS, PrincipalComponents
from preprocess.beats import Beats


class OCSVM(TraceDetector):
    """One-class support vector machine on whitened principal components: Scholkopf B, Platt JC,
    Shawe-Taylor J, Smola AJ, Williamson RC. Estimating the support of a high-dimensional
    distribution. Neural Comput 2001;13:1443-71.

    Taken instead of an isolation forest because its decision is one formula in a few hundred
    support vectors, so that a checkpoint holds it as tensors; a forest would need scikit-learn's
    own pickle.
    """

    most_normals = 8192  # training time grows with the square
    nu = 0.05  # at most this share of the training beats is left outside

    def __init__(self, opt: Mapping):
        super().__init__(opt)
        self.components = PrincipalComponents()
        self.register_buffer("support", torch.zeros(0, COMPONENTS))
        self.register_buffer("weight", torch.zeros(0))

    def finish(self, normals: Beats, calibration: Beats) -> None:
        self.components.fit(self.in_chunks(min_max, normals.beat_mv))
        embedded = self.in_chunks(self._embed, normals.beat_mv)
        machine = OneClassSVM(nu=self.nu, gamma=1 / COMPONENTS).fit(embedded)
        as_tensor = {"dtype": torch.float32, "device": self.device}
        self.support = torch.as_tensor(machine.support_vectors_, **as_tensor)
        self.weight = torch.as_tensor(machine.dual_coef_[0], **as_tensor)

    def score(self, beats: Beats, context: str = "none") -> np.ndarray:
        """Minus the logarithm (n,) of the decision function without its constant: the same order,
        and no two beats are alike for being far from every support vector."""
        minus_log = lambda beat_mv: -self._log_kernels(self._embed(beat_mv)).logsumexp(1)
        return self.in_chunks(minus_log, beats.beat_mv).astype(float)

    def reconstruct(self, beat_mv: Tensor) -> Tensor:
        """The support vectors around a beat, averaged as the machine weighs them: where the score
        falls steepest to (Mika S et al. Kernel PCA and de-noising in feature spaces. NIPS 1998)."""
        weights = self._log_kernels(self._embed(beat_mv)).softmax(1)  # [n, support vectors]
        return self.components.back(weights @ self.support)

    def _embed(self, beat_mv: Tensor) -> Tensor:
        return self.components(min_max(beat_mv))

    def _log_kernels(self, embedded: Tensor) -> Tensor:
        """(n, COMPONENTS) to (n, support vectors): log of weight times Gaussian kernel."""
        return self.weight.log() - torch.cdist(embedded, self.support).square() / COMPONENTS


DETECTOR = OCSVM
