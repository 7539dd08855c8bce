"""The recording's own normal beats are its reference, also where they are few; each part finds what
it is there for."""

import numpy as np
import pytest
from ecg_recording import recording_with_wide_beats
from sklearn.metrics import roc_auc_score

from models.b2igan.own_recording import (
    against_own_recording,
    aligned,
    choose_reference,
    corrected_for_drift,
    nearest_references,
    regions,
)
from preprocess.beats import BEFORE, WINDOW
from preprocess.signal.filters import bandpass


def noisy_prior(wide, deviation):
    """(n,): right about which beats are wide, but for noise."""
    noise = np.random.default_rng(1).normal(0, deviation, len(wide))
    return np.where(wide, 1.0, -1.0) + noise


def test_every_part_tells_wide_beats_from_normal_ones():
    recording, wide = recording_with_wide_beats(400, 0.1)
    for name, values in against_own_recording(recording, noisy_prior(wide, 1.5))[0].items():
        assert roc_auc_score(wide, values) > 0.95, name


def test_an_abnormal_majority_does_not_become_the_reference():
    recording, wide = recording_with_wide_beats(400, 0.75)
    found, _ = against_own_recording(recording, noisy_prior(wide, 1.0))
    assert roc_auc_score(wide, found["qrs"]) > 0.95


def test_noise_makes_no_beat_abnormal_and_hides_none():
    recording, wide = recording_with_wide_beats(600, 0.1)
    prior = noisy_prior(wide, 1.0)
    clean, _ = against_own_recording(recording, prior)
    noisy = np.arange(600) >= 300
    muscle = bandpass(np.random.default_rng(2).standard_normal(300 * WINDOW), 8.0, 45.0)
    recording.beat_mv[noisy] += 0.1 * muscle.reshape(300, WINDOW) / muscle.std()
    disturbed, _ = against_own_recording(recording, prior)
    for name in ("qrs", "p", "st"):
        rise = np.median(disturbed[name][noisy & ~wide]) - np.median(clean[name][noisy & ~wide])
        assert abs(rise) < 0.35 and roc_auc_score(wide, disturbed[name]) > 0.9, name


def test_known_normals_are_always_references():
    rows = choose_reference(
        np.arange(100.0), np.ones(100), np.arange(100) >= 95, np.random.default_rng(0)
    )
    assert set(range(95, 100)) <= set(rows)


def test_references_follow_a_trace_that_has_drifted_since_someone_looked():
    recording, wide = recording_with_wide_beats(1000, 0.1)
    later = np.arange(1000) >= 700
    recording.beat_mv[later, BEFORE + 20 :] *= 2.0  # as after a change of posture
    recording.known_normal = ~later & ~wide
    prior = np.where(recording.known_normal, -6.0, noisy_prior(wide, 1.0))
    found, _ = against_own_recording(recording, prior)
    for name in ("qrs", "st"):
        assert roc_auc_score(wide[later], found[name][later]) > 0.9, name


def test_scores_follow_what_all_beats_in_time_have_risen_by_and_nothing_else():
    rng = np.random.default_rng(0)
    in_time, scores = rng.random(1000) < 0.8, rng.normal(size=1000)
    scores[~in_time] += 5
    later = np.arange(1000) >= 600
    found = corrected_for_drift(scores + 3 * later, in_time, usual=0.0)
    assert np.median(found[later & in_time]) == pytest.approx(0, abs=0.3)
    assert np.median(found[later & ~in_time]) == pytest.approx(5, abs=0.5)
    np.testing.assert_allclose(found[:500], scores[:500], atol=0.5)  # what has not risen stays
    np.testing.assert_array_equal(corrected_for_drift(scores - 3, in_time, 0.0), scores - 3)
    few = corrected_for_drift(scores[:60], in_time[:60], -9.0)
    np.testing.assert_array_equal(few, scores[:60])


def test_regions_do_not_mind_a_badly_placed_r_peak():
    recording, _ = recording_with_wide_beats(100, 0)
    moved = np.roll(recording.beat_mv, 5, axis=1)
    both = regions(aligned(np.concatenate([recording.beat_mv, moved[:20]])))["qrs"]
    assert np.abs(both[:20] - both[100:]).mean() < 0.05


@pytest.mark.parametrize("n", [2, 5, 25])
def test_short_recordings_are_scored(n):
    recording, _ = recording_with_wide_beats(n, 0)
    for values in against_own_recording(recording, np.zeros(n))[0].values():
        assert values.shape == (n,) and np.isfinite(values).all()


def test_no_beat_is_its_own_reference():
    recording, _ = recording_with_wide_beats(50, 0)
    near = nearest_references(aligned(recording.beat_mv), np.arange(0, 50, 2))
    assert not (near == np.arange(50)[:, None]).any()
    assert set(near.ravel()) <= set(range(0, 50, 2))
