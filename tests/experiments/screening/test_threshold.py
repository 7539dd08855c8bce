"""The patient's threshold: rarer is higher, and it follows the patient."""

from types import SimpleNamespace

import numpy as np
import pytest
from screening_runs import lead_of, run, write_record

from experiments.screening.threshold import PRESUMED_NORMAL, PatientThreshold, calibrate
from preprocess import BadInput
from preprocess.beats import WINDOW

QUANTILES = np.sort(np.random.default_rng(0).gumbel(size=1001))


def made(shift=0.0, rate=0.01):
    nothing = np.zeros((1, WINDOW))
    return PatientThreshold(QUANTILES, shift, rate, nothing[0], nothing, None)


def test_a_higher_score_is_rarer_even_beyond_all_normal_beats():
    scores = np.linspace(-5, 60, 500)
    share = made().tail_probability(scores)
    assert (np.diff(share) <= 0).all() and share[-1] < 1e-6 and share[0] == 1


@pytest.mark.parametrize("rate", [0.3, 0.01, 1e-4])
def test_the_threshold_is_where_the_rate_is_reached(rate):
    patient_threshold = made(rate=rate)
    assert patient_threshold.tail_probability(patient_threshold.value) == pytest.approx(
        rate, rel=1e-6
    )


def test_a_shift_moves_the_threshold_as_far():
    assert made(shift=2.5).value == pytest.approx(made().value + 2.5)


def scored_part(scores, rr_s=0.8):
    """What calibrate is given: the same scores wherever it looks."""
    n = len(scores)
    beats_mv = np.tile(np.arange(n, dtype=np.float32)[:, None], (1, WINDOW))

    class Beats(SimpleNamespace):
        def __len__(self):
            return n

    beats = Beats(beat_mv=beats_mv, rr_s=np.full((n, 3), rr_s))
    return lambda start, end: SimpleNamespace(scores=np.asarray(scores, float), beats=beats)


def asked(**given):
    usual = {
        "known_normal": None,
        "calibration_minutes": 5.0,
        "false_alarm_rate": None,
        "false_alarms_per_hour": 45.0,
    }
    return SimpleNamespace(**usual | given)


SOURCE = SimpleNamespace(path="r1", length=600 * 360, duration_s=600.0)


def test_alarms_an_hour_become_a_share_of_beats():
    patient_threshold = calibrate(scored_part(np.arange(10)), SOURCE, "record", QUANTILES, asked())
    assert (
        patient_threshold.rate == pytest.approx(45 * 0.8 / 3600)
        and patient_threshold.per_hour == 45
    )
    patient_threshold = calibrate(
        scored_part(np.arange(10)), SOURCE, "record", QUANTILES, asked(false_alarm_rate=0.02)
    )
    assert patient_threshold.rate == 0.02 and patient_threshold.per_hour is None


def test_the_shift_is_measured_where_scores_do_not_know_the_recording():
    part, scores = scored_part(np.arange(10)), np.arange(10)
    shift = lambda context, **given: (
        calibrate(part, SOURCE, context, QUANTILES, asked(**given)).shift
    )
    assert shift("record") == 0
    assert shift("none") == pytest.approx(
        np.quantile(scores, PRESUMED_NORMAL) - np.quantile(QUANTILES, PRESUMED_NORMAL)
    )
    known = shift("record", known_normal=(0, 5))
    assert known == pytest.approx(np.median(scores) - np.median(QUANTILES))


def test_the_usual_beat_is_that_of_those_presumed_normal():
    patient_threshold = calibrate(scored_part(np.arange(9)), SOURCE, "none", QUANTILES, asked())
    np.testing.assert_array_equal(patient_threshold.record_median_mv, np.full(WINDOW, 2.0))


def test_a_stretch_beyond_the_end_is_said():
    with pytest.raises(BadInput, match="10.0 min long"):
        calibrate(scored_part([]), SOURCE, "none", QUANTILES, asked(known_normal=(11, 12)))


def test_first_minutes_that_cannot_be_read_are_passed_over(record, weights, tmp_path):
    signal_mv = lead_of(record)
    signal_mv[: 150 * 360] = 0.1
    path = write_record(tmp_path, signal_mv)
    findings = run(path, weights, tmp_path, "--calibration-minutes", 1)
    assert np.ptp(findings.patient_threshold.record_median_mv) > 0.5
