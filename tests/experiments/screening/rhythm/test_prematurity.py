"""Premature beats in made rhythms."""

import numpy as np
import pytest

from experiments.screening.rhythm.prematurity import out_of_rhythm, premature

rng = np.random.default_rng(0)
SINUS_S = 0.8 + 0.01 * rng.standard_normal(200)


def found(rr_s, other=(), p=0.0):
    is_other = np.zeros(len(rr_s), bool)
    is_other[list(other)] = True
    return np.flatnonzero(premature(np.asarray(rr_s), is_other, np.full(len(rr_s), p))).tolist()


def test_single_premature_beats_are_found_and_sinus_rhythm_has_none():
    rr_s = SINUS_S.copy()
    rr_s[[50, 120]], rr_s[[51, 121]] = 0.5, 1.0
    assert found(rr_s) == [50, 120] and found(SINUS_S) == []


def test_a_run_lasts_until_the_sinus_node_is_back():
    rr_s = SINUS_S.copy()
    rr_s[80:95] = 0.42
    assert found(rr_s) == list(range(80, 95))


def test_a_fast_run_that_begins_before_the_recording_is_found_from_its_end():
    rr_s = np.r_[np.full(100, 0.4), SINUS_S]
    assert found(rr_s)[-1] == 99 and len(found(rr_s)) > 90


@pytest.mark.parametrize("every", [2, 3, 4])
def test_atrial_bigeminy_and_the_like(every):
    rr_s = SINUS_S.copy()
    rr_s[20:180:every], rr_s[21:181:every] = 0.5, 1.0
    assert found(rr_s) == list(range(20, 180, every))


def test_breathing_and_exercise_are_the_sinus_nodes():
    at = np.arange(300)
    assert found(0.85 + 0.12 * np.sin(2 * np.pi * at / 8)) == []
    assert found(np.linspace(1.0, 0.45, 300)) == []


def test_neither_a_beat_of_another_shape_nor_the_one_after_it_is_premature():
    rr_s = SINUS_S.copy()
    rr_s[[50, 51]] = 0.5, 0.5
    assert found(rr_s, other=[50]) == []


def test_a_p_wave_in_its_place_asks_for_more_prematurity_than_one_elsewhere():
    rr_s = SINUS_S.copy()
    rr_s[50], rr_s[51] = 0.66, 1.0
    assert found(rr_s, p=0.0) == [] and found(rr_s, p=4.0) == [50]


def test_gaps_and_nothing_are_no_error():
    rr_s = SINUS_S.copy()
    rr_s[[0, 50]] = np.nan
    assert found(rr_s) == [] and found([]) == [] and found([np.nan]) == []


def test_conduction_that_comes_back_after_block_is_no_run():
    rr_s = np.r_[np.full(60, 1.7), np.full(60, 0.85)] + 0.01 * rng.standard_normal(120)
    assert found(rr_s) == []


def test_a_usual_beat_that_the_detector_finds_out_of_rhythm_is_premature():
    unlike = np.array([-3.0, -3.0, -1.0, -3.0, -3.0])
    log_odds = np.array([-4.0, 5.0, 5.0, 5.0, 0.0])
    assert out_of_rhythm(log_odds, unlike).tolist() == [False, True, False, False, False]
