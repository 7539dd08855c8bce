"""Beats and labels are matched one to one, and copies at another rate keep both."""

import numpy as np

from experiments import agreement
from preprocess import records


def test_copy_at_another_rate_keeps_beats_and_labels(cohort, tmp_path):
    path = records.find(cohort)[0]
    original = records.read(path)
    copy = records.read(agreement.resampled(path, tmp_path, 128))
    assert copy.native_fs_hz == 128 and (copy.symbols == original.symbols).all()
    assert np.abs(copy.samples - original.samples).max() <= 2
    n = min(len(copy.signal_mv), len(original.signal_mv))
    assert np.corrcoef(copy.signal_mv[:n], original.signal_mv[:n])[0, 1] > 0.99


def test_each_label_has_one_beat_at_most_and_the_nearest_first():
    reference, found = np.array([100, 200, 300]), np.array([90, 104, 290, 500])
    assert agreement.match(reference, found, 20).tolist() == [[0, 1], [2, 2]]


def test_nothing_matches_nothing():
    assert agreement.match(np.array([100]), np.zeros(0, int), 20).shape == (0, 2)
