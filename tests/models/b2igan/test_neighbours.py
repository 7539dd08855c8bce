"""Nearest rows are exact."""

import numpy as np
import pytest
import torch

from models.b2igan.neighbours import nearest, nearest_rows


@pytest.mark.parametrize("n_points", [7, 256, 1000, 4096])
def test_neighbours_are_those_of_brute_force(n_points):
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(n_points, 12, generator=generator)
    queries = torch.randn(700, 12, generator=generator)
    distance, index = nearest(points, queries, 5)
    every = torch.cdist(queries, points)
    expected = every.topk(5, 1, largest=False).values
    torch.testing.assert_close(distance, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(every.gather(1, index), expected, atol=1e-4, rtol=1e-4)


def test_rows_far_from_nought_have_their_true_neighbours_in_order():
    rows = 1000 + np.random.default_rng(0).normal(size=(150, 20)).astype(np.float32)
    rows = np.concatenate([rows, rows])  # each is there twice
    distance, index = nearest_rows(rows, rows, 5)
    wanted = np.sqrt(np.square(rows[:, None] - rows[None], dtype=float).sum(2))
    assert np.array_equal(index, np.argsort(wanted, 1, kind="stable")[:, :5])
    assert distance == pytest.approx(np.sort(wanted, 1)[:, :5], abs=1e-3)
    assert np.sort(nearest_rows(rows[:4], rows, 9)[1], 1).tolist() == [[0, 1, 2, 3]] * 300
