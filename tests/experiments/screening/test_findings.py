"""Findings: a row a beat, clusters by their size, and words for them."""

import numpy as np
import pytest

from experiments.screening.findings import _part_of_beat, _usual_rr_s


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


def test_the_usual_interval_is_not_that_of_a_minute_of_ectopics(screened):
    table = screened[0].table.head(60).copy()
    table["rr_s"], table["rr_local_s"] = 0.8, 0.8
    table["cluster"] = -1
    table.loc[10:40, ["rr_s", "rr_local_s", "cluster"]] = 0.4, 0.4, 0
    np.testing.assert_allclose(_usual_rr_s(table), 0.8)


@pytest.mark.parametrize(
    "span_s, words",
    [
        ((-0.05, 0.08), "in QRS"),
        ((-0.24, 0.09), "in P wave and QRS"),
        ((-0.39, 0.5), "in all of the beat"),
        ((0.2, 0.21), "in ST and T"),
        ((np.nan, np.nan), "nowhere in particular"),
    ],
)
def test_a_span_is_named_by_the_parts_of_the_beat(span_s, words):
    assert _part_of_beat(*span_s) == words


def test_a_cluster_is_described_by_shape_timing_and_part(screened):
    findings, _ = screened
    words = findings.describe(0)
    assert "shape, " in words and "; differs " in words and "of the usual RR" in words
