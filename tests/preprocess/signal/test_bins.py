"""Marks on bins, worked out by hand."""

import numpy as np
import pytest

from preprocess.signal import bins

S = bins.PER_S  # bins a second


def marked(*parts_s):
    """Seconds False, True, False, ... in turn."""
    return np.concatenate([np.full(round(s * S), bool(i % 2)) for i, s in enumerate(parts_s)])


def test_bins_cover_every_sample():
    values = np.arange(40.0)
    assert bins.binned(values).shape == (3, bins.BIN)
    low, high = bins.extremes(values)
    assert low.tolist() == [0, 18, 36] and high.tolist() == [17, 35, 39]


@pytest.mark.parametrize(
    "function, seconds, given, expected",
    [
        (bins.opened, 2, (1, 1, 3, 2, 1), (5, 2, 1)),
        (bins.bridged, 2, (1, 1, 2, 1, 3, 1), (1, 4, 3, 1)),
        (bins.within, 1, (3, 1, 3), (2, 3, 2)),
    ],
)
def test_what_is_done_to_marks(function, seconds, given, expected):
    assert (function(marked(*given), seconds) == marked(*expected)).all()


def test_runs_and_back_and_those_that_hold_a_seed():
    marks = marked(1, 1, 1, 2)
    assert [run.tolist() for run in bins.runs(marks)] == [[S, 3 * S], [2 * S, 5 * S]]
    assert (bins.filled(len(marks), *bins.runs(marks)) == marks).all()
    seeds = np.zeros(len(marks), bool)
    seeds[4 * S] = True
    assert (bins.holding(marks, seeds) == marked(3, 2)).all()


def test_nothing_marked_is_no_error():
    nothing = np.zeros(50, bool)
    for function in (bins.opened, bins.bridged, bins.within):
        assert not function(nothing, 1.0).any()
