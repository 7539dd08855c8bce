"""Where a beat departs: the truth that the network learns from, segments, the strongest point."""

import numpy as np
import pytest
import torch

from models.b2igan import localiser
from models.b2igan.localiser import Localiser, departures, in_segment, mean_traces, segments
from models.b2igan.memory import FEWEST
from preprocess import BadInput
from preprocess.beats import BEFORE, WINDOW
from preprocess.constants import FS_HZ


def test_strongest_point_is_where_most_is_abnormal_and_segments_stay():
    network = Localiser()
    level = network.segment_from.item()
    error, departure_mv = np.full((1, WINDOW), level - 1), np.zeros((1, WINDOW))
    # Surer of the first, but the second departs further.
    error[0, 40:60], error[0, 140:160] = level + 2, level + 1
    departure_mv[0, 40:60], departure_mv[0, 140:160] = 0.1, 1.0
    scaled = network.scaled_by_departure(error, departure_mv)
    assert 140 <= scaled.argmax() < 160
    np.testing.assert_array_equal(scaled > level, error > level)
    np.testing.assert_array_equal(scaled[error <= level], error[error <= level])


def test_segments_reach_one_level_and_end_at_another():
    error = np.zeros((2, WINDOW))
    error[0, 100:110], error[0, 104] = 3.5, 4.5  # reaches the level
    error[0, 200:210] = 3.9  # does not
    error[1, 100:110] = 3.5  # nor does a run of another beat at the same place
    inside = in_segment(error, 4.0, 3.0)
    assert segments(inside[0]) == [((100 - BEFORE) / FS_HZ, (110 - BEFORE) / FS_HZ)]
    assert segments(inside[1]) == []


def test_calibrated_levels_let_few_normal_beats_have_segments():
    generator, network = np.random.default_rng(0), Localiser()
    shapes = (1000, WINDOW), (1000, localiser.FREQS, localiser.TIMES)
    over_time, over_map = (generator.normal(-3, 1, shape) for shape in shapes)
    network.calibrate(over_time, over_map)
    found = network.segments(network.standard(over_time, over_map)[0])
    share = np.mean([len(of_beat) > 0 for of_beat in found])
    assert 0 < share <= localiser.SEGMENT_RATE


def test_departures_are_where_beats_were_changed():
    normal_mv = 0.01 * torch.randn(4, WINDOW, generator=torch.Generator().manual_seed(0))
    changed_mv = normal_mv.clone()
    changed_mv[:, 100:140] += 0.5
    over_time, over_map = departures(normal_mv, changed_mv)
    assert over_time[:, 100:140].all() and not over_time[:, :90].any()
    assert not over_time[:, 150:].any()
    column = WINDOW // localiser.TIMES
    assert over_map[:, :, 100 // column : 140 // column].any()
    assert not departures(normal_mv, normal_mv)[0].any()


def test_no_trace_is_that_of_few_beats():
    points = torch.tensor([[0.0], [1.0], [9.0]])
    beats_mv = np.repeat(np.array([[1.0], [2.0], [5.0]], np.float32), WINDOW, 1)
    nearest = np.array([0] * FEWEST + [1] + [2] * FEWEST)
    traces = mean_traces(beats_mv[nearest], nearest, points)
    assert traces[:, 0].tolist() == [1.0, 1.0, 5.0]  # the second borrows from its nearest


def test_what_was_not_trained_says_so():
    nothing = torch.zeros(2, WINDOW)
    with pytest.raises(BadInput, match="--no-error-map"):
        Localiser().network_input(nothing, nothing, nothing, nothing, nothing)
