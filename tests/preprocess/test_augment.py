"""Time warping keeps the R peak, drift the beat, and a moved window the samples it has."""

import numpy as np

from preprocess.augment import TICKS, drifted, jittered, moved, time_warp, with_warped_copies
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


def test_a_drifted_beat_is_the_same_beat_of_another_size_and_level(data):
    beats_mv = data.beats(np.arange(200), with_image=False).beat_mv
    later = drifted(beats_mv, 1.0, np.random.default_rng(0))
    assert later.dtype == np.float32 and np.isfinite(later).all()
    alike = [np.corrcoef(a, b)[0, 1] for a, b in zip(beats_mv, later)]
    assert np.median(alike) > 0.95 and min(alike) > 0.5
    size = np.ptp(later, axis=1) / np.ptp(beats_mv, axis=1)
    assert 0.15 < np.log(size).std() < 0.4


def test_a_moved_window_is_the_beat_seen_later_with_its_edge_held(data):
    before = data.beats(np.arange(6)).beat_mv
    after = moved(before, np.array([3, -3, 0, 1, -2, 0]))
    np.testing.assert_array_equal(after[0, :-3], before[0, 3:])
    np.testing.assert_array_equal(after[1, 3:], before[1, :-3])
    assert (after[1, :3] == before[1, 0]).all()


def test_jitter_moves_by_up_to_so_many_samples_either_way(data):
    beats = data.beats(np.arange(300), with_image=False)
    after = jittered(beats, 3, 0, np.random.default_rng(0), None)
    assert set(after.sample - beats.sample) == set(range(-3, 4)) and after.image is None
