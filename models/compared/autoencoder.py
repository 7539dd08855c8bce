"""A 1-D convolutional autoencoder of beats, which BeatGAN, GANomaly and AnoGAN build upon."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss
from torch.optim import Adam, Optimizer

from models.compared._layers import (
    TRACE_LATENT,
    WIDTHS,
    TraceDetector,
    decoder,
    encoder,
    initialise,
    min_max,
)
from models.steps import descend, set_rate
from preprocess.beats import Beats


class AutoEncoder(TraceDetector):
    """Convolutional autoencoder trained on reconstruction alone, scored by mean squared error: the
    AE row of Zhou B, Liu S, Hooi B, Cheng X, Ye J. BeatGAN: anomalous rhythm detection using
    adversarially generated time series. IJCAI 2019. Encoder and decoder are BeatGAN's, half as
    wide.

    A subclass adds networks, names in `trained` what each optimizer trains, and replaces
    training_step.
    """

    most_normals = 2048  # nothing but the threshold's reference is made from normals after training
    betas = (0.5, 0.999)  # of Adam, as published
    widths = WIDTHS
    trained = {"generator": ("encoder", "decoder")}

    def __init__(self, opt: Mapping):
        super().__init__(opt)
        self._optimizers = {}
        self.build()
        self.apply(initialise)
        self.to(memory_format=torch.channels_last)

    def build(self) -> None:
        """Makes the networks."""
        self.encoder = encoder(TRACE_LATENT, self.widths)
        self.decoder = decoder(TRACE_LATENT, self.widths)

    def optimizers(self) -> dict[str, Optimizer]:
        if not self._optimizers:
            for name, parts in self.trained.items():
                weights = [w for part in parts for w in getattr(self, part).parameters()]
                self._optimizers[name] = Adam(weights, lr=self.opt["lr"], betas=self.betas)
        return self._optimizers

    def begin_step(self, progress: float) -> None:
        """The learning rate falls in a line towards 0: the end must not be one moment of an
        adversarial game."""
        set_rate(self.optimizers().values(), self.opt["lr"] * (1 - progress))

    def training_step(self, beats: Beats) -> dict[str, float]:
        real = self.batch(beats)
        loss = mse_loss(self.decoder(self.encoder(real)), real)
        descend(self.optimizers()["generator"], loss)
        return {"g_rec": loss.item()}

    def score(self, beats: Beats, context: str = "none") -> np.ndarray:
        """Mean squared reconstruction error (n,) on the scale of min_max."""
        mean_error = self.in_chunks(lambda beat: self.squared_error(beat).mean(1), beats.beat_mv)
        return mean_error.astype(float)

    def reconstruct(self, beat_mv: Tensor) -> Tensor:
        return self.decoder(self.encoder(self.rows(beat_mv))).flatten(1).float()

    def batch(self, beats: Beats) -> Tensor:
        """Beats to network input (n, 1, 1, 320)."""
        return self.rows(torch.as_tensor(beats.beat_mv, device=self.device))

    @staticmethod
    def rows(beat_mv: Tensor) -> Tensor:
        """(n, 320) in mV to network input (n, 1, 1, 320) in [-1, 1]."""
        return min_max(beat_mv)[:, None, None].contiguous(memory_format=torch.channels_last)


DETECTOR = AutoEncoder
