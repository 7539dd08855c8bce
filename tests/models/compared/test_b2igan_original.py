"""The original network has the original size, takes the original's steps, and learns."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch.nn import BatchNorm2d

from experiments.original_way import original_step
from models.compared import b2igan_original
from models.compared.b2igan_original import B2IGANOriginal
from preprocess import spectrogram
from preprocess.spectrogram import SETTINGS

OPTIONS = B2IGANOriginal.defaults | {"w_adv": 1.0, "seed": 0}


@pytest.fixture(scope="module")
def beats(data):
    found = data.beats(np.flatnonzero(data.index["class"] == "N")[:12])
    found.image = spectrogram.images(found.beat_mv, B2IGANOriginal.image).numpy()
    return found


@pytest.fixture
def detector():
    torch.manual_seed(0)
    return B2IGANOriginal(OPTIONS)


def test_networks_have_the_original_size(detector):
    count = lambda module: sum(p.numel() for p in module.parameters())
    assert count(detector.generator) == 8_084_288
    assert count(detector.discriminator) == 2_812_800


def test_steps_are_the_originals_within_rounding(detector, beats):
    """Losses, weights and running statistics, with what its two passes a step leave in these."""
    plain = deepcopy(detector)
    for norm in plain.modules():
        if isinstance(norm, BatchNorm2d):
            norm.momentum = b2igan_original.MOMENTUM
    real = b2igan_original._scaled(torch.as_tensor(beats.image[:8]))
    for _ in range(3):
        ours = detector.training_step(beats[:8])
        theirs = original_step(plain.generator, plain.discriminator, plain.optimizers(), real, 1.0)
        assert ours == pytest.approx(theirs, rel=1e-4)
    statistics = lambda each: {
        name: value for name, value in each.generator.state_dict().items() if "running" in name
    }
    for name, value in statistics(plain).items():
        torch.testing.assert_close(statistics(detector)[name], value, rtol=1e-3, atol=1e-3)
    # Adam's first steps are of one size for gradients of any: weights compare in the mean.
    apart = [(a - b).abs().mean() for a, b in zip(detector.parameters(), plain.parameters())]
    assert max(apart) < 1e-5


def test_losses_in_bfloat16_are_those_of_full_precision_within_its_rounding(detector, beats):
    """Of one step: after it, Adam has turned small differences into whole steps."""
    plain = deepcopy(detector)
    with torch.autocast("cpu", torch.bfloat16):
        ours = detector.training_step(beats[:8])
    assert ours == pytest.approx(plain.training_step(beats[:8]), rel=0.02)


def test_low_precision_copies_do_not_outlive_an_update(detector, beats, monkeypatch):
    """One autocast around several steps gives what one around each gives."""
    apart, together = detector, deepcopy(detector)
    for _ in range(2):
        with torch.autocast("cpu", torch.bfloat16):
            wanted = apart.training_step(beats[:8])
    with torch.autocast("cpu", torch.bfloat16):
        found = [together.training_step(beats[:8]) for _ in range(2)][-1]
    assert found == wanted


def test_it_learns(detector, beats):
    steps = [detector.training_step(beats[:8]) for _ in range(6)]
    assert steps[-1]["g_rec"] < steps[0]["g_rec"]
    detector.finish(beats, beats)
    assert detector.score(beats).shape == (12,)
    assert detector.error_map(beats).shape == (12, *SETTINGS[B2IGANOriginal.image].shape)


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
