"""Early beats stand out of any rhythm, also where most beats are early."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.b2igan.rhythm import N_RHYTHM, Rhythm, normal_intervals, rhythm_features, tachycardia
from preprocess.constants import FS_HZ


def sinus(n, rng, rr_s=0.85):
    """RR intervals in samples of a sinus rhythm that breathes."""
    return 360 * rr_s * (1 + 0.03 * np.sin(np.arange(n) / 4) + 0.015 * rng.standard_normal(n))


@pytest.fixture(scope="module")
def rhythm():
    rng = np.random.default_rng(0)
    peaks = [np.cumsum(sinus(600, rng, rr_s)).astype(int) for rr_s in (0.6, 0.75, 0.9, 1.1)]
    fitted = Rhythm()
    fitted.fit([(p, np.ones(len(p), bool)) for p in peaks], seed=0)
    return fitted


def test_premature_beats_score_above_normal_ones(rhythm):
    rr, early = sinus(500, np.random.default_rng(1)), np.zeros(500, bool)
    early[20::25] = True
    rr[early] *= 0.65
    rr[np.roll(early, 1)] *= 1.3
    assert roc_auc_score(early, rhythm.score(np.cumsum(rr).astype(int))) > 0.97


def test_bigeminy_does_not_hide_its_early_beats(rhythm):
    rr, early = sinus(400, np.random.default_rng(2)), np.zeros(400, bool)
    early[100:300:2] = True
    rr[early] *= 0.6
    rr[np.roll(early, 1)] *= 1.35
    score = rhythm.score(np.cumsum(rr).astype(int))
    assert roc_auc_score(early[100:300], score[100:300]) > 0.95


def test_features_are_finite_for_the_shortest_recordings():
    for n in (2, 3, 10):
        assert rhythm_features(np.arange(n) * 300).shape == (n, N_RHYTHM)
        assert np.isfinite(rhythm_features(np.arange(n) * 300)).all()


def test_intervals_over_an_abnormal_beat_are_filled_in():
    samples = np.cumsum([360] * 5 + [200, 520] + [360] * 5)
    normal = np.ones(12, bool)
    normal[5] = False
    np.testing.assert_allclose(normal_intervals(samples, normal)[1:], 360)


def test_a_run_is_fast_beside_the_rest_and_a_heart_that_is_always_fast_is_not():
    slow, fast = np.full(200, 0.9), np.full(100, 0.42)
    added = tachycardia(np.cumsum(np.r_[slow, fast, slow] * FS_HZ).astype(int))
    assert added[240:260].min() > 6 and abs(added[:150]).max() < 0.1
    always = tachycardia(np.cumsum(np.full(300, 0.42) * FS_HZ).astype(int))
    assert abs(always).max() < 0.5


def test_the_clock_of_the_sinus_node_runs_on_under_an_interpolated_beat(rhythm):
    """The beat after it is early after that beat, and in time after the one before."""
    peaks = (np.arange(200) * FS_HZ).astype(int)
    samples = np.sort(np.r_[peaks, peaks[100] + FS_HZ // 2])
    log_odds, other = rhythm.score(samples), samples == peaks[100] + FS_HZ // 2
    found = rhythm.by_sinus_clock(samples, log_odds, other)
    after = np.flatnonzero(other) + 1
    assert found[after] < log_odds[after] - 1
    rest = np.arange(len(samples)) != after
    np.testing.assert_array_equal(found[rest], log_odds[rest])
