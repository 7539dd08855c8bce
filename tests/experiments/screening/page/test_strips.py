"""Strips and unreadable stretches."""

import numpy as np
import pytest
import wfdb
from screening_runs import lead_of, run, write_record

from experiments.screening.blocks import Block
from experiments.screening.page.strips import Stretch, joined, stretches, strip
from preprocess.signal import quality


def test_a_strip_has_its_sample_in_the_middle_and_nothing_beyond_the_ends():
    found = strip(np.arange(5000, dtype=np.float32), 500)
    assert len(found) == 1440 and found[720] == 500
    assert np.isnan(found[:470]).all() and np.isfinite(found[470:]).all()


def test_stretches_are_in_samples_of_the_recording():
    reason = np.zeros(1000, np.int8)
    reason[100:200], reason[200:250], reason[990:] = 1, 2, 1
    block = Block(5000, 6000, 4500, np.zeros(2000, np.float32), reason, None, None)
    found = [(stretch.start, stretch.end, stretch.reason) for stretch in stretches(block)]
    missing, flat = quality.REASONS[1:3]
    assert found == [(5100, 5200, missing), (5200, 5250, flat), (5990, 6000, missing)]


def test_near_ones_are_joined_and_keep_the_longer_ones_reason():
    made = lambda start, end, reason: Stretch(start, end, reason, np.zeros(2))
    found = joined([made(0, 100, "flat"), made(200, 900, "noise"), made(3000, 3100, "flat")])
    assert [(s.start, s.end, s.reason) for s in found] == [(0, 900, "noise"), (3000, 3100, "flat")]


def test_unreadable_stretches_are_listed_and_not_scored(record, weights, tmp_path):
    signal, rng = lead_of(record), np.random.default_rng(0)
    at = {"missing": 60, "flat": 100, "at a rail": 140, "noise": 180}
    second = lambda reason: slice(at[reason] * 360, (at[reason] + 12) * 360)
    signal[second("missing")] = np.nan
    signal[second("flat")] = 0.1
    at_rail = np.arange(12 * 360) % 180 < 120
    signal[second("at a rail")] = np.where(at_rail, 5, signal[second("at a rail")])
    signal[second("noise")] += 1.5 * rng.standard_normal(12 * 360)
    findings = run(write_record(tmp_path, signal), weights, tmp_path)
    for reason, start_s in at.items():
        middle = (start_s + 6) * 360
        assert [s.reason for s in findings.unreadable if s.start < middle < s.end] == [reason]
        inside = (findings.table["sample"] / 360 - start_s).between(1, 11)
        assert not inside.any(), reason
    assert findings.unreadable_s == pytest.approx(48, abs=8)
    found = wfdb.rdann(str(tmp_path / "r1"), "b2i")
    assert found.symbol.count("~") == 2 * len(findings.unreadable)
