"""GANomaly: encoder, decoder, encoder; a beat is abnormal when its two latent vectors differ."""

import numpy as np
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from models.compared._adversarial import Discriminator, discriminator_loss, feature_matching
from models.compared._layers import TRACE_LATENT, encoder, initialise
from models.compared.autoencoder import AutoEncoder
from models.steps import descend
from preprocess.beats import Beats

W_ADVERSARIAL, W_RECONSTRUCTION, W_LATENT = 1.0, 50.0, 1.0  # as published
ANEW_BELOW = 1e-5  # with a smaller loss the discriminator starts anew, as published


class Ganomaly(AutoEncoder):
    """Akcay S, Atapour-Abarghouei A, Breckon TP. GANomaly: semi-supervised anomaly detection via
    adversarial training. ACCV 2018. In 1-D, with the layers of BeatGAN here.

    The published weights of the three losses (feature matching 1, L1 reconstruction 50, latent 1),
    Adam and score.
    """

    trained = {
        "generator": ("encoder", "decoder", "second_encoder"),
        "discriminator": ("discriminator",),
    }

    def build(self) -> None:
        super().build()
        self.discriminator = Discriminator(self.widths)
        self.second_encoder = encoder(TRACE_LATENT, self.widths)

    def training_step(self, beats: Beats) -> dict[str, float]:
        real, steps = self.batch(beats), self.optimizers()  # [n, 1, 1, 320]
        latent = self.encoder(real)  # [n, TRACE_LATENT, 1, 1]
        fake = self.decoder(latent)
        d_loss, d_terms = discriminator_loss(self.discriminator, real, fake)
        descend(steps["discriminator"], d_loss)

        # Adversarial: feature matching.
        adv_loss = feature_matching(self.discriminator, real, fake)
        # Contextual: L1 reconstruction.
        reconstruction = l1_loss(fake, real)
        # Encoder: the latent vectors of beat and reconstruction.
        latent_loss = mse_loss(self.second_encoder(fake), latent)

        loss = W_ADVERSARIAL * adv_loss + W_RECONSTRUCTION * reconstruction + W_LATENT * latent_loss
        descend(steps["generator"], loss)
        if d_terms["d_loss"] < ANEW_BELOW:
            self.discriminator.apply(initialise)
        losses = {"g_rec": reconstruction, "g_adv": adv_loss, "g_latent": latent_loss}
        return d_terms | {name: loss.item() for name, loss in losses.items()}

    def score(self, beats: Beats, context: str = "none") -> np.ndarray:
        """Mean squared distance (n,) of the latent vectors of beat and reconstruction; error_map,
        in samples, is the reconstruction error, as latent vectors have no place in a beat."""
        return self.in_chunks(self._latent_distance, beats.beat_mv).astype(float)

    def _latent_distance(self, beat_mv: Tensor) -> Tensor:
        latent = self.encoder(self.rows(beat_mv))
        return (self.second_encoder(self.decoder(latent)) - latent).square().flatten(1).mean(1)


DETECTOR = Ganomaly
