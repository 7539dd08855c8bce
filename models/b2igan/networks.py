"""The networks of B2I-GAN. An image column, 2 x 32 numbers, is the channels of a convolution along time.

A spectrum is read whole: the same shape some hertz higher means something else, unlike the same shape some time later.
It is also four times as fast on a CPU as convolving both ways.
"""

import torch
from torch import nn

CHANNELS, FREQS, TIMES = 2, 32, 32
WIDTH = 64  # filters of the first layer
COLUMNS = WIDTH * 3 // 2  # filters of the second
FLAT = COLUMNS * TIMES // 4
N_LATENT = 48
N_FEATURES = 64


def read_columns():
    """Image (n, 2, 32, 32) to (n, FLAT): two strided convolutions along time."""

    def convolution(n_in, n_out):
        return [
            nn.Conv1d(n_in, n_out, 3, 2, 1, bias=False),
            nn.BatchNorm1d(n_out),
            nn.LeakyReLU(0.1),
        ]

    return nn.Sequential(
        nn.Flatten(1, 2),
        *convolution(CHANNELS * FREQS, WIDTH),
        *convolution(WIDTH, COLUMNS),
        nn.Flatten(),
    )


class Encoder(nn.Module):
    """Image (n, 2, 32, 32) to latent (n, N_LATENT): a linear path, so that it starts near PCA, and a deep one."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(CHANNELS * FREQS * TIMES, N_LATENT)
        self.deep = nn.Sequential(read_columns(), nn.Linear(FLAT, N_LATENT))

    def forward(self, image):
        return self.linear(image.flatten(1)) + self.deep(image)


class Decoder(nn.Sequential):
    """Latent (n, N_LATENT) to image (n, 2, 32, 32)."""

    def __init__(self):
        super().__init__(
            nn.Linear(N_LATENT, FLAT),
            nn.BatchNorm1d(FLAT),
            nn.LeakyReLU(0.1),
            nn.Unflatten(1, (COLUMNS, TIMES // 4)),
            nn.ConvTranspose1d(COLUMNS, WIDTH, 4, 2, 1, bias=False),
            nn.BatchNorm1d(WIDTH),
            nn.LeakyReLU(0.1),
            nn.ConvTranspose1d(WIDTH, CHANNELS * FREQS, 4, 2, 1),
            nn.Unflatten(1, (CHANNELS, FREQS)),
        )


class Discriminator(nn.Module):
    """Image (n, 2, 32, 32) to features (n, N_FEATURES), class logits (n, 2 * n_records), reality logit (n,).

    Classes: below n_records, a real beat of that record; from n_records on, an anomaly made from a beat of it
    (an auxiliary classifier: Odena et al., ICML 2017). The reality logit is high for real, low for generated images.
    """

    def __init__(self, n_records):
        super().__init__()
        self.trunk = nn.Sequential(
            read_columns(),
            nn.Linear(FLAT, 2 * N_FEATURES),
            nn.BatchNorm1d(2 * N_FEATURES),
            nn.LeakyReLU(0.1),
            nn.Linear(2 * N_FEATURES, N_FEATURES),
        )
        self.classes = nn.Linear(N_FEATURES, 2 * n_records)
        self.reality = nn.Linear(N_FEATURES, 1)

    def forward(self, image):
        features = self.trunk(image)
        seen = torch.relu(features)
        return features, self.classes(seen), self.reality(seen)[:, 0]
