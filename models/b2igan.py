"""B2I-GAN."""

import torch
from torch import nn

from models.b2igan_seed import _step
from models.detector import Detector
from models.memory import Memory
from models.networks import Discriminator, Generator, discriminator_loss, generator_loss, initialise

WIDTHS, STRIDES, LAST_KERNEL, N_LATENT = (16, 32, 64), (2, 2, 2), 4, 48
COLLAPSED = 5e-6


class B2IGAN(Detector):
    """GAN."""

    image = "complex"
    defaults = {"niter": 6, "lr": 1e-3, "batchsize": 256}

    def __init__(self, opt):
        super().__init__(opt)
        self.generator = Generator(2, WIDTHS, STRIDES, LAST_KERNEL, N_LATENT, nn.Identity())
        self.discriminator = Discriminator(2, WIDTHS, STRIDES, LAST_KERNEL)
        self.apply(initialise)
        self.to(memory_format=torch.channels_last)
        self.memory = Memory(8192, N_LATENT, 5)
        self.register_buffer("usual_error", torch.ones(2, 32, 32))
        self._optimizers = {}

    def optimizers(self):
        if not self._optimizers:
            self._optimizers = {
                name: torch.optim.Adam(getattr(self, name).parameters(), lr=self.opt["lr"], betas=(0.5, 0.999))
                for name in ("generator", "discriminator")}
        return self._optimizers

    def training_step(self, beats):
        real, steps = torch.as_tensor(beats.image, device=self.device).contiguous(memory_format=torch.channels_last), self.optimizers()
        fake = self.generator(real)[0]
        d_loss, d_named = discriminator_loss(self.discriminator, real, fake)
        _step(steps["discriminator"], d_loss)
        g_loss, g_named = generator_loss(self.discriminator, real, fake, self.opt["w_adv"])
        _step(steps["generator"], g_loss)
        if d_named["d_loss"] < COLLAPSED:
            self.discriminator.apply(initialise)
        return d_named | g_named

    def finish(self, normals, held_out):
        self.memory.fit(torch.as_tensor(self.in_chunks(lambda x: self.generator.encoder(x).flatten(1), normals.image)))
        error = self.in_chunks(lambda x: (self.generator(x)[0] - x).square(), held_out.image)
        self.usual_error.copy_(torch.as_tensor(error.mean(0) + 1e-6))

    def score(self, beats, context="none"):
        return self.in_chunks(lambda x: self.memory(self.generator.encoder(x).flatten(1)), beats.image).astype(float)

    def error_map(self, beats):
        return self.in_chunks(lambda x: ((self.generator(x)[0] - x).square() / self.usual_error).sqrt(), beats.image)

    def generate(self, beats):
        return self.in_chunks(lambda x: self.generator(x)[0], beats.image)
