"""GANomaly: encoder, decoder, encoder; a beat is abnormal when its two latent vectors differ."""

import torch
from torch.nn.functional import l1_loss, mse_loss

from models.compared._adversarial import Discriminator, discriminator_loss, feature_matching
from models.compared._layers import N_LATENT, descend, encoder, initialise
from models.compared.autoencoder import AutoEncoder

W_ADVERSARIAL, W_RECONSTRUCTION, W_LATENT = 1.0, 50.0, 1.0
COLLAPSED = 1e-5


class Ganomaly(AutoEncoder):
    """Akcay S, Atapour-Abarghouei A, Breckon TP. GANomaly: semi-supervised anomaly detection via adversarial training.
    ACCV 2018. In 1-D, with the layers of BeatGAN here.

    The published weights of the three losses (feature matching 1, L1 reconstruction 50, latent 1), Adam and score.
    """

    defaults = {"niter": 2, "lr": 2e-4, "batchsize": 64}
    trained = {
        "generator": ("encoder", "decoder", "second_encoder"),
        "discriminator": ("discriminator",),
    }

    def build(self):
        super().build()
        self.discriminator = Discriminator(self.widths)
        self.second_encoder = encoder(N_LATENT, self.widths)

    def training_step(self, beats):
        real, steps = (
            self.rows(torch.as_tensor(beats.beat_mv, device=self.device)),
            self.optimizers(),
        )
        latent = self.encoder(real)
        fake = self.decoder(latent)
        d_loss, d_named = discriminator_loss(self.discriminator, real, fake)
        descend(steps["discriminator"], d_loss)
        g_loss, g_named = self._generator_loss(real, fake, latent)
        descend(steps["generator"], g_loss)
        if d_named["d_loss"] < COLLAPSED:
            self.discriminator.apply(initialise)
        return d_named | g_named

    def _generator_loss(self, real, fake, latent):
        """real, fake: (n, 1, 1, 320); latent: (n, N_LATENT, 1, 1) of real. Returns the loss and its parts."""
        matching, reconstruction = (
            feature_matching(self.discriminator, real, fake),
            l1_loss(fake, real),
        )
        apart = mse_loss(self.second_encoder(fake), latent)
        loss = W_ADVERSARIAL * matching + W_RECONSTRUCTION * reconstruction + W_LATENT * apart
        return loss, {
            "g_rec": reconstruction.item(),
            "g_adv": matching.item(),
            "g_latent": apart.item(),
        }

    def score(self, beats, context="none"):
        """Mean squared distance (n,) of the latent vectors of beat and reconstruction; error_map, in samples, is the
        reconstruction error, as latent vectors have no place in a beat."""
        return self.in_chunks(self._latent_distance, beats.beat_mv).astype(float)

    def _latent_distance(self, beat_mv):
        latent = self.encoder(self.rows(beat_mv))
        return (self.second_encoder(self.decoder(latent)) - latent).square().flatten(1).mean(1)


DETECTOR = Ganomaly
