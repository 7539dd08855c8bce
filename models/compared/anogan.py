"""AnoGAN: a GAN of normal beats; at test time the generated beat nearest to the one at hand is
searched for."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from models.compared._adversarial import Discriminator, discriminator_loss
from models.compared._layers import TRACE_LATENT, decoder, min_max
from models.compared.autoencoder import AutoEncoder
from models.steps import descend
from preprocess.beats import WINDOW, Beats

STARTS = 4096  # random latent vectors; the search goes from the one whose beat is nearest
STEPS = 15  # of the search, measured no worse than 30; 500 in the paper, from one random start
STEP_SIZE = 0.1
LAMBDA = 0.1  # weight of the discrimination loss, as published
SEARCHED_AT_ONCE = 256  # beats: their activations stay in the processor's cache


class AnoGAN(AutoEncoder):
    """Schlegl T, Seebock P, Waldstein SM, Schmidt-Erfurth U, Langs G. Unsupervised anomaly
    detection with generative adversarial networks to guide marker discovery. IPMI 2017. In 1-D.

    The latent vector of a test beat is found by Adam for a whole batch at once, from the best of
    STARTS random starts. Score: (1 - LAMBDA) residual + LAMBDA discrimination loss, each a mean of
    absolute differences. The discriminator has no batch norm: with it, it tells generated batches
    from real ones by their statistics only, and the generator learns nothing (AUC 0.35 where it is
    0.81 without, after two epochs). Patience pays: 0.78 after one, 0.87 after four.
    """

    trained = {"generator": ("decoder",), "discriminator": ("discriminator",)}

    def build(self) -> None:
        self.decoder = decoder(TRACE_LATENT, self.widths)
        self.discriminator = Discriminator(self.widths, batch_norm=False)
        self.register_buffer("starts", torch.randn(STARTS, TRACE_LATENT))
        self.register_buffer("start_beats", torch.zeros(STARTS, WINDOW))

    def training_step(self, beats: Beats) -> dict[str, float]:
        real, steps = self.batch(beats), self.optimizers()  # [n, 1, 1, 320]
        fake = self.decoder(torch.randn(len(real), TRACE_LATENT, 1, 1, device=self.device))
        d_loss, d_terms = discriminator_loss(self.discriminator, real, fake)
        descend(steps["discriminator"], d_loss)

        logit = self.discriminator(fake)[0]
        g_loss = binary_cross_entropy_with_logits(logit, torch.ones_like(logit))
        descend(steps["generator"], g_loss)
        return d_terms | {"g_adv": g_loss.item()}

    def finish(self, normals: Beats, calibration: Beats) -> None:
        """Generates the beats of the starts."""
        generated = self.in_chunks(
            lambda z: self.decoder(z[:, :, None, None]).flatten(1), self.starts
        )
        self.start_beats.copy_(torch.as_tensor(generated))

    def score(self, beats: Beats, context: str = "none") -> np.ndarray:
        """Weighted sum (n,) of residual and discrimination loss where the search ended."""
        return self.in_chunks(lambda beat: self._search(beat)[1], beats.beat_mv).astype(float)

    def error_map(self, beats: Beats) -> np.ndarray:
        """Residual (n, 320): absolute difference between a beat and the nearest generated one,
        scaled by min_max."""
        residual = lambda beat_mv: (self.reconstruct(beat_mv) - min_max(beat_mv)).abs()
        return self.in_chunks(residual, beats.beat_mv)

    def reconstruct(self, beat_mv: Tensor) -> Tensor:
        """(n, 320) in mV to the nearest generated beats (n, 320) in [-1, 1]."""
        return self._search(beat_mv)[0]

    def _search(self, beat_mv: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 320) in mV to the nearest generated beats (n, 320) and their losses (n,)."""
        with torch.inference_mode(False), torch.enable_grad():
            found = [self._descend_latent(part.clone()) for part in beat_mv.split(SEARCHED_AT_ONCE)]
        return tuple(torch.cat(parts) for parts in zip(*found, strict=True))

    def _descend_latent(self, beat_mv: Tensor) -> tuple[Tensor, Tensor]:
        real = self.rows(beat_mv)
        with torch.no_grad():
            features = self.discriminator(real)[1]
            nearest = torch.cdist(real.flatten(1), self.start_beats).argmin(1)  # [n]
        latent = self.starts[nearest].clone().requires_grad_()
        optimizer = torch.optim.Adam([latent], lr=STEP_SIZE)
        for _ in range(STEPS):
            descend(optimizer, self._losses(latent, real, features)[1].sum())
        with torch.no_grad():
            return self._losses(latent, real, features)

    def _losses(self, latent: Tensor, real: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """latent: (n, TRACE_LATENT); real: (n, 1, 1, 320), and its features. Returns the generated
        beats (n, 320) and their losses (n,)."""
        fake = self.decoder(latent[:, :, None, None])
        residual = (fake - real).abs().flatten(1).mean(1)
        discrimination = (self.discriminator(fake)[1] - features).abs().flatten(1).mean(1)
        return fake.flatten(1), (1 - LAMBDA) * residual + LAMBDA * discrimination


DETECTOR = AnoGAN
