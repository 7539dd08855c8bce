"""The original network has the original size, takes the published step, and learns."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import BatchNorm2d

from models import steps
from models.compared import b2igan_original
from models.compared._layers import initialise
from models.compared.b2igan_original import B2IGANOriginal, discriminator_loss
from options import training_of
from preprocess import spectrogram

OPTIONS = training_of("b2igan-original") | {"w_adv": 1.0, "seed": 0}


def published_step(generator, discriminator, optimizers, real, w_adv):
    """The original's step, operation by operation, on real (n, 1, 128, 128) in [-1, 1].

    The generator runs for each update, and every loss sends gradients to all it depends on.
    Returns its losses, under the names of `training_step`.
    """
    cross_entropy = nn.BCELoss()
    optimizers["discriminator"].zero_grad()
    on_real, _ = discriminator(real)
    on_fake, _ = discriminator(generator(real))
    p_real, p_fake = on_real.float().sigmoid(), on_fake.float().sigmoid()
    real_loss = cross_entropy(p_real, torch.ones_like(p_real))
    d_loss = real_loss + cross_entropy(p_fake, torch.zeros_like(p_fake))
    d_loss.backward()
    optimizers["discriminator"].step()

    optimizers["generator"].zero_grad()
    fake = generator(real)
    _, of_fake = discriminator(fake)
    _, of_real = discriminator(real)
    feature_matching, reconstruction = (
        nn.functional.mse_loss(of_fake, of_real),
        nn.functional.mse_loss(fake, real),
    )
    (reconstruction + w_adv * feature_matching).backward()
    optimizers["generator"].step()
    if d_loss < b2igan_original.COLLAPSED:
        discriminator.apply(initialise)
    return {
        "d_loss": d_loss.item(),
        "g_rec": reconstruction.item(),
        "g_adv": feature_matching.item(),
    }


def kill(detector):
    """Sets the discriminator's last layer so that all its logits are far above 20: features, after
    LeakyReLU, are positive in the mean."""
    nn.init.ones_(detector.discriminator.encoder.head.weight)


@pytest.fixture(scope="module")
def beats(data):
    found = data.beats(np.flatnonzero(data.index["class"] == "N")[:12])
    found.image = spectrogram.images(found.beat_mv, B2IGANOriginal.image).numpy()
    return found


@pytest.fixture
def detector(monkeypatch):
    """An eighth as wide."""
    monkeypatch.setattr(b2igan_original, "WIDTHS", (4, 8, 16, 32, 64))
    torch.manual_seed(0)
    return B2IGANOriginal(OPTIONS)


def test_networks_have_the_original_size():
    detector = B2IGANOriginal(OPTIONS)
    count = lambda module: sum(p.numel() for p in module.parameters())
    assert count(detector.generator) == 8_084_288
    assert count(detector.discriminator) == 2_812_800


# --- the loss -------------------------------------------------------------------------------------


@pytest.mark.parametrize("logit, saturated", [(25.0, True), (12.0, False), (-3.0, False)])
def test_the_loss_is_that_of_torch_on_sigmoids(logit, saturated):
    """Over 20 it is 100, without gradient."""
    theirs, ours = (torch.full((2, 5), logit).requires_grad_() for _ in range(2))
    p = theirs.sigmoid()
    wanted = nn.BCELoss()(p[0], torch.ones(5)) + nn.BCELoss()(p[1], torch.zeros(5))
    wanted.backward()
    loss, is_saturated = discriminator_loss(*ours)
    loss.backward()
    assert loss == wanted and is_saturated is saturated
    torch.testing.assert_close(ours.grad, theirs.grad)
    assert bool(ours.grad.any()) is not saturated
    if saturated:
        assert loss == 100


# --- the step -------------------------------------------------------------------------------------


class Pair:
    """Two equal detectors in double precision, where Adam makes nothing of rounding: one trained as
    here, one by the published step, which runs its generator twice."""

    def __init__(self, detector, beats):
        self.ours = detector.double()
        self.plain = deepcopy(self.ours)
        for norm in self.plain.modules():
            if isinstance(norm, BatchNorm2d):
                norm.momentum = b2igan_original.MOMENTUM
        self.beats = replace(beats[:8], image=beats[:8].image.astype(float))
        self.real = B2IGANOriginal.scaled(torch.as_tensor(self.beats.image))

    def step(self):
        """Returns our losses; those of both are equal."""
        plain = self.plain
        torch.manual_seed(1)
        ours = self.ours.training_step(self.beats)
        torch.manual_seed(1)
        theirs = published_step(
            plain.generator, plain.discriminator, plain.optimizers(), self.real, 1.0
        )
        assert {name: ours[name] for name in theirs} == pytest.approx(theirs, rel=1e-6)
        return ours

    def kill(self):
        for detector in (self.ours, self.plain):
            kill(detector)

    def assert_equal(self):
        """Weights, the generator's running statistics and Adam's moments."""
        for ours, plain in zip(self.ours.parameters(), self.plain.parameters()):
            torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-8)
        statistics = self.plain.generator.state_dict()
        for name, value in self.ours.generator.state_dict().items():
            if "running" in name:
                torch.testing.assert_close(value, statistics[name], rtol=1e-5, atol=1e-8)
        for name, optimizer in self.ours.optimizers().items():
            others = self.plain.optimizers()[name].state_dict()["state"]
            for number, moments in optimizer.state_dict()["state"].items():
                for moment, value in moments.items():
                    torch.testing.assert_close(value, others[number][moment], rtol=1e-4, atol=1e-12)


@pytest.fixture
def pair(detector, beats):
    return Pair(detector, beats)


def test_steps_are_the_published_ones_while_the_discriminator_learns(pair):
    assert [pair.step()["d_saturated"] for _ in range(4)] == [0] * 4
    pair.assert_equal()


def test_steps_are_the_published_ones_while_the_discriminator_dies(pair):
    """Without gradient its weights go on for as long as Adam's moments last."""
    alive = [pair.step()["d_saturated"] for _ in range(2)]
    pair.kill()
    first = pair.ours.discriminator.encoder.features[0].weight
    before = first.detach().clone()
    dead = [pair.step()["d_saturated"] for _ in range(3)]
    assert alive == [0, 0] and dead == [1, 1, 1] and not torch.equal(first, before)
    pair.assert_equal()


def test_a_discriminator_that_is_always_right_starts_anew(pair, monkeypatch):
    """Below a loss of 5e-6; here below any, so that it is at the first step."""
    assert steps.COLLAPSED == 5e-6
    monkeypatch.setattr(b2igan_original, "COLLAPSED", 1e3)
    head = pair.ours.discriminator.encoder.head.weight
    before = head.detach().clone()
    pair.step()
    assert torch.corrcoef(torch.stack([before.flatten(), head.detach().flatten()]))[0, 1] < 0.5
    pair.assert_equal()


# --- what is learnt -------------------------------------------------------------------------------


def test_epochs_are_chosen_in_train_mode(detector, beats):
    """By statistics of the batch, which the running ones then follow; scores are made without."""
    before = detector.score(beats)
    chosen = detector.selection_score(beats)
    assert not np.allclose(chosen, before, rtol=0.01)
    assert not np.allclose(detector.score(beats), before, rtol=0.001)
    batch_statistics = detector.selection_score(beats)
    np.testing.assert_allclose(batch_statistics, chosen, rtol=1e-4)
    assert all(
        norm.momentum == b2igan_original.MOMENTUM_OF_BOTH
        for norm in detector.generator.modules()
        if isinstance(norm, BatchNorm2d)
    )
