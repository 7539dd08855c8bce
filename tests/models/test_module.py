"""Computing in chunks changes nothing; a state whose buffers have other sizes is restored."""

import numpy as np
import pytest
import torch
from torch import nn

from models.module import BEATS_AT_ONCE, ChunkedModule


class Doubling(ChunkedModule):
    def __init__(self, n):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("memory", torch.arange(float(n)))
        self.register_buffer("unit", None)


@pytest.mark.parametrize("mode", [True, False])
def test_chunks_are_joined_in_order_and_leave_the_mode(mode):
    module = Doubling(2).train(mode)
    rows = np.arange(3.0 * (BEATS_AT_ONCE + 7)).reshape(-1, 3).astype(np.float32)
    seen = []

    def double(first, second):
        seen.append((len(first), module.training, torch.is_inference_mode_enabled()))
        return first + second

    np.testing.assert_array_equal(module.in_chunks(double, rows, rows), 2 * rows)
    assert seen == [(BEATS_AT_ONCE, False, True), (7, False, True)]
    assert module.training is mode


def test_buffers_take_the_size_of_what_is_restored():
    source, target = Doubling(9), Doubling(2)
    source.unit = torch.tensor([1.0, 2.0])
    target.restore(source.state_dict())
    assert torch.equal(target.memory, source.memory) and torch.equal(target.unit, source.unit)
