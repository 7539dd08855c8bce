"""RR intervals alone: no waveform at all."""

from collections.abc import Mapping

import numpy as np
import torch
from sklearn.mixture import GaussianMixture
from torch import Tensor

from models.detector import Detector
from preprocess.beats import BEFORE, WINDOW, Beats


class Rhythm(Detector):
    """RR intervals before and after the beat, relative to their local median: minus the
    log-likelihood under a Gaussian mixture. The intervals are those of de Chazal P, O'Dwyer M,
    Reilly RB. Automatic classification of heartbeats using ECG morphology and heartbeat interval
    features. IEEE Trans Biomed Eng 2004;51(7):1196-1206.
    """

    image = None
    contexts = ("rhythm",)
    n_gaussians = 8
    # Standard deviation of a Gaussian at least, log ratio: RR intervals are read to 1 % or so.
    narrowest = 0.01

    def __init__(self, opt: Mapping):
        super().__init__(opt)
        self.register_buffer("log_weight", torch.zeros(self.n_gaussians))
        self.register_buffer("mean", torch.zeros(self.n_gaussians, 2))
        self.register_buffer("precision_root", torch.eye(2).repeat(self.n_gaussians, 1, 1))

    def finish(self, normals: Beats, calibration: Beats) -> None:
        mixture = GaussianMixture(self.n_gaussians, reg_covar=self.narrowest**2, random_state=0)
        mixture.fit(self._ratios(torch.as_tensor(normals.rr_s)).numpy())
        self.log_weight.copy_(torch.as_tensor(mixture.weights_).log())
        self.mean.copy_(torch.as_tensor(mixture.means_))
        self.precision_root.copy_(torch.as_tensor(mixture.precisions_cholesky_))

    def score(self, beats: Beats, context: str = "rhythm") -> np.ndarray:
        """Minus the log-likelihood (n,) of the two ratios."""
        return self.in_chunks(self._negative_log_likelihood, beats.rr_s).astype(float)

    def error_map(self, beats: Beats) -> np.ndarray:
        """(n, 320): how far the RR before is from the local median, as a log ratio, on each sample
        before the R peak, and the RR after on the others."""
        before, after = self.in_chunks(self._ratios, beats.rr_s).T[:, :, None]  # [n, 1] each
        return np.abs(np.where(np.arange(WINDOW) < BEFORE, before, after))

    @staticmethod
    def _ratios(rr_s: Tensor) -> Tensor:
        """(n, 3) RR before, after and local in s to (n, 2) log ratios."""
        return (rr_s[:, :2].clamp_min(0.01) / rr_s[:, 2:].clamp_min(0.01)).log()

    def _negative_log_likelihood(self, rr_s: Tensor) -> Tensor:
        off = self._ratios(rr_s)[:, None] - self.mean  # [n, gaussians, 2]
        whitened = torch.einsum("nki,kij->nkj", off, self.precision_root)
        log_root = self.precision_root.diagonal(dim1=1, dim2=2).log().sum(1)  # [gaussians]
        return -(self.log_weight + log_root - whitened.square().sum(2) / 2).logsumexp(1)


DETECTOR = Rhythm
