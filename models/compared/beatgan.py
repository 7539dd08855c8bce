"""BeatGAN: an autoencoder of beats whose reconstructions must also look real to a discriminator."""

import torch
from torch import nn
from torch.nn.functional import mse_loss
from torch.optim.swa_utils import AveragedModel

from models.compared._adversarial import (
    COLLAPSED,
    Discriminator,
    discriminator_loss,
    feature_matching,
)
from models.compared._layers import PUBLISHED_WIDTHS, descend, initialise
from models.compared.autoencoder import AutoEncoder

# Of feature matching at --w_adv 1, which brings it to the size of the reconstruction loss.
W_FEATURES = 0.01
SLOWER = 0.1  # learning rate of the discriminator, as a share of the generator's
HORIZON = 3.0  # the weights that score are an average over about the last third of training


def towards(average, value, n_averaged):
    """A running average that forgets what is older than a share of all steps: the power function of Karras T, Aittala M,
    Lehtinen J, et al. Analyzing and improving the training dynamics of diffusion models. CVPR 2024."""
    return average + (value - average) * (HORIZON / (HORIZON + n_averaged))


class BeatGAN(AutoEncoder):
    """Zhou B, Liu S, Hooi B, Cheng X, Ye J. BeatGAN: anomalous rhythm detection using adversarially generated time
    series. IJCAI 2019.

    Networks, batch, optimizer and score (mean squared reconstruction error) are the published ones. What differs, to fit an
    epoch on a processor where 100 were run: ten times the learning rate for the generator; scores come from weights
    averaged over training, as those of one moment go up and down by 0.04 of AUC within a hundred steps; and feature
    matching, a hundred times the reconstruction loss so early, is brought to its size. Scores are made in eval mode also
    where labels choose by them, and augmentation (n_aug, in the training loop) warps beats anew in every epoch instead of
    once.
    """

    defaults = {"niter": 1, "lr": 1e-3, "batchsize": 64}
    widths = PUBLISHED_WIDTHS
    trained = {"generator": ("encoder", "decoder"), "discriminator": ("discriminator",)}

    def build(self):
        super().build()
        self.discriminator = Discriminator(self.widths)
        self.averaged = AveragedModel(
            nn.Sequential(self.encoder, self.decoder), avg_fn=towards, use_buffers=True
        )
        self.averaged.requires_grad_(False)

    def begin_step(self, progress):
        """The learning rates stay: the average takes care of the end."""
        for name, optimizer in self.optimizers().items():
            for group in optimizer.param_groups:
                group["lr"] = self.opt["lr"] * (SLOWER if name == "discriminator" else 1)

    def training_step(self, beats):
        real, steps = (
            self.rows(torch.as_tensor(beats.beat_mv, device=self.device)),
            self.optimizers(),
        )
        fake = self.decoder(
            self.encoder(real)
        )  # serves both steps: the first does not touch the generator
        d_loss, d_named = discriminator_loss(self.discriminator, real, fake)
        descend(steps["discriminator"], d_loss)
        matching, reconstruction = (
            feature_matching(self.discriminator, real, fake),
            mse_loss(fake, real),
        )
        descend(steps["generator"], reconstruction + W_FEATURES * self.opt["w_adv"] * matching)
        self.averaged.update_parameters(nn.Sequential(self.encoder, self.decoder))
        if d_named["d_loss"] < COLLAPSED:
            self.discriminator.apply(initialise)
        return d_named | {"g_rec": reconstruction.item(), "g_adv": matching.item()}

    def reconstruct(self, beat_mv):
        return self.averaged(self.rows(beat_mv)).flatten(1).float()


DETECTOR = BeatGAN
