"""The original B2I-GAN: its network on its image (dB, 128 x 128), scored by reconstruction error."""

import torch
from torch import nn

from models.detector import Detector
from models.networks import Discriminator, Generator, discriminator_loss, generator_loss, initialise

WIDTHS, STRIDES, LAST_KERNEL, N_LATENT = (32, 64, 128, 256, 512), (2, 2, 2, 2, 1), 7, 50
COLLAPSED = 5e-6  # a discriminator with a smaller loss has nothing left to learn from: it starts anew


class B2IGANSeed(Detector):
    """github.com/dlgosla/B2I-GAN: 8,084,288 weights in the generator, 2,812,800 in the discriminator.

    Each image is scaled to [-1, 1] by its own extremes. Scores are mean squared reconstruction errors, in eval mode.
    """

    image = "seed"
    most_normals = 2048
    defaults = {"niter": 70, "lr": 1e-4, "batchsize": 64}

    def __init__(self, opt):
        super().__init__(opt)
        self.generator = Generator(1, WIDTHS, STRIDES, LAST_KERNEL, N_LATENT, nn.Tanh())
        self.discriminator = Discriminator(1, WIDTHS, STRIDES, LAST_KERNEL)
        self.apply(initialise)
        self.to(memory_format=torch.channels_last)
        self.register_buffer("usual_error", torch.ones(1, 128, 128))
        self._optimizers = {}

    def optimizers(self):
        if not self._optimizers:
            self._optimizers = {
                name: torch.optim.Adam(getattr(self, name).parameters(), lr=self.opt["lr"], betas=(0.5, 0.999))
                for name in ("generator", "discriminator")}
        return self._optimizers

    def training_step(self, beats):
        real, steps = self._scaled(torch.as_tensor(beats.image, device=self.device)), self.optimizers()
        d_loss, d_named = discriminator_loss(self.discriminator, real, self.generator(real)[0])
        _step(steps["discriminator"], d_loss)
        g_loss, g_named = generator_loss(self.discriminator, real, self.generator(real)[0], self.opt["w_adv"])
        _step(steps["generator"], g_loss)
        if d_named["d_loss"] < COLLAPSED:
            self.discriminator.apply(initialise)
        return d_named | g_named

    def finish(self, normals, held_out):
        """Remembers the usual error of each pixel, the unit of error_map."""
        error = self.in_chunks(self._squared_error, held_out.image[:self.most_normals])
        self.usual_error.copy_(torch.as_tensor(error.mean(0) + 1e-6))

    def score(self, beats, context="none"):
        return self.in_chunks(lambda image: self._squared_error(image).mean((1, 2, 3)), beats.image).astype(float)

    def error_map(self, beats):
        return self.in_chunks(lambda image: (self._squared_error(image) / self.usual_error).sqrt(), beats.image)

    def generate(self, beats):
        """(n, 1, 128, 128) in dB: the generated image, on each beat's own scale."""
        return self.in_chunks(self._generate_decibel, beats.image)

    def _generate_decibel(self, image):
        low, high = image.amin((1, 2, 3), keepdim=True), image.amax((1, 2, 3), keepdim=True)
        return (self.generator(self._scaled(image))[0] + 1) / 2 * (high - low) + low

    def _squared_error(self, image):
        real = self._scaled(image)
        return (self.generator(real)[0] - real).square()

    @staticmethod
    def _scaled(image):
        """(n, 1, h, w) to the same in [-1, 1], each by its own extremes."""
        low, high = image.amin((1, 2, 3), keepdim=True), image.amax((1, 2, 3), keepdim=True)
        return (2 * (image - low) / (high - low).clamp_min(1e-6) - 1).contiguous(memory_format=torch.channels_last)


def _step(optimizer, loss):
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
