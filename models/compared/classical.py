"""What published comparisons leave out: scikit-learn fits it in seconds, a few tensors keep it."""

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.svm import OneClassSVM
from torch import nn

from models.compared.autoencoder import min_max, to_mv
from models.detector import Detector
from preprocess.beats import BEFORE, WINDOW

COMPONENTS = 20


class PrincipalComponents(nn.Module):
    """(n, 320) beats, scaled to [-1, 1], to their first components (n, COMPONENTS), each of unit variance, and back."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(WINDOW))
        self.register_buffer("axes", torch.zeros(COMPONENTS, WINDOW))
        self.register_buffer("deviation", torch.ones(COMPONENTS))

    def fit(self, scaled):
        pca = PCA(COMPONENTS, random_state=0).fit(scaled)
        variance = np.maximum(pca.explained_variance_, 1e-9)
        for buffer, value in (
            (self.mean, pca.mean_),
            (self.axes, pca.components_),
            (self.deviation, variance**0.5),
        ):
            buffer.copy_(torch.as_tensor(value))

    def forward(self, scaled):
        return (scaled - self.mean) @ self.axes.T / self.deviation

    def back(self, components):
        return components * self.deviation @ self.axes + self.mean


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

    def finish(self, normals, held_out):
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


class OCSVM(Detector):
    """One-class support vector machine on whitened principal components: Scholkopf B, Platt JC, Shawe-Taylor J,
    Smola AJ, Williamson RC. Estimating the support of a high-dimensional distribution. Neural Comput 2001;13:1443-71.

    Taken instead of an isolation forest because its decision is one formula in a few hundred support vectors, so that a
    checkpoint holds it as tensors; a forest would need scikit-learn's own pickle.
    """

    image = None
    explains = "beat"
    most_normals = 8192  # training time grows with the square
    defaults = {"niter": 0}
    nu = 0.05  # at most this share of the training beats is left outside

    def __init__(self, opt):
        super().__init__(opt)
        self.components = PrincipalComponents()
        self.register_buffer("support", torch.zeros(0, COMPONENTS))
        self.register_buffer("weight", torch.zeros(0))

    def finish(self, normals, held_out):
        self.components.fit(self.in_chunks(min_max, normals.beat_mv))
        machine = OneClassSVM(nu=self.nu, gamma=1 / COMPONENTS).fit(
            self.in_chunks(self._embed, normals.beat_mv)
        )
        self.support = torch.as_tensor(
            machine.support_vectors_, dtype=torch.float32, device=self.device
        )
        self.weight = torch.as_tensor(
            machine.dual_coef_[0], dtype=torch.float32, device=self.device
        )

    def score(self, beats, context="none"):
        """Minus the logarithm (n,) of the decision function without its constant: the same order, and no two beats
        are alike for being far from every support vector."""
        result = self.in_chunks(
            lambda beat: -self._log_kernels(self._embed(beat)).logsumexp(1), beats.beat_mv
        )
        return result.astype(float)

    def error_map(self, beats):
        """Squared difference (n, 320) between a beat and what generate makes of it, both in [-1, 1]."""
        return self.in_chunks(
            lambda beat: (min_max(beat) - self._preimage(beat)).square(), beats.beat_mv
        )

    def generate(self, beats):
        """(n, 320) in mV: the support vectors around a beat, averaged as the machine weighs them: where the score
        falls steepest to (Mika S et al. Kernel PCA and de-noising in feature spaces. NIPS 1998)."""
        return self.in_chunks(lambda beat: to_mv(self._preimage(beat), beat), beats.beat_mv)

    def _embed(self, beat_mv):
        return self.components(min_max(beat_mv))

    def _log_kernels(self, embedded):
        """(n, COMPONENTS) to (n, support vectors): log of weight times Gaussian kernel."""
        return self.weight.log() - torch.cdist(embedded, self.support).square() / COMPONENTS

    def _preimage(self, beat_mv):
        return self.components.back(
            self._log_kernels(self._embed(beat_mv)).softmax(1) @ self.support
        )


class Rhythm(Detector):
    """RR intervals alone, before and after the beat, relative to their local median: minus the log-likelihood under a
    Gaussian mixture. The intervals are those of de Chazal P, O'Dwyer M, Reilly RB. Automatic classification of
    heartbeats using ECG morphology and heartbeat interval features. IEEE Trans Biomed Eng 2004;51(7):1196-1206.
    """

    image = None
    explains = "beat"
    contexts = ("rhythm",)
    defaults = {"niter": 0}
    n_gaussians = 8
    narrowest = 0.01  # standard deviation of a Gaussian at least, log ratio: RR intervals are read to 1 % or so

    def __init__(self, opt):
        super().__init__(opt)
        self.register_buffer("log_weight", torch.zeros(self.n_gaussians))
        self.register_buffer("mean", torch.zeros(self.n_gaussians, 2))
        self.register_buffer("precision_root", torch.eye(2).repeat(self.n_gaussians, 1, 1))

    def finish(self, normals, held_out):
        mixture = GaussianMixture(self.n_gaussians, reg_covar=self.narrowest**2, random_state=0)
        mixture.fit(self._ratios(torch.as_tensor(normals.rr_s)).numpy())
        self.log_weight.copy_(torch.as_tensor(mixture.weights_).log())
        self.mean.copy_(torch.as_tensor(mixture.means_))
        self.precision_root.copy_(torch.as_tensor(mixture.precisions_cholesky_))

    def score(self, beats, context="rhythm"):
        """Minus the log-likelihood (n,) of the two ratios."""
        return self.in_chunks(self._surprise, beats.rr_s).astype(float)

    def error_map(self, beats):
        """(n, 320): how far the RR before is from the local median, as a log ratio, on each sample before the R peak,
        and the RR after on the others."""
        before, after = self.in_chunks(self._ratios, beats.rr_s).T[:, :, None]
        return np.abs(np.where(np.arange(WINDOW) < BEFORE, before, after))

    @staticmethod
    def _ratios(rr_s):
        """(n, 3) RR before, after and local in s to (n, 2) log ratios."""
        return (rr_s[:, :2].clamp_min(0.01) / rr_s[:, 2:].clamp_min(0.01)).log()

    def _surprise(self, rr_s):
        off = self._ratios(rr_s)[:, None] - self.mean
        whitened = torch.einsum("nki,kij->nkj", off, self.precision_root)
        log_root = self.precision_root.diagonal(dim1=1, dim2=2).log().sum(1)
        return -(self.log_weight + log_root - whitened.square().sum(2) / 2).logsumexp(1)
