"""Rows are scored alike however they are asked for, with the context that a detector can use."""

from types import SimpleNamespace

import numpy as np
import pytest

from experiments.training import calibration, scoring
from experiments.training.checkpoint import load
from experiments.training.protocols import split


@pytest.mark.parametrize(
    "contexts, wanted, used",
    [
        (("none", "rhythm", "record"), "rhythm", "rhythm"),
        (("none",), "record", "none"),
        (("rhythm",), "none", "rhythm"),
        (("none", "record"), "rhythm", "none"),
    ],
)
def test_the_richest_usable_context_is_used(contexts, wanted, used):
    assert scoring.usable_context(SimpleNamespace(contexts=contexts), wanted) == used


def test_scores_do_not_depend_on_what_is_asked_for_with_them(data, weights, monkeypatch):
    detector, rows = load(weights).detector(), np.arange(0, 200, 3)
    together = scoring.score_rows(detector, data, np.arange(200), "none")
    monkeypatch.setattr(scoring, "ROWS_AT_ONCE", 16)
    in_parts = scoring.score_rows(detector, data, rows, "none")
    # a sum of parts: near nought, digits of these are lost
    np.testing.assert_allclose(in_parts, together[rows], rtol=1e-5, atol=1e-5)
    several = scoring.scores_by_context(detector, data, rows, ["none", "record"], rows[::2])
    for context, scores in several.items():
        alone = scoring.score_rows(detector, data, rows, context, rows[::2])
        np.testing.assert_allclose(scores, alone, rtol=1e-5, atol=1e-5)


def test_recordings_are_whole_and_say_which_beats_are_known_normal(data, weights):
    detector, rows = load(weights).detector(), split(data.index, "beatgan")
    n_normal = 0
    for beats, normal in scoring.recordings(detector, data, rows.train):
        assert len(beats) == (data.index["record"] == beats.record[0]).sum()
        assert (np.diff(beats.sample) > 0).all()
        n_normal += normal.sum()
    assert n_normal == len(rows.train)


def test_of_long_recordings_the_context_learns_from_as_long_a_beginning(data, weights, monkeypatch):
    detector, rows = load(weights).detector(), split(data.index, "beatgan").train
    record = data.index["record"].to_numpy()
    monkeypatch.setattr(calibration, "MOST_RECORDINGS", 2)
    monkeypatch.setattr(calibration, "MOST_BEATS", 100)
    some, most = calibration.of_beginnings(data, rows)
    assert most == 50
    given = list(scoring.recordings(detector, data, some, most))
    assert [len(beats) for beats, _ in given] == [50, 50]
    first = np.concatenate([np.flatnonzero(record == beats.record[0])[:50] for beats, _ in given])
    np.testing.assert_array_equal(np.sort(some), np.intersect1d(first, rows))
    assert sum(normal.sum() for _, normal in given) == len(some)
