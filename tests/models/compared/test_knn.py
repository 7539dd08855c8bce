"""The nearest neighbour is exact, block by block."""

import pytest
import torch

from models.compared import knn


@pytest.mark.parametrize("block", [7, 64, 1000])
def test_neighbours_are_those_of_brute_force(monkeypatch, block):
    monkeypatch.setattr(knn, "REMEMBERED_AT_ONCE", block)
    generator = torch.Generator().manual_seed(0)
    detector = knn.Neighbours({})
    detector.memory = torch.randn(300, 12, generator=generator)
    query = torch.randn(40, 12, generator=generator)
    index, distance = detector.nearest(query)
    expected = torch.cdist(query, detector.memory).min(1)
    torch.testing.assert_close(distance, expected.values, atol=1e-4, rtol=1e-4)
    assert torch.equal(index, expected.indices)
