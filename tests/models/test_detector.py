"""What a detector has without doing anything for it: errors with a unit, over time, no segments;
computing in chunks, and a state whose buffers have other sizes."""

import numpy as np
import pytest
import torch
from synthetic_beats import normal_beats
from torch import nn

from models.detector import BEATS_AT_ONCE, Detector
from preprocess.beats import WINDOW


class SquaredVoltage(Detector):
    """The smallest detector: its error map is the square of each sample."""

    image = None

    def score(self, beats, context="none"):
        return self.error_map(beats).mean(1).astype(float)

    def error_map(self, beats):
        return beats.beat_mv**2


class Columns(SquaredVoltage):
    """The same on an image of one row and 32 columns."""

    image = "complex"

    def error_map(self, beats):
        return super().error_map(beats).reshape(-1, 1, 1, 32, 10).mean(4)


def test_a_map_of_fewer_columns_is_spread_over_the_trace():
    error, over_time = Columns({}).errors(normal_beats(5))
    assert error.shape == (5, 1, 1, 32) and over_time.shape == (5, WINDOW)
    np.testing.assert_array_equal(over_time[:, ::10], error[:, 0, 0])


class Doubling(Detector):
    def __init__(self, n):
        super().__init__({})
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
