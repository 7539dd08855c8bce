"""Beats and labels are matched one to one, and kinds and fitting thresholds counted."""

import numpy as np

from experiments import agreement


def test_each_label_has_one_beat_at_most_and_the_nearest_first():
    reference, found = np.array([100, 200, 300]), np.array([90, 104, 290, 500])
    assert agreement.match(reference, found, 20).tolist() == [[0, 1], [2, 2]]
    assert agreement.match(np.array([100]), np.zeros(0, int), 20).shape == (0, 2)


def test_a_threshold_fits_that_gives_what_was_asked_or_misses_nothing():
    score = np.r_[np.linspace(0, 1, 100), 0.6, 2.0]
    abnormal = np.arange(102) >= 100
    fits = lambda threshold: agreement.fits(score, score > threshold, abnormal, 1.0, 10)
    assert fits(0.9) and fits(0.85)  # 10 and 15 false alarms
    assert not fits(0.5)  # too many
    assert fits(1.5)  # none: the beat that is missed would cost 40
    score[100] = 0.95
    assert not fits(1.5)  # now it would cost 5


def test_what_is_called_by_a_kind_is_counted_as_ec57_does():
    classes = np.array(["V", "V", "N", "F", "S", "S"])
    kinds = np.array(["V", "N", "V", "V", "V", "S", "V"])  # the last without a label
    pairs = np.stack([np.arange(6), np.arange(6)], 1)
    found = agreement._named(classes, kinds, pairs)
    assert (found["V_right"], found["V_wrong"], found["V_called"]) == (1, 3, 5)
    assert (found["S_right"], found["S_wrong"], found["S_called"]) == (1, 0, 1)
