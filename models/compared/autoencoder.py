"""A 1-D convolutional autoencoder of beats, and the layers that it shares with BeatGAN, GANomaly and AnoGAN.

Beats go through as images one row high, (n, 1, 1, 320): with channels-last memory the 2-D convolutions of a processor
are a third faster than its 1-D ones.
"""

import torch
from torch import nn

from models.detector import Detector

PUBLISHED_WIDTHS = (
    32,
    64,
    128,
    256,
    512,
)  # BeatGAN's channels after each halving: 320 samples become 10
WIDTHS = (
    16,
    32,
    64,
    128,
    256,
)  # half of them: three times as fast, and as good in the same time on a processor
LAST_KERNEL = 10
N_LATENT = 50


def encoder(n_out, widths, batch_norm=True):
    """Layers from (n, 1, 1, 320) to (n, n_out, 1, 1)."""
    layers, before = [], 1
    for width in widths:
        layers += [nn.Conv2d(before, width, (1, 4), (1, 2), (0, 1), bias=False)]
        layers += [nn.BatchNorm2d(width)] * (batch_norm and before > 1) + [
            nn.LeakyReLU(0.2, inplace=True)
        ]
        before = width
    return nn.Sequential(*layers, nn.Conv2d(before, n_out, (1, LAST_KERNEL), bias=False))


def decoder(n_latent, widths):
    """Layers from (n, n_latent, 1, 1) to (n, 1, 1, 320) in [-1, 1]: the encoder backwards."""
    layers, before = (
        [nn.ConvTranspose2d(n_latent, widths[-1], (1, LAST_KERNEL), bias=False)],
        widths[-1],
    )
    for width in (*widths[-2::-1], 1):
        layers += [
            nn.BatchNorm2d(before),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(before, width, (1, 4), (1, 2), (0, 1), bias=False),
        ]
        before = width
    return nn.Sequential(*layers, nn.Tanh())


def initialise(module):
    """Xavier for convolutions, N(1, 0.02) for the scale of batch norm: BeatGAN's."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.xavier_normal_(module.weight)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def extremes(beat_mv):
    """(n, 320) to each beat's lowest and highest value, (n, 1) each."""
    return beat_mv.amin(1, keepdim=True), beat_mv.amax(1, keepdim=True)


def min_max(beat_mv):
    """(n, 320) in mV to the same in [-1, 1], each beat by its own extremes: amplitude is nobody's anomaly."""
    low, high = extremes(beat_mv)
    return 2 * (beat_mv - low) / (high - low).clamp_min(1e-6) - 1


def to_mv(scaled, beat_mv):
    """Undo min_max: (n, 320) in [-1, 1] to mV, by the extremes of the beats (n, 320) they are set beside."""
    low, high = extremes(beat_mv)
    return (scaled + 1) / 2 * (high - low) + low


def descend(optimizer, loss):
    """One step of an optimizer; gradients are worked out for its own weights alone."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    optimizer.zero_grad(set_to_none=True)
    loss.backward(inputs=weights)
    optimizer.step()


class AutoEncoder(Detector):
    """Convolutional autoencoder trained on reconstruction alone, scored by mean squared error: the AE row of Zhou B,
    Liu S, Hooi B, Cheng X, Ye J. BeatGAN: anomalous rhythm detection using adversarially generated time series.
    IJCAI 2019. Encoder and decoder are BeatGAN's, half as wide.

    A subclass adds networks, names in `trained` what each optimizer trains, and replaces training_step.
    """

    image = None
    explains = "beat"
    most_normals = 2048  # nothing but the threshold's reference is made from normals after training
    defaults = {"niter": 3, "lr": 1e-3, "batchsize": 64}
    betas = (0.5, 0.999)  # of Adam, as published
    widths = WIDTHS
    trained = {"generator": ("encoder", "decoder")}

    def __init__(self, opt):
        super().__init__(opt)
        self._optimizers = {}
        self.build()
        self.apply(initialise)
        self.to(memory_format=torch.channels_last)

    def build(self):
        """Makes the networks."""
        self.encoder, self.decoder = encoder(N_LATENT, self.widths), decoder(N_LATENT, self.widths)

    def optimizers(self):
        if not self._optimizers:
            self._optimizers = {
                name: torch.optim.Adam(
                    [w for part in parts for w in getattr(self, part).parameters()],
                    lr=self.opt["lr"],
                    betas=self.betas,
                )
                for name, parts in self.trained.items()
            }
        return self._optimizers

    def begin_step(self, progress):
        """The learning rate falls in a line towards 0: the end must not be one moment of an adversarial game."""
        for optimizer in self.optimizers().values():
            for group in optimizer.param_groups:
                group["lr"] = self.opt["lr"] * (1 - progress)

    def training_step(self, beats):
        real = self.rows(torch.as_tensor(beats.beat_mv, device=self.device))
        loss = nn.functional.mse_loss(self.decoder(self.encoder(real)), real)
        descend(self.optimizers()["generator"], loss)
        return {"g_rec": loss.item()}

    def score(self, beats, context="none"):
        """Mean squared reconstruction error (n,) on the scale of min_max."""
        return self.in_chunks(lambda beat: self.squared_error(beat).mean(1), beats.beat_mv).astype(
            float
        )

    def error_map(self, beats):
        """Squared reconstruction error (n, 320): the score is its mean."""
        return self.in_chunks(self.squared_error, beats.beat_mv)

    def generate(self, beats):
        """(n, 320) in mV: the reconstruction, on each beat's own scale."""
        return self.in_chunks(lambda beat: to_mv(self.reconstruct(beat), beat), beats.beat_mv)

    def squared_error(self, beat_mv):
        return (self.reconstruct(beat_mv) - min_max(beat_mv)).square()

    def reconstruct(self, beat_mv):
        """(n, 320) in mV to its reconstruction (n, 320) in [-1, 1]."""
        return self.decoder(self.encoder(self.rows(beat_mv))).flatten(1).float()

    @staticmethod
    def rows(beat_mv):
        """(n, 320) in mV to network input (n, 1, 1, 320) in [-1, 1]."""
        return min_max(beat_mv)[:, None, None].contiguous(memory_format=torch.channels_last)
