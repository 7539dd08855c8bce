"""What a detector has without doing anything for it: errors over time, computing in chunks."""

import numpy as np
import pytest
import torch
from synthetic_beats import normal_beats
from torch import nn

from models.detector import BEATS_AT_ONCE, Detector
from preprocess.beats import WINDOW


class Columns(Detector):
    """Its error map is the square of the voltage, in one row and 32 columns."""

    def error_map(self, beats):
        return (beats.beat_mv**2).reshape(-1, 1, 1, 32, 10).mean(4)


def test_a_map_of_fewer_columns_is_spread_over_the_trace():
    error, over_time = Columns({}).errors(normal_beats(5))
    assert error.shape == (5, 1, 1, 32) and over_time.shape == (5, WINDOW)
    np.testing.assert_array_equal(over_time[:, ::10], error[:, 0, 0])


class Doubling(Detector):
    def __init__(self):
        super().__init__({})
        self.norm = nn.BatchNorm1d(3)


@pytest.mark.parametrize("mode", [True, False])
def test_chunks_are_joined_in_order_and_leave_the_mode(mode):
    module = Doubling().train(mode)
    rows = np.arange(3.0 * (BEATS_AT_ONCE + 7)).reshape(-1, 3).astype(np.float32)
    seen = []

    def double(first, second):
        seen.append((len(first), module.training, torch.is_inference_mode_enabled()))
        return first + second

    np.testing.assert_array_equal(module.in_chunks(double, rows, rows), 2 * rows)
    assert seen == [(BEATS_AT_ONCE, False, True), (7, False, True)]
    assert module.training is mode
