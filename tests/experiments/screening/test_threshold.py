"""The patient's threshold: rarer is higher, and it follows the patient."""

from types import SimpleNamespace

import numpy as np
import pytest

from experiments.screening import threshold
from experiments.screening.threshold import PatientThreshold, calibrate, calibration_spans
from preprocess import BadInput
from preprocess.beats import Beats
from preprocess.constants import WINDOW

QUANTILES = np.sort(np.random.default_rng(0).gumbel(size=1001))


def made(shift=0.0, rate=0.01):
    nothing = np.zeros((1, WINDOW))
    return PatientThreshold(QUANTILES, shift, rate, nothing[0], nothing, None)


def test_a_higher_score_is_rarer_even_beyond_all_normal_beats():
    share = made().tail_probability(np.linspace(-5, 60, 500))
    assert (np.diff(share) <= 0).all() and share[-1] < 1e-6 and share[0] == 1


@pytest.mark.parametrize("rate", [0.3, 0.01, 1e-4])
def test_the_threshold_is_where_the_rate_is_reached(rate):
    of_rate = made(rate=rate)
    assert of_rate.tail_probability(of_rate.value) == pytest.approx(rate, rel=1e-6)
    assert made(shift=2.5, rate=rate).value == pytest.approx(of_rate.value + 2.5)


def block(scores, rr_s=0.8):
    """What calibrate reads of a scored block."""
    n = len(scores)
    beats_mv = np.tile(np.arange(n, dtype=np.float32)[:, None], (1, WINDOW))
    beats = Beats(None, beats_mv, np.full(n, "r1"), np.arange(n), np.full((n, 3), rr_s))
    return SimpleNamespace(scores=np.asarray(scores, float), beats=beats)


def settings(**given):
    usual = {"known_normal": None, "calibration_minutes": 5.0, "false_alarm_rate": None}
    return SimpleNamespace(**usual | {"false_alarms_per_hour": 45.0} | given)


def calibrated(scores, context="record", **given):
    return calibrate([block(scores)], context, QUANTILES, settings(**given))


def test_alarms_an_hour_become_a_share_of_beats():
    asked = calibrated(np.arange(10))
    assert asked.rate == pytest.approx(45 * 0.8 / 3600) and asked.per_hour == 45
    asked = calibrated(np.arange(10), false_alarm_rate=0.02)
    assert asked.rate == 0.02 and asked.per_hour is None


def test_the_shift_is_measured_where_scores_do_not_know_the_recording():
    scores = np.arange(10)
    shift_of = lambda share: np.quantile(scores, share) - np.quantile(QUANTILES, share)
    assert calibrated(scores).shift == 0
    low = shift_of(threshold.PRESUMED_NORMAL)
    assert calibrated(scores, "none").shift == pytest.approx(low)
    assert calibrated(scores, known_normal=(0, 5)).shift == pytest.approx(shift_of(0.5))


def test_the_usual_beat_is_that_of_those_presumed_normal():
    usual_mv = calibrated(np.arange(9), "none").record_median_mv
    np.testing.assert_array_equal(usual_mv, np.full(WINDOW, 2.0))


def test_the_first_block_with_enough_beats_is_calibrated_on():
    blocks = map(block, ([], [1.0], np.arange(10) + 7.0, np.arange(10)))
    found = calibrate(blocks, "none", QUANTILES, settings())
    assert found.shift > calibrated(np.arange(10), "none").shift + 6
    assert len(list(blocks)) == 1  # no further than needed


def test_first_minutes_are_followed_by_the_next_and_a_known_stretch_is_not():
    source = SimpleNamespace(path="r1", length=600 * 360, duration_s=600.0)
    minute = 60 * 360
    spans = list(calibration_spans(source, settings()))
    assert spans == [(0, 5 * minute), (5 * minute, 10 * minute)]
    known = list(calibration_spans(source, settings(known_normal=(2, 3))))
    assert known == [(2 * minute, 3 * minute)]
    with pytest.raises(BadInput, match="10.0 min long"):
        next(calibration_spans(source, settings(known_normal=(11, 12))))
