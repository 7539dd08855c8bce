"""Fibrillation on made intervals and P waves."""

import numpy as np
import pytest

from preprocess.beats import TIMES_S
from preprocess.constants import WINDOW
from preprocess.signal import atrial_fibrillation as af

rng = np.random.default_rng(0)
IRREGULAR_S = rng.uniform(0.45, 1.0, 200)
REGULAR_S = 0.8 + 0.01 * rng.standard_normal(200)


def beats(n, p_mv, f_mv=0.0, seed=1):
    """(n, 320): a QRS, P waves at their place or f waves at any."""
    rng, t = np.random.default_rng(seed), TIMES_S
    qrs = np.exp(-0.5 * np.square(t / 0.012))
    p_wave = p_mv * np.exp(-0.5 * np.square((t + 0.16) / 0.02))
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    noise = 0.01 * rng.standard_normal((n, WINDOW))
    return (qrs + p_wave + f_mv * np.sin(2 * np.pi * 6 * t + phase) + noise).astype(np.float32)


def drifting_bigeminy_s():
    """Atrial bigeminy whose intervals grow, as record 881 of SVDB has it."""
    at, drift = np.arange(300), np.linspace(0, 0.25, 300)
    return np.where(at % 2, 0.55 + drift, 1.25 - drift / 2) + 0.015 * rng.standard_normal(300)


@pytest.mark.parametrize(
    "rr_s",
    [
        REGULAR_S,
        np.tile([0.55, 1.05], 100),  # bigeminy
        drifting_bigeminy_s(),
        *(np.full(n, 0.8) for n in (0, 1, 15)),
        np.full(30, np.nan),
    ],
)
def test_rhythms_with_an_order_are_not_fibrillation_even_without_p_waves(rr_s):
    assert af.fibrillation(rr_s, p_coherence=np.zeros(len(rr_s))).sum() <= 0.1 * len(rr_s)


def test_scattered_ectopics_are_taken_out():
    rr_s, ectopic = REGULAR_S.copy(), np.zeros(200, bool)
    at = np.cumsum(rng.integers(3, 6, 40))
    at = at[at < 198]
    ectopic[at] = True
    rr_s[at], rr_s[at + 1] = rng.uniform(0.4, 0.6, len(at)), rng.uniform(0.9, 1.3, len(at))
    assert not af.fibrillation(rr_s, ectopic).any()


def test_irregular_intervals_are_fibrillation_unless_p_waves_are_at_their_place():
    unknown = IRREGULAR_S.copy()
    unknown[[0, 50, 51]] = np.nan
    assert af.fibrillation(IRREGULAR_S).all() and af.fibrillation(unknown).all()
    with_p = af.p_wave_coherence(beats(200, 0.12), IRREGULAR_S)
    without = af.p_wave_coherence(beats(200, 0, f_mv=0.08), IRREGULAR_S)
    assert with_p.min() > 0.6 and np.quantile(without, 0.9) < 0.4 and np.median(without) < 0.15
    assert not af.fibrillation(IRREGULAR_S, p_coherence=with_p).any()
    assert af.fibrillation(IRREGULAR_S, p_coherence=without).all()


def test_premature_beats_do_not_hide_the_p_waves_of_others():
    rr_s, waves = REGULAR_S.copy(), beats(200, 0.12)
    rr_s[::4], waves[::4] = 0.5, beats(50, -0.12, seed=2)
    assert af.p_wave_coherence(waves, rr_s).min() > 0.6


def test_onset_and_end_are_found_within_some_beats():
    found = np.flatnonzero(af.fibrillation(np.r_[REGULAR_S, IRREGULAR_S, REGULAR_S]))
    assert abs(found[0] - 200) < 15 and abs(found[-1] - 400) < 15
    assert np.ptp(found) == len(found) - 1
