"""The original's way gives what the product gives; its curve has a row for each check, goes on
where it was; the speed of each way is measured."""

import numpy as np
import pandas as pd
import pytest

from experiments import original
from experiments.training import checkpoint
from models.compared import b2igan_original
from preprocess import dataset, spectrogram


def test_the_original_loop_makes_the_same_image():
    beat = np.random.default_rng(0).standard_normal(320).astype(np.float32).cumsum()
    ours = spectrogram.images(beat[None], "decibel")[0, 0].numpy()
    np.testing.assert_allclose(original.original_image(beat), ours, atol=0.05)


@pytest.fixture(scope="module")
def decibel(cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "decibel"
    dataset.make(cohort, folder, "decibel", filter_name="published")
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The same network, a sixteenth as wide."""
    monkeypatch.setattr(b2igan_original, "WIDTHS", (2, 4, 8, 16, 32))


def curve(decibel, outf, *more):
    flags = ["--curve", "--dataroot", decibel, "--outf", outf, "--train-beats", "32"]
    flags += ["--scored", "100", "--batchsize", "16", "--checks", "2", "--amp", "off"]
    original.main([str(flag) for flag in [*flags, "--device", "cpu", *more]])
    folder = outf / "b2igan-original/beatgan/fold0"
    return pd.read_csv(folder / "curve.csv"), checkpoint.load(folder / "checkpoint.pt")


def test_a_row_for_each_check_also_after_a_stop(decibel, tmp_path):
    found, whole = curve(decibel, tmp_path / "whole", "--niter", "2")
    assert list(found["epochs"]) == [0.5, 1.0, 1.5, 2.0]
    figures = found.filter(regex="^(validation|test)_")
    assert set(figures) >= {"validation_eval", "validation_train", "test_eval", "test_train_ap"}
    assert ((figures >= 0) & (figures <= 1)).to_numpy().all()
    log = [row["d_loss"] for row in whole.log]
    np.testing.assert_allclose(found["d_loss"], np.repeat(log, 2), atol=1e-4)
    assert found["d_saturated"].between(0, 1).all()

    curve(decibel, tmp_path / "parts", "--niter", "1")
    resumed, state = curve(decibel, tmp_path / "parts", "--niter", "2", "--resume")
    pd.testing.assert_frame_equal(resumed, found)
    assert state.best["auc"] == whole.best["auc"]


def test_each_way_is_timed_and_a_dead_discriminator_has_no_gradient(capsys):
    result = original.main(["--speed", "--steps", "1", "--batchsize", "4"])
    assert min(result["beats_per_s"].values()) > 0 and len(result["beats_per_cpu_s"]) == 5
    assert "as published, live" in capsys.readouterr().out
    image = np.random.default_rng(0).random((4, 1, 128, 128), np.float32)
    assert original.as_here(image, dead=True)()["d_saturated"] == 1
    assert original.as_here(image)()["d_saturated"] == 0
