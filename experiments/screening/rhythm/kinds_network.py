"""The network that names kinds of beats: convolutions over the beats of a block, one after another.

Bai S, Kolter JZ, Koltun V. An empirical evaluation of generic convolutional and recurrent networks
for sequence modeling. 2018; here each beat sees as many after it as before.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from experiments.screening.rhythm.kinds import KIND_FEATURES, NETWORK_CLASSES

NETWORKS = 4  # whose log probabilities are averaged
WIDTH, DILATIONS, DROPOUT = 48, (1, 2, 4), 0.3
REACH = sum(DILATIONS)  # beats on each side
FARTHEST = 5.0  # standard deviations beyond which a feature says no more


class Convolutions(nn.Module):
    """Standard features (n, KIND_FEATURES, beats), in order of time, to logits (n, 5, beats)."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(KIND_FEATURES, WIDTH, 1)
        self.beside = nn.ModuleList(
            nn.Conv1d(WIDTH, WIDTH, 3, padding=step, dilation=step) for step in DILATIONS
        )
        self.mixed = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 1) for _ in DILATIONS)
        self.last = nn.Conv1d(WIDTH, len(NETWORK_CLASSES), 1)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        for beside, mixed in zip(self.beside, self.mixed, strict=True):
            x = x + mixed(self.dropout(beside(x).relu()))
        return self.last(self.dropout(x.relu()))


class KindsNetwork(nn.Module):
    """Several Convolutions and what their features are divided by."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(KIND_FEATURES))
        self.register_buffer("deviation", torch.ones(KIND_FEATURES))
        # added to the logits: what is rare where the network learns is likelier elsewhere
        self.register_buffer("likelier", torch.zeros(len(NETWORK_CLASSES)))
        self.networks = nn.ModuleList(Convolutions() for _ in range(NETWORKS))

    def standard(self, features: np.ndarray) -> Tensor:
        """(n, KIND_FEATURES) to what Convolutions read, (KIND_FEATURES, n)."""
        x = (torch.as_tensor(features) - self.mean) / self.deviation
        return x.clamp(-FARTHEST, FARTHEST).T

    @torch.inference_mode()
    def log_probabilities(self, features: np.ndarray) -> np.ndarray:
        """Features (n, KIND_FEATURES) of the beats of a block to (n, 5)."""
        x = self.standard(features)[None]
        of_all = [net(x)[0].log_softmax(0) for net in self.networks]  # [5, n] each
        return (torch.stack(of_all).mean(0).T + self.likelier).log_softmax(1).numpy()

    @classmethod
    def load(cls, path: Path) -> KindsNetwork:
        made = cls()
        made.load_state_dict(load_file(path))
        return made.eval()

    def save(self, path: Path) -> None:
        save_file(self.state_dict(), path)
