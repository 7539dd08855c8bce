"""Kinds of beats made as a textbook draws them, and premature beats in made rhythms."""

import numpy as np
import pytest

from experiments.screening.rhythm import kinds
from preprocess.constants import BEFORE, FS_HZ, WINDOW

T_S = (np.arange(WINDOW) - BEFORE) / FS_HZ


def wave(at_s, width_s, height_mv):
    return height_mv * np.exp(-0.5 * np.square((T_S - at_s) / width_s))


NORMAL = (
    wave(-0.16, 0.02, 0.12) + wave(0, 0.012, 1.2) + wave(0.03, 0.01, -0.25) + wave(0.28, 0.05, 0.3)
)
ATRIAL = wave(-0.12, 0.02, -0.08) + NORMAL - wave(-0.16, 0.02, 0.12)
VENTRICULAR = wave(0.02, 0.045, 1.8) + wave(0.3, 0.07, -0.7)
BEATS = {"N": NORMAL, "S": ATRIAL, "V": VENTRICULAR}
SEQUENCE = "NNNNNVNNNNNNSNNNNNNN"
RR_S = np.full(20, 0.8)
RR_S[[5, 6, 12, 13]] = 0.5, 1.1, 0.55, 0.85


def judged(sequence, rr_s, flagged, fibrillation=False):
    """Kinds and confidences of the flagged beats of a string of beats, with the RR before each."""
    rng = np.random.default_rng(0)
    beats_mv = np.stack([BEATS[kind] for kind in sequence])
    beats_mv = beats_mv + 0.01 * rng.standard_normal(beats_mv.shape)
    rr_s = np.stack([rr_s, np.r_[rr_s[1:], 0.8], np.full(len(rr_s), 0.8)], 1)
    is_flagged, k = np.isin(np.arange(len(sequence)), flagged), len(flagged)
    shapes = kinds.shape_features(beats_mv[is_flagged], NORMAL)
    log_odds, early = kinds.evidence(shapes, rr_s, is_flagged)
    none, cluster = np.zeros(k, bool), np.arange(k)
    return kinds.decide(log_odds, early, np.full(k, fibrillation), cluster, none)


def test_wide_and_early_is_ventricular_and_early_alone_supraventricular():
    kind, confidence = judged(SEQUENCE, RR_S, [5, 12])
    assert kind.tolist() == ["V", "S"] and (confidence > 0.5).all()


def test_in_fibrillation_and_on_time_nothing_is_supraventricular():
    kind, _ = judged(SEQUENCE, RR_S, [5, 12], fibrillation=True)
    assert kind[0] == "V" and kind[1] in "VFQ"
    assert judged("N" * 20, np.full(20, 0.8), [9])[0].tolist() == ["Q"]


def test_beats_of_one_cluster_share_a_verdict():
    log_odds = np.array([[2.0, 0, 0, 0]] * 5 + [[0.0, 1, 0, 0]])
    early, none = np.ones(6, bool), np.zeros(6, bool)
    by_itself, _ = kinds.decide(log_odds, early, none, np.arange(6), none)
    together, _ = kinds.decide(log_odds, early, none, np.zeros(6, int), none)
    assert by_itself[-1] == "S" and set(together) == {"V"}


def test_unknown_intervals_are_no_error():
    rr_s = RR_S.copy()
    rr_s[[5, 12]] = np.nan
    kind, confidence = judged(SEQUENCE, rr_s, [5, 12])
    assert kind[0] == "V" and np.isfinite(confidence).all()


def test_the_expected_interval_is_that_between_unflagged_beats():
    rr_s = np.tile([0.5, 1.1, 0.8, 0.8], 10)
    flagged = np.tile([True, False, False, False], 10)
    assert np.allclose(kinds.expected_rr_s(rr_s, np.full(40, 0.65), flagged), 0.8)


# --------------------------------------------------------------------- premature beats

SINUS_S = 0.8 + 0.01 * np.random.default_rng(0).standard_normal(200)


def premature(rr_s, other=(), p_deviations=0.0):
    rr_s = np.asarray(rr_s)
    is_other = np.isin(np.arange(len(rr_s)), other)
    return np.flatnonzero(
        kinds.premature(rr_s, is_other, np.full(len(rr_s), p_deviations))
    ).tolist()


def sinus_with(rows, rr_s):
    changed = SINUS_S.copy()
    changed[rows] = rr_s
    return changed


def test_single_premature_beats_are_found():
    assert premature(sinus_with([50, 51, 120, 121], [0.5, 1.0, 0.5, 1.0])) == [50, 120]


def test_a_run_lasts_until_the_sinus_node_is_back():
    assert premature(sinus_with(slice(80, 95), 0.42)) == list(range(80, 95))


def test_a_fast_run_that_begins_before_the_recording_is_found_from_its_end():
    found = premature(np.r_[np.full(100, 0.4), SINUS_S])
    assert found[-1] == 99 and len(found) > 90


@pytest.mark.parametrize("every", [2, 4])
def test_atrial_bigeminy_and_the_like(every):
    rr_s = SINUS_S.copy()
    rr_s[20:180:every], rr_s[21:181:every] = 0.5, 1.0
    assert premature(rr_s) == list(range(20, 180, every))


@pytest.mark.parametrize(
    "rr_s",
    [
        SINUS_S,
        0.85 + 0.12 * np.sin(2 * np.pi * np.arange(300) / 8),  # breathing
        np.linspace(1.0, 0.45, 300),  # exercise
        np.r_[np.full(60, 1.7), np.full(60, 0.85)],  # conduction that comes back after block
        sinus_with([0, 50], np.nan),
        np.zeros(0),
        np.full(1, np.nan),
    ],
)
def test_what_the_sinus_node_does_by_itself_is_not_premature(rr_s):
    assert premature(rr_s) == []


def test_neither_a_beat_of_another_shape_nor_the_one_after_it_is_premature():
    assert premature(sinus_with([50, 51], 0.5), other=[50]) == []


def test_a_p_wave_in_its_place_asks_for_more_prematurity_than_one_elsewhere():
    rr_s = sinus_with([50, 51], [0.66, 1.0])
    assert premature(rr_s, p_deviations=0.0) == [] and premature(rr_s, p_deviations=4.0) == [50]


def test_a_usual_beat_that_the_detector_finds_out_of_rhythm_is_premature():
    unlike = np.array([-3.0, -3.0, -1.0, -3.0, -3.0])
    log_odds = np.array([-4.0, 5.0, 5.0, 5.0, 0.0])
    assert kinds.out_of_rhythm(log_odds, unlike).tolist() == [False, True, False, False, False]
