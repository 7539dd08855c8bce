"""What detectors of traces share: their scale, their errors, and the layers of the 1-D networks.

Beats go through networks as images one row high, (n, 1, 1, 320): with channels-last memory the 2-D
convolutions of a processor are a third faster than its 1-D ones.
"""

import numpy as np
from torch import Tensor, nn

from models.detector import Detector
from preprocess.beats import Beats

# BeatGAN's channels after each halving: 320 samples become 10.
PUBLISHED_WIDTHS = (32, 64, 128, 256, 512)
# Half of them: three times as fast, and as good in the same time on a processor.
WIDTHS = (16, 32, 64, 128, 256)
LAST_KERNEL = 10  # as long as what the halvings leave
TRACE_LATENT = 50


def encoder(n_out: int, widths: tuple[int, ...], batch_norm: bool = True) -> nn.Sequential:
    """Layers from (n, 1, 1, 320) to (n, n_out, 1, 1)."""
    layers, before = [], 1
    for width in widths:
        layers += [nn.Conv2d(before, width, (1, 4), (1, 2), (0, 1), bias=False)]
        if batch_norm and before > 1:
            layers += [nn.BatchNorm2d(width)]
        layers += [nn.LeakyReLU(0.2, inplace=True)]
        before = width
    return nn.Sequential(*layers, nn.Conv2d(before, n_out, (1, LAST_KERNEL), bias=False))


def decoder(n_latent: int, widths: tuple[int, ...]) -> nn.Sequential:
    """Layers from (n, n_latent, 1, 1) to (n, 1, 1, 320) in [-1, 1]: the encoder backwards."""
    layers = [nn.ConvTranspose2d(n_latent, widths[-1], (1, LAST_KERNEL), bias=False)]
    before = widths[-1]
    for width in (*widths[-2::-1], 1):
        layers += [
            nn.BatchNorm2d(before),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(before, width, (1, 4), (1, 2), (0, 1), bias=False),
        ]
        before = width
    return nn.Sequential(*layers, nn.Tanh())


def initialise(module: nn.Module) -> None:
    """Xavier for convolutions, N(1, 0.02) for the scale of batch norm: BeatGAN's."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_normal_(module.weight)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def extremes(given: Tensor) -> tuple[Tensor, Tensor]:
    """Traces or images (n, ...) to the lowest and highest value of each, (n, 1, ...)."""
    others = tuple(range(1, given.ndim))
    return given.amin(others, keepdim=True), given.amax(others, keepdim=True)


def min_max(given: Tensor) -> Tensor:
    """Traces or images (n, ...) to the same in [-1, 1], each by its own extremes: amplitude is
    nobody's anomaly."""
    low, high = extremes(given)
    return 2 * (given - low) / (high - low).clamp_min(1e-6) - 1


def to_unit(scaled: Tensor, given: Tensor) -> Tensor:
    """Undo min_max: (n, ...) in [-1, 1] to mV or dB, by the extremes of what they are set beside,
    of the same shape."""
    low, high = extremes(given)
    return (scaled + 1) / 2 * (high - low) + low


class TraceDetector(Detector):
    """Reads the trace, each beat in [-1, 1], and knows what a normal beat would be in its place: a
    subclass says that in `reconstruct`."""

    image = None

    def reconstruct(self, beat_mv: Tensor) -> Tensor:
        """(n, 320) in mV to their normal versions (n, 320) in [-1, 1]."""
        raise NotImplementedError

    def squared_error(self, beat_mv: Tensor) -> Tensor:
        return (self.reconstruct(beat_mv) - min_max(beat_mv)).square()

    def error_map(self, beats: Beats) -> np.ndarray:
        """Squared difference (n, 320) of beats and their normal versions, both in [-1, 1]."""
        return self.in_chunks(self.squared_error, beats.beat_mv)

    def generate(self, beats: Beats) -> np.ndarray:
        """(n, 320) in mV: the normal versions, on each beat's own scale."""
        return self.in_chunks(lambda beat: to_unit(self.reconstruct(beat), beat), beats.beat_mv)
