"""BeatGAN: an autoencoder of beats whose reconstructions must also look real to a discriminator."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torch.optim.swa_utils import AveragedModel

from models.compared._adversarial import Discriminator, discriminator_loss, feature_matching
from models.compared._layers import PUBLISHED_WIDTHS, initialise
from models.compared.autoencoder import AutoEncoder
from models.steps import COLLAPSED, descend, set_rate
from preprocess.beats import Beats

# Of feature matching at --w_adv 1, which brings it to the size of the reconstruction loss.
W_FEATURES = 0.01
SLOWER = 0.1  # learning rate of the discriminator, as a share of the generator's
# Of the decoder's last weights, in those of Xavier's initialisation. Where a sample begins on the
# wrong side of Tanh, which is flat there, it stays for hundreds of steps; the discriminator sees
# nothing else, and an epoch ends 0.025 of AUC lower. Whether one does is a matter of the seed.
FIRST_OUTPUT = 0.1
HORIZON = 3.0  # the weights that score are an average over about the last third of training


class BeatGAN(AutoEncoder):
    """Zhou B, Liu S, Hooi B, Cheng X, Ye J. BeatGAN: anomalous rhythm detection using adversarially
    generated time series. IJCAI 2019.

    Networks, batch, optimizer and score (mean squared reconstruction error) are the published ones.
    What differs, to fit an epoch on a processor where 100 were run: ten times the learning rate for
    the generator, whose output begins near zero; scores come from weights averaged over training,
    as those of one moment go up and down by 0.04 of AUC within a hundred steps; and feature
    matching, a hundred times the reconstruction loss so early, is brought to its size. Scores are
    made in eval mode also where labels choose by them, and augmentation (n_aug, in the training
    loop) warps beats anew in every epoch instead of once.
    """

    widths = PUBLISHED_WIDTHS
    trained = {"generator": ("encoder", "decoder"), "discriminator": ("discriminator",)}

    def __init__(self, opt: Mapping):
        super().__init__(opt)
        with torch.no_grad():
            self.decoder[-2].weight.mul_(FIRST_OUTPUT)

    def build(self) -> None:
        super().build()
        self.discriminator = Discriminator(self.widths)
        generator = nn.Sequential(self.encoder, self.decoder)
        self.averaged = AveragedModel(generator, avg_fn=towards, use_buffers=True)
        self.averaged.requires_grad_(False)

    def begin_step(self, progress: float) -> None:
        """The learning rates stay: the average takes care of the end."""
        steps, rate = self.optimizers(), self.opt["lr"]
        set_rate([steps["generator"]], rate)
        set_rate([steps["discriminator"]], rate * SLOWER)

    def training_step(self, beats: Beats) -> dict[str, float]:
        real, steps = self.batch(beats), self.optimizers()  # [n, 1, 1, 320]
        # Serves both steps: the first does not touch the generator.
        fake = self.decoder(self.encoder(real))
        d_loss, d_terms = discriminator_loss(self.discriminator, real, fake)
        descend(steps["discriminator"], d_loss)

        matching = feature_matching(self.discriminator, real, fake)
        reconstruction = mse_loss(fake, real)
        descend(steps["generator"], reconstruction + W_FEATURES * self.opt["w_adv"] * matching)
        self.averaged.update_parameters(nn.Sequential(self.encoder, self.decoder))
        if d_terms["d_loss"] < COLLAPSED:
            self.discriminator.apply(initialise)
        return d_terms | {"g_rec": reconstruction.item(), "g_adv": matching.item()}

    def reconstruct(self, beat_mv: Tensor) -> Tensor:
        return self.averaged(self.rows(beat_mv)).flatten(1).float()


def towards(average: Tensor, value: Tensor, n_averaged: Tensor) -> Tensor:
    """A running average that forgets what is older than a share of all steps: the power function of
    Karras T, Aittala M, Lehtinen J, et al. Analyzing and improving the training dynamics of
    diffusion models. CVPR 2024."""
    return average + (value - average) * (HORIZON / (HORIZON + n_averaged))


DETECTOR = BeatGAN
