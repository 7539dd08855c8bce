"""Fibrillation on made intervals and P waves."""

import numpy as np
import pytest

from preprocess.beats import BEFORE, WINDOW
from preprocess.constants import FS_HZ
from preprocess.signal import atrial_fibrillation as af

rng = np.random.default_rng(0)
IRREGULAR_S = rng.uniform(0.45, 1.0, 200)
REGULAR_S = 0.8 + 0.01 * rng.standard_normal(200)


def beats(n, p_mv, f_mv=0.0, seed=1):
    """(n, 320): a QRS, P waves at their place or f waves at any."""
    rng, t = np.random.default_rng(seed), (np.arange(WINDOW) - BEFORE) / FS_HZ
    qrs = np.exp(-0.5 * np.square(t / 0.012))
    p_wave = p_mv * np.exp(-0.5 * np.square((t + 0.16) / 0.02))
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    noise = 0.01 * rng.standard_normal((n, WINDOW))
    return (qrs + p_wave + f_mv * np.sin(2 * np.pi * 6 * t + phase) + noise).astype(np.float32)


def test_irregular_intervals_are_fibrillation_and_regular_ones_are_not():
    assert af.fibrillation(IRREGULAR_S).all()
    assert not af.fibrillation(REGULAR_S).any()


def test_bigeminy_is_not_fibrillation():
    assert not af.fibrillation(np.tile([0.55, 1.05], 100)).any()


def test_scattered_ectopics_are_taken_out():
    rr_s, ectopic = REGULAR_S.copy(), np.zeros(200, bool)
    at = np.cumsum(rng.integers(3, 6, 40))
    at = at[at < 198]
    ectopic[at] = True
    rr_s[at], rr_s[at + 1] = rng.uniform(0.4, 0.6, len(at)), rng.uniform(0.9, 1.3, len(at))
    assert not af.fibrillation(rr_s, ectopic).any()


def test_p_waves_at_their_place_speak_against_it():
    with_p = af.p_wave_coherence(beats(200, 0.12), IRREGULAR_S)
    without = af.p_wave_coherence(beats(200, 0, f_mv=0.08), IRREGULAR_S)
    assert with_p.min() > 0.6 and np.quantile(without, 0.9) < 0.4 and np.median(without) < 0.15
    assert not af.fibrillation(IRREGULAR_S, p_coherence=with_p).any()
    assert af.fibrillation(IRREGULAR_S, p_coherence=without).all()


def test_absent_p_waves_alone_are_no_proof():
    assert not af.fibrillation(REGULAR_S, p_coherence=np.zeros(200)).any()


def test_premature_beats_do_not_hide_the_p_waves_of_others():
    rr_s = REGULAR_S.copy()
    rr_s[::4] = 0.5
    waves = beats(200, 0.12)
    waves[::4] = beats(50, -0.12, seed=2)
    assert af.p_wave_coherence(waves, rr_s).min() > 0.6


def test_onset_and_end_are_found_within_some_beats():
    rr_s = np.r_[REGULAR_S, IRREGULAR_S, REGULAR_S]
    found = np.flatnonzero(af.fibrillation(rr_s))
    assert abs(found[0] - 200) < 15 and abs(found[-1] - 400) < 15
    assert np.ptp(found) == len(found) - 1


@pytest.mark.parametrize("n", [0, 1, 5, 15])
def test_too_few_beats_are_no_error(n):
    assert not af.fibrillation(np.full(n, 0.8)).any()


def test_unknown_intervals_are_passed_over():
    rr_s = IRREGULAR_S.copy()
    rr_s[[0, 50, 51]] = np.nan
    assert af.fibrillation(rr_s).all()
    assert not af.fibrillation(np.full(30, np.nan)).any()


def test_an_order_that_drifts_is_not_fibrillation():
    """Atrial bigeminy whose intervals grow, as record 881 of SVDB has it."""
    drift = np.linspace(0, 0.25, 300)
    rr_s = np.where(np.arange(300) % 2, 0.55 + drift, 1.25 - drift / 2)
    rr_s += 0.015 * np.random.default_rng(3).standard_normal(300)
    assert af.fibrillation(rr_s, p_coherence=np.zeros(300)).mean() < 0.1


def test_irregularity_is_the_share_of_different_pairs_per_second():
    rr_s = np.random.default_rng(0).uniform(0.4, 1.2, 200)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(rr_s, (4, 3), "edge"), 8)  # [n, 8]
    apart = np.abs(around[:, :, None] - around[:, None, :]) > af.DIFFERENT_S
    share = apart.sum((1, 2)) / (8 * 7)
    np.testing.assert_allclose(af.irregularity(rr_s), af._smooth(share) / af._smooth(rr_s))
