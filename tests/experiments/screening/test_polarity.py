"""A lead upside down is noticed, a wave that disease turns over is not."""

import numpy as np

from experiments.screening.polarity import upside_down
from preprocess.beats import BEFORE, WINDOW
from preprocess.constants import FS_HZ

T_S = (np.arange(WINDOW) - BEFORE) / FS_HZ


def beat(p_mv, r_mv, t_mv):
    waves = ((-0.16, 0.02, p_mv), (0, 0.012, r_mv), (0.28, 0.05, t_mv))
    return sum(height * np.exp(-0.5 * np.square((T_S - at) / width)) for at, width, height in waves)


def test_all_waves_down_are_noticed_and_one_is_not():
    assert upside_down(beat(-0.12, -1.2, -0.3))
    assert not upside_down(beat(0.12, 1.2, 0.3))
    assert not upside_down(beat(0.12, -1.2, 0.3)) and not upside_down(beat(-0.12, 1.2, -0.3))


def test_nothing_is_not_upside_down():
    assert not upside_down(np.zeros(WINDOW))
