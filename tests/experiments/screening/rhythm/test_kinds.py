"""Kinds of beats made as a textbook draws them."""

import numpy as np
import pytest

from experiments.screening.rhythm import kinds
from preprocess.beats import TIMES_S, Beats


def wave(at_s, width_s, height_mv):
    return height_mv * np.exp(-0.5 * np.square((TIMES_S - at_s) / width_s))


NORMAL = (
    wave(-0.16, 0.02, 0.12) + wave(0, 0.012, 1.2) + wave(0.03, 0.01, -0.25) + wave(0.28, 0.05, 0.3)
)
ATRIAL = wave(-0.12, 0.02, -0.08) + NORMAL - wave(-0.16, 0.02, 0.12)
VENTRICULAR = wave(0.02, 0.045, 1.8) + wave(0.3, 0.07, -0.7)
BEATS = {"N": NORMAL, "S": ATRIAL, "V": VENTRICULAR}
SEQUENCE = "N" * 30 + "V" + "N" * 30 + "S" + "N" * 30
RR_S = np.full(len(SEQUENCE), 0.8)
RR_S[[30, 31, 61, 62]] = 0.5, 1.1, 0.5, 0.9
NOWHERE = np.zeros(len(SEQUENCE), bool)


def seen(sequence=SEQUENCE, rr_s=RR_S, gain=1.0, leads=1):
    """A string of beats, with the RR before each; what comes early is out of rhythm."""
    rng = np.random.default_rng(0)
    beats_mv = gain * np.stack([BEATS[kind] for kind in sequence])
    beats_mv = beats_mv + 0.01 * gain * rng.standard_normal(beats_mv.shape)
    intervals_s = np.stack([rr_s, np.append(rr_s[1:], 0.8), np.full(len(rr_s), 0.8)], 1)
    letters = np.array(list(sequence))
    beats = Beats(None, beats_mv, letters, np.cumsum(rr_s), intervals_s)
    beats.usual, beats.p_coherence = letters != "V", np.full(len(letters), 0.8)
    rhythm, noise = np.where(rr_s < 0.65, 6.0, -4.0), np.full(len(letters), 0.01 * gain)
    if leads > 1:
        beats.leads_mv = np.repeat(beats.beat_mv[:, None], leads, 1)
        beats.leads_mv[: len(beats) // 2, 1:] = np.nan  # cannot be read
    return kinds.look(beats, letters == "N", rhythm, noise)


def judged(flagged=NOWHERE, fibrillation=NOWHERE, **given):
    shares = kinds.probabilities(seen(**given))
    assert np.allclose(shares.sum(1), 1)
    return kinds.decide(shares, flagged, fibrillation)


def test_wide_and_early_is_ventricular_and_early_alone_supraventricular():
    kind, confidence = judged()
    assert "".join(kind) == SEQUENCE and (confidence > 0.5).all()
    in_microvolts, _ = judged(gain=3.0)
    assert (in_microvolts == kind).all()


def test_in_fibrillation_nothing_is_supraventricular_and_what_is_flagged_is_not_normal():
    kind, _ = judged(fibrillation=~NOWHERE)
    assert kind[30] == "V" and kind[61] == "N"
    kind, _ = judged(flagged=np.isin(np.arange(len(SEQUENCE)), [10, 30]))
    assert kind[10] == "Q" and kind[30] == "V" and kind[61] == "S"


def test_a_lead_that_shows_the_same_changes_nothing_also_where_it_cannot_be_read():
    kind, _ = judged(leads=2)
    assert "".join(kind) == SEQUENCE


@pytest.mark.parametrize("unknown", [[30, 61], range(len(SEQUENCE))])
def test_unknown_intervals_are_no_error(unknown):
    rr_s = RR_S.copy()
    rr_s[list(unknown)] = np.nan
    kind, confidence = judged(rr_s=rr_s)
    assert kind[30] == "V" and np.isfinite(confidence).all()


def test_of_no_beats_and_of_one_there_is_nothing_to_say():
    shares = kinds.probabilities(kinds.Seen(*(each[:0] for each in seen())))
    assert shares.shape == (0, 5) and len(kinds.decide(shares, NOWHERE[:0], NOWHERE[:0])[0]) == 0
    assert judged(sequence="N", rr_s=np.array([0.8]), flagged=NOWHERE[:1], fibrillation=NOWHERE[:1])


def test_the_next_beat_is_due_when_the_beats_of_usual_shape_say():
    rr_s, usual = RR_S.copy(), np.array(list(SEQUENCE)) != "V"
    rr_s[33:39] = 0.4  # fewer than half of those around
    expected = kinds.expected_rr_s(np.stack([rr_s] * 3, 1), usual)
    assert np.allclose(expected, 0.8, rtol=1e-3)


def test_a_kind_is_doubtful_that_is_hardly_likelier_or_amid_noise():
    confidence, noise = np.full(100, 0.95), np.full(100, 0.01)
    confidence[3], noise[7] = 0.6, 0.05
    assert np.flatnonzero(kinds.doubtful(confidence, noise)).tolist() == [3, 7]
