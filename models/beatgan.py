"""BeatGAN: an autoencoder of beats whose reconstructions must also look real to a discriminator."""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from models.autoencoder import PUBLISHED_WIDTHS, AutoEncoder, descend, encoder, initialise

COLLAPSED = 5e-6  # a discriminator with a smaller loss has nothing left to learn from: it starts anew


class Discriminator(nn.Module):
    """(n, 1, 1, 320) to (logit (n,), features (n, channels, 1, 10)): high where the beat is real."""

    def __init__(self, widths, batch_norm=True):
        super().__init__()
        *features, head = encoder(1, widths, batch_norm)
        self.features, self.head = nn.Sequential(*features), head

    def forward(self, beat):
        features = self.features(beat)
        return self.head(features).flatten(), features


def discriminator_loss(discriminator, real, fake):
    """Binary cross-entropy on real against generated, both (n, 1, height, width); no gradient reaches the generator."""
    on_real, on_fake = discriminator(real)[0], discriminator(fake.detach())[0]
    loss = binary_cross_entropy_with_logits(on_real, torch.ones_like(on_real)) \
        + binary_cross_entropy_with_logits(on_fake, torch.zeros_like(on_fake))
    return loss, {"d_loss": loss.item()}


def feature_matching(discriminator, real, fake):
    """Mean squared difference of the features of real and generated beats; gradients reach the latter alone."""
    with torch.no_grad():
        wanted = discriminator(real)[1]
    return mse_loss(discriminator(fake)[1], wanted)


class BeatGAN(AutoEncoder):
    """Zhou B, Liu S, Hooi B, Cheng X, Ye J. BeatGAN: anomalous rhythm detection using adversarially generated time
    series. IJCAI 2019.

    Networks, losses, batch, optimizer and score (mean squared reconstruction error) are the published ones. What differs,
    to fit an epoch or two on a processor where 100 were run: three times the learning rate, and it falls. Half the
    channels were three times as fast, but an unlucky discriminator then wins for good (AUC 0.60 after an epoch of fold 0);
    ten times the published rate ended at 0.895 after three epochs where one of these reaches 0.92. Scores are made in eval
    mode also where an epoch is chosen by them, and augmentation (n_aug, in the training loop) warps beats anew in every
    epoch instead of once.
    """

    defaults = {"niter": 2, "lr": 3e-4, "batchsize": 64}
    widths = PUBLISHED_WIDTHS
    trained = {"generator": ("encoder", "decoder"), "discriminator": ("discriminator",)}

    def build(self):
        super().build()
        self.discriminator = Discriminator(self.widths)

    def training_step(self, beats):
        real, steps = self.rows(torch.as_tensor(beats.beat_mv, device=self.device)), self.optimizers()
        fake = self.decoder(self.encoder(real))  # serves both steps: the first does not touch the generator
        d_loss, d_named = discriminator_loss(self.discriminator, real, fake)
        descend(steps["discriminator"], d_loss)
        matching, reconstruction = feature_matching(self.discriminator, real, fake), mse_loss(fake, real)
        descend(steps["generator"], reconstruction + self.opt["w_adv"] * matching)
        if d_named["d_loss"] < COLLAPSED:
            self.discriminator.apply(initialise)
        return d_named | {"g_rec": reconstruction.item(), "g_adv": matching.item()}
