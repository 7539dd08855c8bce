"""Principal components of the scaled waveform, kept as tensors."""

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import nn

from preprocess.beats import WINDOW

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
