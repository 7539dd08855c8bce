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
    mean_of_look_alikes,
    normal_versions,
    qrs_distance,
)
from preprocess.beats import BEFORE, QRS, WINDOW


def noisy_prior(wide, deviation):
    """(n,): right about which beats are wide, but for noise."""
    noise = np.random.default_rng(1).normal(0, deviation, len(wide))
    return np.where(wide, 1.0, -1.0) + noise


@pytest.mark.parametrize("share", [0.1, 0.75])
def test_wide_beats_are_far_from_the_reference_even_where_they_are_most(share):
    recording, wide = recording_with_wide_beats(400, share)
    prior = noisy_prior(wide, 1.0)
    assert roc_auc_score(wide, against_own_recording(recording, prior)) > 0.95
    assert wide[choose_reference(prior, None, np.random.default_rng(0))].mean() < share / 2


def test_a_beat_that_only_the_second_lead_shows_is_far_and_an_unreadable_lead_is_passed_over():
    recording, wide = recording_with_wide_beats(400, 0.1)
    plain, _ = recording_with_wide_beats(400, 0.0)
    prior = noisy_prior(wide, 1.0)
    alone = against_own_recording(plain, prior)
    plain.leads_mv = np.stack([plain.beat_mv, recording.beat_mv], 1)
    both = against_own_recording(plain, prior)
    assert roc_auc_score(wide, both) > 0.95 > roc_auc_score(wide, alone)
    plain.leads_mv[:200, 1] = np.nan  # off for half of the time
    plain.leads_mv[200:, 0] = np.nan
    found = against_own_recording(plain, prior)
    assert np.isfinite(found).all() and roc_auc_score(wide[200:], found[200:]) > 0.95


def test_look_alikes_of_wide_beats_score_high_whatever_the_beat_itself_does():
    recording, wide = recording_with_wide_beats(400, 0.2)
    found = mean_of_look_alikes(aligned(recording.beat_mv), noisy_prior(wide, 1.5))
    assert roc_auc_score(wide, found) > 0.95


def test_known_normals_are_always_references():
    rows = choose_reference(np.arange(100.0), np.arange(100) >= 95, np.random.default_rng(0))
    assert set(range(95, 100)) <= set(rows)


def test_references_follow_a_trace_that_has_drifted_since_someone_looked():
    recording, wide = recording_with_wide_beats(1000, 0.1)
    later = np.arange(1000) >= 700
    recording.beat_mv[later, BEFORE + 10 : BEFORE + 40] *= 2.0  # as after a change of posture
    recording.known_normal = ~later & ~wide
    prior = np.where(recording.known_normal, -6.0, noisy_prior(wide, 1.0))
    found = against_own_recording(recording, prior)
    assert roc_auc_score(wide[later], found[later]) > 0.9


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


def test_a_badly_placed_r_peak_does_not_matter():
    recording, _ = recording_with_wide_beats(100, 0)
    moved = np.roll(recording.beat_mv, 5, axis=1)
    both = aligned(np.concatenate([recording.beat_mv, moved[:20]]))[:, QRS]
    assert np.abs(both[:20] - both[100:]).mean() < 0.05


@pytest.mark.parametrize("n", [2, 5, 25])
def test_short_recordings_are_scored(n):
    recording, _ = recording_with_wide_beats(n, 0)
    distance = against_own_recording(recording, np.zeros(n))
    assert distance.shape == (n,) and np.isfinite(distance).all()


def test_a_reference_beat_is_not_compared_with_itself():
    recording, _ = recording_with_wide_beats(50, 0)
    traces, reference = aligned(recording.beat_mv), np.arange(0, 50, 2)
    found = qrs_distance(traces, reference)
    assert abs(np.median(found[reference]) - np.median(found[1::2])) < 0.2


def test_the_normal_version_of_a_wide_beat_is_narrow_and_lies_where_it_does():
    recording, wide = recording_with_wide_beats(300, 0.2)
    beats_mv = recording.beat_mv + 0.2  # of another level
    normal_mv = normal_versions(beats_mv[wide], beats_mv[~wide][:80])
    assert normal_mv.shape == (wide.sum(), WINDOW)
    usual_mv = np.median(beats_mv[~wide], 0)
    off = lambda traces: np.abs(traces - usual_mv)[:, QRS].mean()
    assert off(normal_mv) < 0.3 * off(beats_mv[wide])
