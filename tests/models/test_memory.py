"""Nearest neighbours are exact, and local units forgive beats of a patient whose normals are spread out."""

import pytest
import torch

from models.memory import Memory, nearest


@pytest.mark.parametrize("n_points", [7, 256, 1000, 4096])
def test_neighbours_are_those_of_brute_force(n_points):
    generator = torch.Generator().manual_seed(0)
    points, queries = torch.randn(n_points, 12, generator=generator), torch.randn(700, 12, generator=generator)
    distance, index = nearest(points, queries, 5)
    expected = torch.cdist(queries, points).topk(5, 1, largest=False)
    torch.testing.assert_close(distance, expected.values, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(torch.cdist(queries, points).gather(1, index), expected.values, atol=1e-4, rtol=1e-4)


def test_local_units_ask_how_far_is_usual_there():
    generator = torch.Generator().manual_seed(0)
    tight = 0.1 * torch.randn(500, 4, generator=generator)
    wide = 10 + 2 * torch.randn(500, 4, generator=generator)
    near_tight, near_wide = torch.tensor([[0.8, 0, 0, 0.0]]), torch.tensor([[10, 10, 10, 12.5]])
    plain, local = Memory(1000, 5, local=False), Memory(1000, 5, local=True)
    for memory in (plain, local):
        memory.fit(torch.cat([tight, wide]))
    assert plain(near_wide) > plain(near_tight)  # farther away, though nothing unusual in the wide cloud
    assert local(near_wide) < local(near_tight)


def test_memory_keeps_an_even_choice():
    memory = Memory(10, 2, local=False)
    memory.fit(torch.arange(100.0)[:, None])
    assert len(memory.points) == 10 and memory.points.min() == 0 and memory.points.max() == 99
