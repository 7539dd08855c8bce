"""The summary of a recording written down by hand."""

import json
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from experiments.screening.rhythm import episodes as rhythm_episodes
from experiments.screening.rhythm import summary
from preprocess.constants import FS_HZ
from preprocess.signal.quality import NO_RHYTHM


def summarised(kinds, rr_s, duration_s, gaps=(), fibrillation=None, alarms=(), start=None):
    kinds, rr_s = np.asarray(kinds), np.asarray(rr_s, float)
    peaks = np.round(np.cumsum(rr_s) * FS_HZ).astype(int)
    fibrillation = np.zeros(len(kinds), bool) if fibrillation is None else fibrillation
    found = rhythm_episodes.episodes(peaks, kinds, fibrillation, gaps, alarms)
    doubtful = np.arange(len(kinds)) == 5000
    table = pd.DataFrame({"sample": peaks, "kind": kinds, "doubtful": doubtful})
    source = SimpleNamespace(duration_s=duration_s, start=start)
    return summary.summarise(table, found, gaps, source)


@pytest.fixture(scope="module")
def two_hours():
    """80 a minute for an hour, then 60; in the first a run of four V at 150, in the second 3 S."""
    rr_s = np.r_[np.full(4800, 0.75), np.full(3600, 1.0)]
    kinds = np.full(len(rr_s), "N")
    kinds[1000:1004], rr_s[1001:1004] = "V", 0.4
    kinds[[5000, 6000, 7000]] = "S"
    return summarised(kinds, rr_s, 7200.0, start=datetime(2026, 1, 2, 3, 4, 5))


def test_counts_rates_and_times(two_hours):
    assert two_hours["beats"] == {"total": 8400, "n": 8393, "v": 4, "s": 3, "f": 0, "q": 0}
    assert two_hours["recording"]["start"] == "2026-01-02T03:04:05"
    assert two_hours["rate_per_min"]["slowest"]["per_min"] == 60.0
    fastest = two_hours["rate_per_min"]["fastest"]
    assert fastest["at_s"] == 720 and fastest["per_min"] == pytest.approx(81.4, abs=0.3)


def test_ectopics(two_hours):
    ventricular = two_hours["ventricular"]
    assert (ventricular["count"], ventricular["runs"], ventricular["couplets"]) == (4, 1, 0)
    assert ventricular["per_hour"] == 2.0
    assert ventricular["longest_run"] == {"beats": 4, "at_s": 750.75, "per_min": 150}
    assert two_hours["supraventricular"]["count"] == 3
    assert (ventricular["doubtful"], two_hours["supraventricular"]["doubtful"]) == (0, 1)
    assert two_hours["supraventricular"]["longest_run"] is None


def test_hours_add_up(two_hours):
    hours = two_hours["hours"]
    assert [hour["start_s"] for hour in hours] == [0, 3600]
    assert sum(hour["beats"] for hour in hours) == 8400
    assert [hour["v"] for hour in hours] == [4, 0] and [hour["s"] for hour in hours] == [0, 3]
    assert hours[1]["mean_per_min"] == 60.0


def test_it_is_json_without_nan_even_of_nothing():
    nothing = summarised([], [], 30.0)
    json.dumps(nothing, allow_nan=False)
    assert nothing["beats"]["total"] == 0 and nothing["rate_per_min"]["mean"] is None


def test_unreadable_time_is_not_analysed():
    found = summarised(["N"] * 4500, np.full(4500, 0.8), 3600.0, [(100 * FS_HZ, 1000 * FS_HZ)])
    assert found["recording"]["analysed_s"] == found["hours"][0]["analysed_s"] == 2700.0


def test_fibrillation_burden_pauses_and_alarms():
    rr_s = np.full(4500, 0.8)
    rr_s[3000] = 2.5
    marked = np.r_[np.ones(1126, bool), np.zeros(3374, bool)]  # 1125 intervals of 0.8 s: 900 s
    alarms = [(1_000_000, 1_003_600, NO_RHYTHM)]
    found = summarised(["N"] * 4500, rr_s, 3600.0, fibrillation=marked, alarms=alarms)
    assert found["fibrillation"]["burden_percent"] == 25.0
    assert found["fibrillation"]["mean_rate_per_min"] == 75
    assert found["pauses"] == {"count": 1, "longest_s": 2.5, "longest_at_s": 2400.0}
    assert [alarm["code"] for alarm in found["alarms"]] == ["(VF"]
    assert found["hours"][0]["alarms"] == 1


def test_variability_against_numbers_worked_out_by_hand():
    """Intervals of 0.81 and 0.90 s in turn: SDNN 45 ms, RMSSD 90 ms, every change beyond 50."""
    found = summarised(["N"] * 1200, np.tile([0.81, 0.90], 600), 1030.0)["hrv"]
    assert found["sdnn_ms"] == pytest.approx(45, abs=1)
    assert found["rmssd_ms"] == pytest.approx(90, abs=1)
    assert found["pnn50_percent"] == 100.0
    assert found["sdann_ms"] == pytest.approx(0, abs=0.5)


def test_power_by_frequency_is_the_variance_of_what_was_put_in():
    """40 ms at 0.1 Hz and 20 ms at 0.25 Hz, as SD: 1600 and 400 ms2; after them bigeminy."""
    slow, fast = np.sin(2 * np.pi * 0.9 * np.outer([0.1, 0.25], np.arange(1111)))
    rr_s = np.r_[0.9 + np.sqrt(2) * (0.04 * slow + 0.02 * fast), np.full(1000, 0.6)]
    kinds = ["N"] * 1111 + ["N", "V"] * 500
    found = summarised(kinds, rr_s, 1600.0)["hrv"]
    assert found["lf_ms2"] == pytest.approx(1600, rel=0.1)
    assert found["hf_ms2"] == pytest.approx(400, rel=0.1)
    assert found["five_minutes"] == 3 and found["sdnn_ms"] == pytest.approx(np.sqrt(2000), rel=0.1)

    too_short = summarised(["N"] * 300, np.full(300, 0.8), 240.0)["hrv"]
    assert too_short["sdnn_ms"] is too_short["lf_hf"] is None and too_short["five_minutes"] == 0


def test_ectopics_and_missed_beats_do_not_count_as_variability():
    rr_s = np.full(1200, 0.8)
    kinds = np.full(1200, "N")
    kinds[100:1100:50], rr_s[100:1100:50], rr_s[101:1101:50] = "V", 0.5, 1.1
    rr_s[[30, 70]] = 1.6
    found = summarised(kinds, rr_s, 1000.0)["hrv"]
    assert found["sdnn_ms"] < 2 and found["rmssd_ms"] < 2
