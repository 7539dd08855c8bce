"""Synthetic anomalies are beats of the same size that differ from what they were made of."""

import pytest
import torch

from preprocess import synthetic
from preprocess.beats import BEFORE, WINDOW

WAYS = ("premature", "p_changed", "widened", "rescaled", "pasted", "mixed", "ectopic")


@pytest.fixture
def beats_mv():
    """(40, WINDOW) beats with P, QRS and T, each of another size."""
    torch.manual_seed(0)
    t = torch.arange(WINDOW)
    wave = lambda centre, width: torch.exp(-0.5 * ((t - centre) / width) ** 2)
    beat = wave(BEFORE, 5) + 0.15 * wave(BEFORE - 55, 9) + 0.3 * wave(BEFORE + 100, 18)
    return beat * (0.5 + torch.rand(40, 1)) + 0.005 * torch.randn(40, WINDOW)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_changes_most_beats(way, beats_mv):
    changed = getattr(synthetic, way)(beats_mv, beats_mv.flip(0))
    assert changed.shape == beats_mv.shape and torch.isfinite(changed).all()
    assert ((changed - beats_mv).abs().amax(1) > 0.02).float().mean() > 0.7


def test_a_changed_p_wave_leaves_the_qrs_alone(beats_mv):
    changed = synthetic.p_changed(beats_mv, None)
    torch.testing.assert_close(changed[:, BEFORE + 45 :], beats_mv[:, BEFORE + 45 :])
