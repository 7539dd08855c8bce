"""Networks take the image's shape from its setting, and give what their docstrings say."""

import torch

from models.b2igan.networks import N_FEATURES, N_LATENT, Decoder, Discriminator, Encoder
from preprocess.spectrogram import COMPLEX


def test_decoder_gives_the_shape_that_the_encoder_takes():
    image = torch.randn(3, *COMPLEX.shape)
    latent = Encoder()(image)
    assert latent.shape == (3, N_LATENT)
    assert Decoder()(latent).shape == image.shape


def test_discriminator_has_two_classes_for_each_record():
    features, classes, reality = Discriminator(5)(torch.randn(3, *COMPLEX.shape))
    assert features.shape == (3, N_FEATURES)
    assert classes.shape == (3, 10) and reality.shape == (3,)
