"""Windows that are moved are what a detector of R peaks that is off would have cut."""

import numpy as np

import options
from experiments.training import loop
from preprocess import augment


def test_a_moved_window_is_the_beat_seen_later_with_its_edge_held(data):
    before = data.beats(np.arange(6)).beat_mv
    after = augment.moved(before, np.array([3, -3, 0, 1, -2, 0]))
    np.testing.assert_array_equal(after[0, :-3], before[0, 3:])
    np.testing.assert_array_equal(after[1, 3:], before[1, :-3])
    assert (after[1, :3] == before[1, 0]).all()


def test_jitter_moves_by_up_to_so_many_samples_either_way(data):
    beats = data.beats(np.arange(300), with_image=False)
    after = augment.jittered(beats, 3, 0, np.random.default_rng(0), None)
    assert set(after.sample - beats.sample) == set(range(-3, 4)) and after.image is None


def test_only_patients_met_again_are_trained_with_drift():
    drift = lambda *given: loop.complete_options(options.parse("main", [*given]))["drift"]
    assert drift("--protocol", "chronological") > 0
    assert drift("--protocol", "interpatient") == 0
    assert drift("--protocol", "interpatient", "--drift", "0.5") == 0.5
    assert drift("--model", "autoencoder") == 0
