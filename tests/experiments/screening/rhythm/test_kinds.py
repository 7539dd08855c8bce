"""Kinds of beats made as a textbook draws them."""

import numpy as np

from experiments.screening.rhythm.kinds import KINDS, expected_rr_s, kinds
from preprocess.beats import BEFORE, WINDOW
from preprocess.constants import FS_HZ

T_S = (np.arange(WINDOW) - BEFORE) / FS_HZ


def wave(at_s, width_s, height_mv):
    return height_mv * np.exp(-0.5 * np.square((T_S - at_s) / width_s))


NORMAL = (
    wave(-0.16, 0.02, 0.12) + wave(0, 0.012, 1.2) + wave(0.03, 0.01, -0.25) + wave(0.28, 0.05, 0.3)
)
ATRIAL = wave(-0.12, 0.02, -0.08) + NORMAL - wave(-0.16, 0.02, 0.12)
VENTRICULAR = wave(0.02, 0.045, 1.8) + wave(0.3, 0.07, -0.7)
BEATS = {"N": NORMAL, "S": ATRIAL, "V": VENTRICULAR}


def judged(sequence, rr_s, fibrillation=None, group=None, flagged=None):
    """A string of beats and the interval before each, all but N flagged."""
    rng = np.random.default_rng(0)
    beats_mv = np.stack([BEATS[kind] for kind in sequence])
    beats_mv = beats_mv + 0.01 * rng.standard_normal(beats_mv.shape)
    rr_s = np.asarray(rr_s, float)
    rr_s = np.stack([rr_s, np.r_[rr_s[1:], 0.8], np.full(len(rr_s), 0.8)], 1)
    flagged = np.array([kind != "N" for kind in sequence]) if flagged is None else flagged
    fibrillation = np.zeros(len(flagged), bool) if fibrillation is None else fibrillation
    return kinds(beats_mv, rr_s, flagged, NORMAL, fibrillation, group)


SEQUENCE = "NNNNNVNNNNNNSNNNNNNN"
RR_S = np.full(20, 0.8)
RR_S[[5, 6, 12, 13]] = 0.5, 1.1, 0.55, 0.85


def test_wide_and_early_is_ventricular_and_early_alone_supraventricular():
    kind, confidence = judged(SEQUENCE, RR_S)
    assert "".join(kind) == SEQUENCE
    assert (confidence[[5, 12]] > 0.5).all() and np.isnan(confidence[:5]).all()


def test_no_supraventricular_beats_inside_fibrillation():
    kind, _ = judged(SEQUENCE, RR_S, fibrillation=np.ones(20, bool))
    assert kind[12] in "VFQ" and kind[5] == "V"


def test_a_usual_beat_on_time_that_was_flagged_is_neither():
    flagged = np.zeros(20, bool)
    flagged[9] = True
    assert judged("N" * 20, np.full(20, 0.8), flagged=flagged)[0][9] == "Q"


def test_a_beat_keeps_the_company_of_its_shape():
    rr_s = np.full(20, 0.8)
    rr_s[2:18:3], rr_s[3:19:3] = 0.5, 1.1
    sequence = "NN" + "VNN" * 5 + "VNN"
    alone, _ = judged(sequence, rr_s)
    group = np.where(np.array(list(sequence)) == "V", 3, -1)
    together, _ = judged(sequence, rr_s, group=group)
    assert set(together[group == 3]) == {"V"} and (alone == together).all()


def test_nothing_flagged_and_unknown_intervals_are_no_error():
    kind, confidence = judged("N" * 5, np.full(5, 0.8))
    assert (kind == "N").all() and np.isnan(confidence).all()
    rr_s = RR_S.copy()
    rr_s[[5, 12]] = np.nan
    kind, confidence = judged(SEQUENCE, rr_s)
    assert kind[5] == "V" and set(kind) <= set("N" + KINDS) and np.isfinite(confidence[12])


def test_the_expected_interval_is_that_between_unflagged_beats():
    rr_s = np.tile([0.5, 1.1, 0.8, 0.8], 10)
    flagged = np.tile([True, False, False, False], 10)
    columns = np.stack([rr_s, np.roll(rr_s, -1), np.full(40, 0.65)], 1)
    assert np.allclose(expected_rr_s(columns, flagged), 0.8)
