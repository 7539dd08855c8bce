"""Findings: a row a beat, clusters by their size, unreadable stretches, and words for them."""

import numpy as np
import pytest
import wfdb
from screening_runs import lead_of, run, write_record

from experiments.screening.findings import Stretch, joined, stretches
from preprocess.signal import quality


def test_clusters_are_numbered_by_size_and_count_their_beats(screened):
    findings, _ = screened
    counts = [cluster.count for cluster in findings.clusters]
    rows = findings.table["cluster"].value_counts()
    assert counts and counts == sorted(counts, reverse=True)
    assert [rows[i] for i in range(len(counts))] == counts
    assert findings.flagged.sum() == sum(counts)


def test_what_is_flagged_scores_above_the_threshold(screened):
    findings, _ = screened
    above = findings.table["score"] > np.float32(findings.patient_threshold.value)
    np.testing.assert_array_equal(findings.flagged, above)


def places(found):
    return [(stretch.start, stretch.end, stretch.code) for stretch in found]


def test_stretches_are_in_samples_of_the_recording():
    reason = np.zeros(100, np.int8)
    reason[10:20], reason[20:25], reason[99:] = 1, 2, 1
    assert places(stretches(reason, 1790)) == [(180, 360, 1), (360, 450, 2), (1782, 1790, 1)]


def test_near_ones_are_joined_and_keep_the_longer_ones_reason():
    made = [(0, 100, 2), (200, 900, 5), (3000, 3100, 2), (3100, 3150, 2)]
    found = [Stretch(*stretch) for stretch in made]
    assert places(joined(found)) == [(0, 900, 5), (3000, 3150, 2)]


def test_unreadable_stretches_are_listed_and_not_scored(record, weights, tmp_path):
    signal, rng = lead_of(record), np.random.default_rng(0)
    at = {quality.MISSING: 60, quality.FLAT: 100, quality.RAIL: 140, quality.NOISE: 180}
    second = lambda code: slice(at[code] * 360, (at[code] + 12) * 360)
    signal[second(quality.MISSING)] = np.nan
    signal[second(quality.FLAT)] = 0.1
    at_rail = np.arange(12 * 360) % 180 < 120
    signal[second(quality.RAIL)] = np.where(at_rail, 5, signal[second(quality.RAIL)])
    signal[second(quality.NOISE)] += 1.5 * rng.standard_normal(12 * 360)
    findings = run(write_record(tmp_path, signal), weights, tmp_path)
    for code, start_s in at.items():
        middle = (start_s + 6) * 360
        assert [s.code for s in findings.unreadable if s.start < middle < s.end] == [code]
        inside = (findings.table["sample"] / 360 - start_s).between(1, 11)
        assert not inside.any(), quality.REASONS[code]
    assert findings.summary["recording"]["unreadable_s"] == pytest.approx(48, abs=8)
    found = wfdb.rdann(str(tmp_path / "r1"), "b2i")
    assert found.symbol.count("~") == 2 * len(findings.unreadable)
