"""The recording's own normal beats are its reference, also where they are few; each part finds what it is there for."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.b2igan.context import (
    Context,
    Surprise,
    against_own_recording,
    choose_reference,
    regions,
)
from preprocess.beats import BEFORE, WINDOW, Beats, bandpass


def beats(n, share_wide, seed=0):
    """n beats of one recording, some with a wide QRS and no P wave, and which those are."""
    rng, t = np.random.default_rng(seed), np.arange(WINDOW) - BEFORE
    wide = rng.random(n) < share_wide
    qrs = np.exp(-0.5 * (t / np.where(wide, 14, 5)[:, None]) ** 2)
    p = np.where(wide, 0, 0.15)[:, None] * np.exp(-0.5 * ((t + 60) / 9) ** 2)
    st = np.where(wide, -0.3, 0.3)[:, None] * np.exp(-0.5 * ((t - 95) / 22) ** 2)
    traces = (qrs + p + st + 0.02 * rng.standard_normal((n, WINDOW))).astype(np.float32)
    return Beats(
        None, traces, np.full(n, "r"), np.arange(n) * 300, np.full((n, 3), 0.83, np.float32)
    ), wide


def test_every_part_tells_wide_beats_from_normal_ones():
    recording, wide = beats(400, 0.1)
    opinion = np.where(wide, 1.0, -1.0) + np.random.default_rng(1).normal(0, 1.5, 400)
    for name, values in against_own_recording(recording, opinion).items():
        assert roc_auc_score(wide, values) > 0.95, name


def test_an_abnormal_majority_does_not_become_the_reference():
    recording, wide = beats(400, 0.75)
    opinion = np.where(wide, 1.0, -1.0) + np.random.default_rng(1).normal(0, 1.0, 400)
    assert roc_auc_score(wide, against_own_recording(recording, opinion)["qrs"]) > 0.95


def test_noise_makes_no_beat_abnormal_and_hides_none():
    recording, wide = beats(600, 0.1)
    opinion = np.where(wide, 1.0, -1.0) + np.random.default_rng(1).normal(0, 1.0, 600)
    clean = against_own_recording(recording, opinion)
    noisy = np.arange(600) >= 300
    muscle = bandpass(np.random.default_rng(2).standard_normal(300 * WINDOW), 8.0, 45.0).reshape(
        300, WINDOW
    )
    recording.beat_mv[noisy] += 0.1 * muscle / muscle.std()
    disturbed = against_own_recording(recording, opinion)
    for name in ("qrs", "p", "st"):
        rise = np.median(disturbed[name][noisy & ~wide]) - np.median(clean[name][noisy & ~wide])
        assert abs(rise) < 0.35 and roc_auc_score(wide, disturbed[name]) > 0.9, name


def test_a_stranger_is_held_against_himself():
    recording, wide = beats(300, 0.1)
    latents = (
        np.random.default_rng(1).normal(5, 0.1, (300, 8)) + 2 * wide[:, None]
    )  # all of them far from anyone else's
    alone, context = np.full(300, 9.0), Context()
    context.calibrate([(recording, alone, latents, ~wide)], alone, {"rhythm"})
    parts = context.parts(recording, alone, latents, {"rhythm"})
    assert "beat" not in parts and roc_auc_score(wide, parts["own"]) > 0.95
    assert "own" not in context.parts(recording, alone, None, {"rhythm"})


def test_known_normals_are_always_references():
    rows = choose_reference(
        np.arange(100.0), np.ones(100), np.arange(100) >= 95, np.random.default_rng(0)
    )
    assert set(range(95, 100)) <= set(rows)


def test_regions_do_not_mind_a_badly_placed_r_peak():
    recording, _ = beats(100, 0)
    moved = np.roll(recording.beat_mv, 5, axis=1)
    both = regions(np.concatenate([recording.beat_mv, moved[:20]]))["qrs"]
    assert np.abs(both[:20] - both[100:]).mean() < 0.05


@pytest.mark.parametrize("n", [2, 5, 25])
def test_short_recordings_are_scored(n):
    recording, _ = beats(n, 0)
    for values in against_own_recording(recording, np.zeros(n)).values():
        assert values.shape == (n,) and np.isfinite(values).all()


def test_surprise_is_the_logarithm_of_the_share_above():
    surprise = Surprise()
    surprise.fit(np.arange(1000.0))
    np.testing.assert_allclose(
        surprise(np.array([-5, 500, 900])), [0, np.log(2), np.log(10)], atol=0.05
    )
    assert surprise(np.array([5000.0])) >= surprise(np.array([990.0]))
