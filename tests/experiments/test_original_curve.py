"""The curve has a row for each check, goes on where it was, and measuring changes no training."""

import pandas as pd
import pytest
import torch

from experiments import original_curve
from experiments.training import checkpoint
from models.compared import b2igan_original
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


def run(decibel, outf, *more):
    flags = ["--dataroot", decibel, "--outf", outf, "--train-beats", "32", "--scored", "100"]
    flags += ["--batchsize", "16", "--checks", "2", "--amp", "off", "--device", "cpu", *more]
    original_curve.main([str(flag) for flag in flags])
    folder = outf / "b2igan-original/beatgan/fold0"
    return pd.read_csv(folder / "curve.csv"), checkpoint.load(folder / "checkpoint.pt")


def test_a_row_for_each_check_also_after_a_stop(decibel, tmp_path):
    curve, whole = run(decibel, tmp_path / "whole", "--niter", "2")
    assert list(curve["epochs"]) == [0.5, 1.0, 1.5, 2.0]
    figures = curve.filter(regex="^(validation|test)_")
    assert set(figures) >= {"validation_eval", "validation_train", "test_eval", "test_train_ap"}
    assert ((figures >= 0) & (figures <= 1)).to_numpy().all()

    run(decibel, tmp_path / "parts", "--niter", "1")
    resumed, state = run(decibel, tmp_path / "parts", "--niter", "2", "--resume")
    pd.testing.assert_frame_equal(resumed, curve)
    assert state.best["auc"] == whole.best["auc"]


def test_measuring_leaves_the_training_as_it_was(decibel, tmp_path, monkeypatch):
    _, watched = run(decibel, tmp_path / "watched", "--niter", "1")
    monkeypatch.setattr(original_curve.Watch, "__call__", lambda *_: None)
    (tmp_path / "alone/b2igan-original/beatgan/fold0").mkdir(parents=True)
    blank = tmp_path / "alone/b2igan-original/beatgan/fold0/curve.csv"
    blank.write_text("epochs\n")
    _, alone = run(decibel, tmp_path / "alone", "--niter", "1")
    assert all(torch.equal(watched.state[name], alone.state[name]) for name in alone.state)


def test_select_paper_drops_the_incomplete_batch(decibel, tmp_path, monkeypatch):
    sizes = []
    step = b2igan_original.B2IGANOriginal.training_step
    monkeypatch.setattr(
        b2igan_original.B2IGANOriginal,
        "training_step",
        lambda self, beats: (sizes.append(len(beats)), step(self, beats))[1],
    )
    run(decibel, tmp_path, "--niter", "1", "--train-beats", "40")
    assert sizes == [16, 16]
