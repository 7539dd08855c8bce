"""The networks of B2I-GAN: convolutions down to one latent vector, and up again. Widths and strides make the size.

Kernels are 4 x 4, as in DCGAN (Radford A, Metz L, Chintala S. ICLR 2016): stride 2 halves a side, stride 1 takes one off.
"""

import torch
from torch import nn


class Encoder(nn.Module):
    """(n, channels, side, side) to (n, n_out, 1, 1); last_kernel is the side that is left after all strides."""

    def __init__(self, channels, widths, strides, last_kernel, n_out):
        super().__init__()
        layers, before = [], channels
        for i, (width, stride) in enumerate(zip(widths, strides)):
            layers += [nn.Conv2d(before, width, 4, stride, 1, bias=False)]
            layers += [nn.BatchNorm2d(width)] * (i > 0) + [nn.LeakyReLU(0.2)]
            before = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Conv2d(before, n_out, last_kernel, bias=False)

    def forward(self, image):
        return self.head(self.features(image))


class Decoder(nn.Module):
    """(n, n_latent, 1, 1) to (n, channels, side, side): the Encoder backwards. `last` is the output's activation."""

    def __init__(self, channels, widths, strides, last_kernel, n_latent, last):
        super().__init__()
        layers, before = [], n_latent
        kernels = [(last_kernel, 1, 0), *((4, stride, 1) for stride in reversed(strides[1:]))]
        for width, (kernel, stride, padding) in zip(reversed(widths), kernels):
            layers += [nn.ConvTranspose2d(before, width, kernel, stride, padding, bias=False),
                       nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(before, channels, 4, strides[0], 1, bias=False), last)

    def forward(self, latent):
        return self.layers(latent)


class Generator(nn.Module):
    """An autoencoder: image to (generated image, latent (n, n_latent, 1, 1))."""

    def __init__(self, channels, widths, strides, last_kernel, n_latent, last):
        super().__init__()
        self.encoder = Encoder(channels, widths, strides, last_kernel, n_latent)
        self.decoder = Decoder(channels, widths, strides, last_kernel, n_latent, last)

    def forward(self, image):
        latent = self.encoder(image)
        return self.decoder(latent), latent


class Discriminator(nn.Module):
    """Image to (logit (n,), features before the last layer): high where the image is real."""

    def __init__(self, channels, widths, strides, last_kernel):
        super().__init__()
        self.encoder = Encoder(channels, widths, strides, last_kernel, 1)

    def forward(self, image):
        features = self.encoder.features(image)
        return self.encoder.head(features).flatten(), features


def initialise(module):
    """Xavier for convolutions, N(1, 0.02) for the scale of batch norm, as in the original work."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.xavier_normal_(module.weight)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def discriminator_loss(discriminator, real, fake):
    """Binary cross-entropy on real against generated images (n, c, h, w); the generator gets no gradient from it."""
    bce = nn.functional.binary_cross_entropy_with_logits
    on_real, on_fake = discriminator(real)[0], discriminator(fake.detach())[0]
    loss = bce(on_real, torch.ones_like(on_real)) + bce(on_fake, torch.zeros_like(on_fake))
    return loss, {"d_loss": loss.item()}


def generator_loss(discriminator, real, fake, w_adv):
    """Reconstruction plus w_adv times feature matching (BeatGAN, Zhou et al., IJCAI 2019), both mean squared."""
    mse = nn.functional.mse_loss
    reconstruction = mse(fake, real)
    matching = mse(discriminator(fake)[1], discriminator(real)[1].detach())
    loss = reconstruction + w_adv * matching
    return loss, {"g_rec": reconstruction.item(), "g_adv": matching.item()}
