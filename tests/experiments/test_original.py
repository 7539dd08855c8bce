"""The original's curve goes on where it was, and measuring changes no training."""

import pandas as pd
import pytest

from experiments import original
from experiments.training import checkpoint
from models.compared import b2igan_original
from models.compared.beatgan_original import BeatGANOriginal
from preprocess import dataset


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
    flags = ["--dataroot", decibel, "--outf", outf, "--train-beats", "32"]
    flags += ["--scored", "100", "--batchsize", "16", "--checks", "2", "--amp", "off"]
    original.main([str(flag) for flag in [*flags, "--device", "cpu", *more]])
    folder = outf / "b2igan-original/beatgan/fold0"
    return pd.read_csv(folder / "curve.csv"), checkpoint.load(folder / "checkpoint.pt")


def test_a_row_for_each_check_also_after_a_stop(decibel, tmp_path):
    found, whole = curve(decibel, tmp_path / "whole", "--niter", "2")
    assert list(found["epochs"]) == [0.5, 1.0, 1.5, 2.0]
    figures = found.filter(regex="^(validation|test)")
    assert set(figures) >= {"validation_ap", "test_ap"}
    assert ((figures >= 0) & (figures <= 1)).to_numpy().all()

    curve(decibel, tmp_path / "parts", "--niter", "1")
    resumed, state = curve(decibel, tmp_path / "parts", "--niter", "2", "--resume")
    pd.testing.assert_frame_equal(resumed, found)
    assert state.best["auc"] == whole.best["auc"]


def test_beatgan_has_its_curve(decibel, tmp_path, monkeypatch):
    monkeypatch.setattr(BeatGANOriginal, "widths", (2, 4, 8, 16, 32))
    flags = ["--model", "beatgan-original", "--dataroot", decibel, "--outf", tmp_path]
    flags += ["--train-beats", "32", "--scored", "100", "--niter", "1"]
    original.main([str(flag) for flag in flags])
    assert len(pd.read_csv(tmp_path / "beatgan-original/beatgan/fold0/curve.csv")) == 1
