"""The discriminator's losses reach whom they should."""

import pytest
import torch

from models.compared._adversarial import Discriminator, discriminator_loss, feature_matching
from preprocess.beats import WINDOW

WIDTHS = (4, 4, 4, 4, 4)


@pytest.fixture
def pair():
    """Real beats, and generated ones that know where they come from."""
    return torch.randn(6, 1, 1, WINDOW), torch.randn(6, 1, 1, WINDOW, requires_grad=True)


def test_discriminating_leaves_the_generator_alone(pair):
    discriminator = Discriminator(WIDTHS)
    loss, terms = discriminator_loss(discriminator, *pair)
    loss.backward()
    assert pair[1].grad is None
    assert all(weight.grad is not None for weight in discriminator.parameters())
    assert terms == {"d_loss": pytest.approx(loss.item())}


def test_feature_matching_teaches_the_generator(pair):
    discriminator = Discriminator(WIDTHS).eval()
    loss = feature_matching(discriminator, *pair)
    loss.backward()
    assert loss > 0 and pair[1].grad.abs().sum() > 0
    assert feature_matching(discriminator, pair[0], pair[0]) == 0
