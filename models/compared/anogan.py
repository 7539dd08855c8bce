"""AnoGAN: a GAN of normal beats; at test time the generated beat nearest to the one at hand is searched for."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from models.compared._adversarial import Discriminator, discriminator_loss
from models.compared._layers import N_LATENT, decoder, descend, min_max
from models.compared.autoencoder import AutoEncoder

STARTS = 4096  # random latent vectors; the search goes from the one whose beat is nearest
STEPS = 15  # of the search, measured no worse than 30; 500 in the paper, from one random start
STEP_SIZE = 0.1
LAMBDA = 0.1  # weight of the discrimination loss, as published
AT_ONCE = 256  # beats searched for together: their activations stay in the processor's cache


class AnoGAN(AutoEncoder):
    """Schlegl T, Seebock P, Waldstein SM, Schmidt-Erfurth U, Langs G. Unsupervised anomaly detection with generative
    adversarial networks to guide marker discovery. IPMI 2017. In 1-D.

    The latent vector of a test beat is found by Adam for a whole batch at once, from the best of STARTS random starts.
    Score: (1 - LAMBDA) residual + LAMBDA discrimination loss, each a mean of absolute differences. The discriminator
    has no batch norm: with it, it tells generated batches from real ones by their statistics alone, and the generator
    learns nothing (AUC 0.35 where it is 0.81 without, after two epochs). Patience pays: 0.78 after one, 0.87 after four.
    """

    defaults = {"niter": 4, "lr": 5e-4, "batchsize": 64}
    trained = {"generator": ("decoder",), "discriminator": ("discriminator",)}

    def build(self):
        self.decoder, self.discriminator = (
            decoder(N_LATENT, self.widths),
            Discriminator(self.widths, batch_norm=False),
        )
        self.register_buffer("starts", torch.randn(STARTS, N_LATENT))
        self.register_buffer("start_beats", torch.zeros(STARTS, 320))

    def training_step(self, beats):
        real, steps = (
            self.rows(torch.as_tensor(beats.beat_mv, device=self.device)),
            self.optimizers(),
        )
        fake = self.decoder(torch.randn(len(real), N_LATENT, 1, 1, device=self.device))
        d_loss, d_named = discriminator_loss(self.discriminator, real, fake)
        descend(steps["discriminator"], d_loss)
        logit = self.discriminator(fake)[0]
        g_loss = binary_cross_entropy_with_logits(logit, torch.ones_like(logit))
        descend(steps["generator"], g_loss)
        return d_named | {"g_adv": g_loss.item()}

    def finish(self, normals, calibration):
        """Generates the beats of the starts."""
        generated = self.in_chunks(
            lambda z: self.decoder(z[:, :, None, None]).flatten(1), self.starts
        )
        self.start_beats.copy_(torch.as_tensor(generated))

    def score(self, beats, context="none"):
        """Weighted sum (n,) of residual and discrimination loss where the search ended."""
        return self.in_chunks(lambda beat: self._search(beat)[1], beats.beat_mv).astype(float)

    def error_map(self, beats):
        """Residual (n, 320): absolute difference between a beat and the nearest generated one, scaled by min_max."""
        return self.in_chunks(
            lambda beat: (self.reconstruct(beat) - min_max(beat)).abs(), beats.beat_mv
        )

    def reconstruct(self, beat_mv):
        """(n, 320) in mV to the nearest generated beats (n, 320) in [-1, 1]."""
        return self._search(beat_mv)[0]

    def _search(self, beat_mv):
        """(n, 320) in mV to the nearest generated beats (n, 320) and their losses (n,)."""
        with torch.inference_mode(False), torch.enable_grad():
            found = [self._descend_latent(part.clone()) for part in beat_mv.split(AT_ONCE)]
        return tuple(torch.cat(parts) for parts in zip(*found))

    def _descend_latent(self, beat_mv):
        real = self.rows(beat_mv)
        with torch.no_grad():
            features = self.discriminator(real)[1]
            nearest = torch.cdist(real.flatten(1), self.start_beats).argmin(1)
        latent = self.starts[nearest].clone().requires_grad_()
        optimizer = torch.optim.Adam([latent], lr=STEP_SIZE)
        for _ in range(STEPS):
            descend(optimizer, self._losses(latent, real, features)[1].sum())
        with torch.no_grad():
            return self._losses(latent, real, features)

    def _losses(self, latent, real, features):
        """latent: (n, N_LATENT); real: (n, 1, 1, 320) and its features. Returns generated beats and losses (n,)."""
        fake = self.decoder(latent[:, :, None, None])
        residual = (fake - real).abs().flatten(1).mean(1)
        discrimination = (self.discriminator(fake)[1] - features).abs().flatten(1).mean(1)
        return fake.flatten(1), (1 - LAMBDA) * residual + LAMBDA * discrimination


DETECTOR = AnoGAN
