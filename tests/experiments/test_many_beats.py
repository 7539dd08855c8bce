"""Data beyond memory: images that are made on the fly train the same detector."""

import numpy as np
import torch

import options
from experiments import many_beats
from experiments.training.loop import train
from experiments.training.protocols import split
from preprocess import dataset


def test_images_made_on_the_fly_train_the_detector_of_stored_ones(
    cohort, data, dataroot, hasty_map, tmp_path
):
    dataset.make(cohort, tmp_path / "beats", store_images=False)
    assert not (tmp_path / "beats/spectrograms.npy").exists()
    made = dataset.load(tmp_path / "beats")
    np.testing.assert_array_equal(made.beats(np.arange(9)).image[:], data.beats(np.arange(9)).image)
    opt = options.parse("main", ["--niter", "1", "--device", "cpu", "--train-beats", "300"])
    states = [
        train(each, split(each.index, "beatgan"), opt, tmp_path / name).state
        for name, each in (("stored", data), ("made", made))
    ]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_large_index_is_read_part_by_part_and_splits_alike(tmp_path, monkeypatch):
    monkeypatch.setattr(many_beats, "BEATS_OF_RECORD", 600)
    many_beats.make(6000, tmp_path)
    small = dataset.load(tmp_path)
    monkeypatch.setattr(dataset, "MANY", 700)
    large = dataset.load(tmp_path)
    assert large.index["record"].dtype == "category"
    for protocol in ("beatgan", "interpatient", "external"):
        a, b = split(small.index, protocol), split(large.index, protocol)
        assert a.digest(small.index) == b.digest(large.index)
        np.testing.assert_array_equal(a.calibration, b.calibration)
    beats = [each.beats(np.array([5, 5999, 150])) for each in (small, large)]
    np.testing.assert_array_equal(beats[0].record, beats[1].record)
    np.testing.assert_array_equal(beats[0].record_median_mv, beats[1].record_median_mv)
