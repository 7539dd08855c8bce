"""Principal components of the scaled waveform, kept as tensors."""

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from preprocess import BadInput
from preprocess.beats import WINDOW

COMPONENTS = 20


class PrincipalComponents(nn.Module):
    """(n, 320) beats, scaled to [-1, 1], to their first components (n, COMPONENTS), each of unit
    variance, and back."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(WINDOW))
        self.register_buffer("axes", torch.zeros(COMPONENTS, WINDOW))
        self.register_buffer("deviation", torch.ones(COMPONENTS))

    def fit(self, scaled: np.ndarray) -> None:
        if len(scaled) < COMPONENTS:
            raise BadInput(
                f"{len(scaled)} normal beats are too few for {COMPONENTS} principal components"
            )
        pca = PCA(COMPONENTS, random_state=0).fit(scaled)
        variance = np.maximum(pca.explained_variance_, 1e-9)
        self.mean.copy_(torch.as_tensor(pca.mean_))
        self.axes.copy_(torch.as_tensor(pca.components_))
        self.deviation.copy_(torch.as_tensor(variance**0.5))

    def forward(self, scaled: Tensor) -> Tensor:
        return (scaled - self.mean) @ self.axes.T / self.deviation

    def back(self, components: Tensor) -> Tensor:
        return components * self.deviation @ self.axes + self.mean
