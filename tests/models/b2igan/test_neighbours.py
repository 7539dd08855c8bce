"""Nearest rows are the same whatever computes them."""

import sys

import numpy as np
import pytest

from models.b2igan.neighbours import nearest_rows


def crowded(n=300, far=1000.0):
    """(n, 20) rows that lie close together, far from nought; each is there twice."""
    rows = far + np.random.default_rng(0).normal(size=(n // 2, 20))
    return np.concatenate([rows, rows]).astype(np.float32)


@pytest.fixture(params=["torch", "numpy"])
def library(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.delitem(sys.modules, "torch", raising=False)


def test_rows_far_from_nought_have_their_true_neighbours_in_order(library):
    rows = crowded()
    distance, index = nearest_rows(rows, rows, 5)
    wanted = np.sqrt(np.square(rows[:, None] - rows[None], dtype=float).sum(2))
    assert np.array_equal(index, np.argsort(wanted, 1, kind="stable")[:, :5])
    assert distance == pytest.approx(np.sort(wanted, 1)[:, :5], abs=1e-3)


def test_fewer_rows_than_asked_for_are_all_found(library):
    rows = crowded(4)
    assert np.sort(nearest_rows(rows, rows, 9)[1], 1).tolist() == [[0, 1, 2, 3]] * 4
