"""The losses of B2I-GAN: each a tensor to descend on, and its terms by name."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, softplus

from models import parallel
from preprocess.spectrogram import COMPLEX

D_ADV_WEIGHT = 0.02  # of real against generated, beside the classes
# Of feature matching at --w_adv 1, which brings it to the size of the reconstruction loss.
W_FEATURE_MATCHING = 0.1
W_DISTANCE = 1.0
# Norm of an image of pixels of unit variance: 45.
IMAGE_DISTANCE = math.isqrt(math.prod(COMPLEX.shape))

Terms = dict[str, float]


def discriminator_loss(classes: Tensor, reality: Tensor, record: Tensor) -> tuple[Tensor, Terms]:
    """What a Discriminator says of n real, n synthetic and n generated images, one after another.

    classes: (3 n, 2 k) and reality: (3 n,) logits; record: (n,) class of each real beat.
    """
    n, n_records = len(record), classes.shape[1] // 2
    # Classification: whose beat it is, and whether it is real or synthetic.
    class_loss = cross_entropy(classes[: 2 * n], torch.cat([record, record + n_records]))
    # Adversarial: real against generated (non-saturating).
    adv_loss = softplus(-reality[:n]).mean() + softplus(reality[2 * n :]).mean()

    loss = class_loss + D_ADV_WEIGHT * adv_loss
    return loss, {"d_class": class_loss.item(), "d_adv": adv_loss.item()}


def generator_loss(
    discriminator: nn.Module,
    real: Tensor,
    generated: Tensor,
    latent: Tensor,
    real_features: Tensor,
    w_adv: float,
) -> tuple[Tensor, Terms]:
    """real, generated: (n, 2, 32, 32); latent: (n, 48); real_features: (n, 64), of the
    discriminator."""
    # Reconstruction.
    reconstruction = mse_loss(generated, real)
    # Feature matching: the generated image looks to the discriminator as the real one does.
    feature_matching = mse_loss(discriminator(generated)[0], real_features)
    # Distance preservation: two latents are as far apart as their images.
    image_distance = (real - parallel.rolled(real)).flatten(1).norm(dim=1) / IMAGE_DISTANCE
    distance = mse_loss((latent - parallel.rolled(latent)).norm(dim=1), image_distance)

    loss = reconstruction + w_adv * W_FEATURE_MATCHING * feature_matching + W_DISTANCE * distance
    return loss, {
        "g_rec": reconstruction.item(),
        "g_adv": feature_matching.item(),
        "g_dist": distance.item(),
    }
