"""The networks of B2I-GAN. An image column, its frequencies, is the channels of a convolution.

A spectrum is read whole: the same shape some hertz higher means something else, unlike the same
shape some time later. It is also four times as fast on a CPU as convolving both ways.
"""

import torch
from torch import Tensor, nn

from preprocess.spectrogram import COMPLEX

CHANNELS, FREQS, TIMES = COMPLEX.shape  # 2, 32, 32
N_FILTERS = 64  # of the first layer
MORE_FILTERS = N_FILTERS * 3 // 2  # of the second
N_FLATTENED = MORE_FILTERS * TIMES // 4  # numbers that are left of an image after both
N_LATENT = 48
N_FEATURES = 64


def convolution(n_in: int, n_out: int, width: int, stride: int) -> nn.Sequential:
    """(n, n_in, times) to (n, n_out, times / stride)."""
    return nn.Sequential(
        nn.Conv1d(n_in, n_out, width, stride, width // 2, bias=False),
        nn.BatchNorm1d(n_out),
        nn.LeakyReLU(0.1),
    )


def read_columns() -> nn.Sequential:
    """Image (n, 2, 32, 32) to (n, N_FLATTENED): two strided convolutions along time."""
    return nn.Sequential(
        nn.Flatten(1, 2),  # [n, 64, 32]
        *convolution(CHANNELS * FREQS, N_FILTERS, 3, 2),  # [n, 64, 16]
        *convolution(N_FILTERS, MORE_FILTERS, 3, 2),  # [n, 96, 8]
        nn.Flatten(),  # [n, 768]
    )


class Encoder(nn.Module):
    """Image (n, 2, 32, 32) to latent (n, N_LATENT): a linear path, so that it starts near PCA, and
    a deep one."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(CHANNELS * FREQS * TIMES, N_LATENT)
        self.deep = nn.Sequential(read_columns(), nn.Linear(N_FLATTENED, N_LATENT))

    def forward(self, image: Tensor) -> Tensor:
        return self.linear(image.flatten(1)) + self.deep(image)


class Decoder(nn.Sequential):
    """Latent (n, N_LATENT) to image (n, 2, 32, 32)."""

    def __init__(self):
        super().__init__(
            nn.Linear(N_LATENT, N_FLATTENED),
            nn.BatchNorm1d(N_FLATTENED),
            nn.LeakyReLU(0.1),
            nn.Unflatten(1, (MORE_FILTERS, TIMES // 4)),  # [n, 96, 8]
            nn.ConvTranspose1d(MORE_FILTERS, N_FILTERS, 4, 2, 1, bias=False),  # [n, 64, 16]
            nn.BatchNorm1d(N_FILTERS),
            nn.LeakyReLU(0.1),
            nn.ConvTranspose1d(N_FILTERS, CHANNELS * FREQS, 4, 2, 1),  # [n, 64, 32]
            nn.Unflatten(1, (CHANNELS, FREQS)),  # [n, 2, 32, 32]
        )


class Discriminator(nn.Module):
    """Image (n, 2, 32, 32) to features (n, N_FEATURES), class logits (n, 2 * n_records), and the
    logit (n,) of being real.

    Classes: below n_records, a real beat of that record; from n_records on, a synthetic anomaly
    made from a beat of it (an auxiliary classifier: Odena et al., ICML 2017). The other logit is
    high for real images and low for generated ones.
    """

    def __init__(self, n_records: int):
        super().__init__()
        self.trunk = nn.Sequential(
            read_columns(),
            nn.Linear(N_FLATTENED, 2 * N_FEATURES),
            nn.BatchNorm1d(2 * N_FEATURES),
            nn.LeakyReLU(0.1),
            nn.Linear(2 * N_FEATURES, N_FEATURES),
        )
        self.classes = nn.Linear(N_FEATURES, 2 * n_records)
        self.reality = nn.Linear(N_FEATURES, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = self.trunk(image)  # [n, 64]
        active = torch.relu(features)
        return features, self.classes(active), self.reality(active)[:, 0]
