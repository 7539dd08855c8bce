"""Time warping acts along time, keeps the R peak, and differs from beat to beat."""

import numpy as np

from preprocess.augment import TICKS, time_warp, with_warped_copies
from preprocess.beats import BEFORE, WINDOW


def test_warp_moves_waves_in_time_and_keeps_heights():
    t = np.arange(WINDOW)
    beat = (
        np.exp(-0.5 * ((t - BEFORE) / 4) ** 2) + 0.2 * np.exp(-0.5 * ((t - 70) / 9) ** 2)
    ).astype(np.float32)
    warped = time_warp(np.tile(beat, (50, 1)), np.random.default_rng(0))
    assert np.abs(warped.argmax(1) - BEFORE).max() <= 1
    p_peaks = warped[:, :110].argmax(1)
    assert 0 < np.abs(p_peaks - 70).max() <= TICKS and len(np.unique(p_peaks)) > 3
    np.testing.assert_allclose(warped[:, :110].max(1), 0.2, atol=0.01)


def test_copies_stand_behind_the_beats_with_images_of_their_own(data):
    beats = data.beats(np.arange(10))
    both = with_warped_copies(beats, 2, np.random.default_rng(0), "complex")
    assert len(both) == 30 and both.image.shape[0] == 30
    np.testing.assert_array_equal(both.beat_mv[:10], beats.beat_mv)
    assert not np.allclose(both.beat_mv[10:20], beats.beat_mv)
    assert list(both.record[10:20]) == list(beats.record)
