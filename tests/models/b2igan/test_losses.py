"""Losses are a tensor and its terms; weights count as they should; the right answer costs less."""

import pytest
import torch

from models.b2igan.losses import discriminator_loss, generator_loss
from models.b2igan.networks import Discriminator


def test_a_discriminator_that_knows_costs_nothing():
    record = torch.tensor([0, 1, 2, 0])
    target = torch.cat([record, record + 3, record])  # generated images have no class
    right = 20 * torch.nn.functional.one_hot(target, 6).float()
    is_real = torch.tensor([1.0] * 4 + [0.0] * 8)
    _, knows = discriminator_loss(right, 20 * (2 * is_real - 1), record)
    _, errs = discriminator_loss(-right, -20 * (2 * is_real - 1), record)
    assert max(knows.values()) < 1e-3 and min(errs.values()) > 5


def test_feature_matching_counts_by_its_weight():
    discriminator = Discriminator(3).eval()
    real, latent, features = torch.randn(8, 2, 32, 32), torch.randn(8, 48), torch.randn(8, 64)
    generated = torch.randn_like(real)
    values = [
        generator_loss(discriminator, real, generated, latent, features, w)[0].item()
        for w in (0, 1, 2)
    ]
    assert values[0] < values[1]
    assert values[2] - values[1] == pytest.approx(values[1] - values[0], rel=1e-3)


def test_latents_as_far_apart_as_their_images_cost_nothing():
    discriminator, real = Discriminator(1).eval(), torch.randn(4, 2, 32, 32)
    features = discriminator(real)[0].detach()
    latent = real.flatten(1) / 45
    _, terms = generator_loss(discriminator, real, real, latent, features, 1.0)
    assert terms == pytest.approx({"g_rec": 0, "g_adv": 0, "g_dist": 0}, abs=1e-8)
