"""The original B2I-GAN: its network on its image (dB, 128 x 128), scored by reconstruction error."""

import torch
from torch import nn
from torch.nn.functional import mse_loss

from models.compared._adversarial import COLLAPSED, discriminator_loss
from models.compared._layers import initialise
from models.detector import Detector
from models.steps import descend

WIDTHS, STRIDES, LAST_KERNEL, N_LATENT = (32, 64, 128, 256, 512), (2, 2, 2, 2, 1), 7, 50


class B2IGANOriginal(Detector):
    """github.com/dlgosla/B2I-GAN: 8,084,288 weights in the generator, 2,812,800 in the discriminator.

    Each image is scaled to [-1, 1] by its own extremes. Scores are mean squared reconstruction errors, in eval mode.
    """

    image = "seed"
    most_normals = 2048
    defaults = {"niter": 70, "lr": 1e-4, "batchsize": 64}

    def __init__(self, opt):
        super().__init__(opt)
        self.generator = Generator()
        self.discriminator = Discriminator()
        self.apply(initialise)
        self.to(memory_format=torch.channels_last)
        self.register_buffer("usual_error", torch.ones(1, 128, 128))
        self._optimizers = {}

    def optimizers(self):
        if not self._optimizers:
            self._optimizers = {
                name: torch.optim.Adam(
                    getattr(self, name).parameters(), lr=self.opt["lr"], betas=(0.5, 0.999)
                )
                for name in ("generator", "discriminator")
            }
        return self._optimizers

    def training_step(self, beats):
        real, steps = (
            self._scaled(torch.as_tensor(beats.image, device=self.device)),
            self.optimizers(),
        )
        d_loss, d_named = discriminator_loss(self.discriminator, real, self.generator(real))
        descend(steps["discriminator"], d_loss)
        g_loss, g_named = generator_loss(
            self.discriminator, real, self.generator(real), self.opt["w_adv"]
        )
        descend(steps["generator"], g_loss)
        if d_named["d_loss"] < COLLAPSED:
            self.discriminator.apply(initialise)
        return d_named | g_named

    def finish(self, normals, calibration):
        """Remembers the usual error of each pixel, the unit of error_map."""
        error = self.in_chunks(self._squared_error, calibration.image[: self.most_normals])
        self.usual_error.copy_(torch.as_tensor(error.mean(0) + 1e-6))

    def score(self, beats, context="none"):
        return self.in_chunks(
            lambda image: self._squared_error(image).mean((1, 2, 3)), beats.image
        ).astype(float)

    def error_map(self, beats):
        return self.in_chunks(
            lambda image: (self._squared_error(image) / self.usual_error).sqrt(), beats.image
        )

    def generate(self, beats):
        """(n, 1, 128, 128) in dB: the generated image, on each beat's own scale."""
        return self.in_chunks(self._generate_decibel, beats.image)

    def _generate_decibel(self, image):
        low, high = image.amin((1, 2, 3), keepdim=True), image.amax((1, 2, 3), keepdim=True)
        return (self.generator(self._scaled(image)) + 1) / 2 * (high - low) + low

    def _squared_error(self, image):
        real = self._scaled(image)
        return (self.generator(real) - real).square()

    @staticmethod
    def _scaled(image):
        """(n, 1, h, w) to the same in [-1, 1], each by its own extremes."""
        low, high = image.amin((1, 2, 3), keepdim=True), image.amax((1, 2, 3), keepdim=True)
        return (2 * (image - low) / (high - low).clamp_min(1e-6) - 1).contiguous(
            memory_format=torch.channels_last
        )


class Encoder(nn.Module):
    """(n, 1, 128, 128) to (n, n_out, 1, 1): 4 x 4 kernels halve the side four times, take one off, and 7 x 7 ends it."""

    def __init__(self, n_out):
        super().__init__()
        layers, before = [], 1
        for i, (width, stride) in enumerate(zip(WIDTHS, STRIDES)):
            layers += [nn.Conv2d(before, width, 4, stride, 1, bias=False)]
            layers += [nn.BatchNorm2d(width)] * (i > 0) + [nn.LeakyReLU(0.2)]
            before = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Conv2d(before, n_out, LAST_KERNEL, bias=False)

    def forward(self, image):
        return self.head(self.features(image))


class Decoder(nn.Sequential):
    """(n, N_LATENT, 1, 1) to (n, 1, 128, 128) in [-1, 1]: the Encoder backwards."""

    def __init__(self):
        layers, before = [], N_LATENT
        kernels = [(LAST_KERNEL, 1, 0), *((4, stride, 1) for stride in reversed(STRIDES[1:]))]
        for width, (kernel, stride, padding) in zip(reversed(WIDTHS), kernels):
            layers += [
                nn.ConvTranspose2d(before, width, kernel, stride, padding, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            before = width
        super().__init__(
            *layers, nn.ConvTranspose2d(before, 1, 4, STRIDES[0], 1, bias=False), nn.Tanh()
        )


class Generator(nn.Module):
    """An autoencoder: image (n, 1, 128, 128) to its generated normal version, of the same shape."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(N_LATENT), Decoder()

    def forward(self, image):
        return self.decoder(self.encoder(image))


class Discriminator(nn.Module):
    """Image to (logit (n,), features before the last layer (n, 512, 7, 7)): high where the image is real."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder(1)

    def forward(self, image):
        features = self.encoder.features(image)
        return self.encoder.head(features).flatten(), features


def generator_loss(discriminator, real, fake, w_adv):
    """Reconstruction plus w_adv times feature matching (BeatGAN, Zhou et al., IJCAI 2019), both mean squared."""
    reconstruction = mse_loss(fake, real)
    matching = mse_loss(discriminator(fake)[1], discriminator(real)[1].detach())
    return reconstruction + w_adv * matching, {
        "g_rec": reconstruction.item(),
        "g_adv": matching.item(),
    }


DETECTOR = B2IGANOriginal
