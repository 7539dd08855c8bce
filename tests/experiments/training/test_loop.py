"""Training: same seed same result, also for a killed run that goes on; errors lose nothing."""

import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
import pytest
import torch

import options
from experiments.training import checkpoint as checkpoints
from experiments.training import loop as training
from experiments.training.protocols import split
from experiments.training.scoring import score_rows
from preprocess import BadInput


def opt(*more):
    given = ["--niter", "2", "--train-beats", "600", "--device", "cpu"]
    return options.parse("main", [*given, *more])


@pytest.fixture(scope="module")
def rows(data):
    return split(data.index, "beatgan")


@pytest.fixture(scope="module")
def trained(data, rows, hasty_map, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return training.train(data, rows, opt(), folder), folder


def same_state(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_losses_fall_and_are_logged(trained):
    log = pd.read_csv(trained[1] / "train_log.csv")
    assert list(log["epoch"]) == [1, 2] and (log["beats_per_s"] > 0).all()
    assert log["g_rec"].iloc[-1] < log["g_rec"].iloc[0]


def test_in_a_file_an_epoch_is_one_plain_line(data, rows, tmp_path, capfd):
    training.train(data, rows, opt("--model", "autoencoder", "--train-beats", "100"), tmp_path)
    out, err = capfd.readouterr()
    first, second = out.splitlines()
    assert first.startswith("epoch 1/2: g_rec 0.") and "beats/s, 0.0 min left" in second
    assert "\r" not in out + err


def test_tensorboard_is_written_where_its_writer_is(data, rows, tmp_path, monkeypatch):
    written, writer = [], MagicMock()
    writer.return_value.__enter__.return_value.add_scalar = lambda *given: written.append(given)
    found = SimpleNamespace(SummaryWriter=writer)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", found)
    training.train(data, rows, opt("--model", "autoencoder", "--train-beats", "100"), tmp_path)
    log = pd.read_csv(tmp_path / "train_log.csv")
    assert [value for name, value, _ in written if name == "g_rec"] == pytest.approx(log["g_rec"])
    assert writer.call_args.args == (tmp_path / "events",)


def test_fewer_beats_are_of_every_recording(data, rows, tmp_path, monkeypatch):
    seen, read = set(), type(data).beats
    spied = lambda self, at, *more: (seen.update(at), read(self, at, *more))[1]
    monkeypatch.setattr(type(data), "beats", spied)
    asked = opt("--train-beats", "100", "--niter", "1", "--model", "autoencoder")
    state = training.train(data, rows, asked, tmp_path)
    learned = np.intersect1d(list(seen), rows.train)
    assert state.train_beats == len(learned) == 100
    assert set(data.index["record"].iloc[learned]) == set(data.index["record"].iloc[rows.train])


def test_same_seed_same_weights_other_seed_others(data, rows, trained, tmp_path):
    again = training.train(data, rows, opt(), tmp_path / "again")
    other = training.train(data, rows, opt("--seed", "1", "--no-error-map"), tmp_path / "other")
    assert same_state(trained[0].state, again.state)
    assert not same_state(trained[0].state, other.state)


def test_resume_after_a_kill_gives_the_same_result(data, rows, trained, tmp_path, monkeypatch):
    whole_epoch = training.train_epoch

    def killed_in_second(*args):
        if args[3] == 1:
            raise KeyboardInterrupt
        return whole_epoch(*args)

    monkeypatch.setattr(training, "train_epoch", killed_in_second)
    with pytest.raises(KeyboardInterrupt):
        training.train(data, rows, opt(), tmp_path)
    monkeypatch.undo()
    assert not checkpoints.load(tmp_path / "checkpoint.pt").finished
    resumed = training.train(data, rows, opt("--resume"), tmp_path)
    assert same_state(trained[0].state, resumed.state) and resumed.reference == trained[0].reference


def test_resume_refuses_other_options(data, rows, trained):
    with pytest.raises(BadInput, match="lr 0.5 instead of"):
        training.train(data, rows, opt("--resume", "--lr", "0.5"), trained[1])


def test_resume_refuses_other_beats(data, trained):
    with pytest.raises(BadInput, match="trained for other records or beats"):
        training.train(data, split(data.index, "beatgan", 1), opt("--resume"), trained[1])


def test_a_checkpoint_alone_rebuilds_the_detector(data, rows, trained):
    loaded = checkpoints.load(trained[1] / "checkpoint.pt")
    test = rows.test[:200]
    for context in loaded.reference:
        np.testing.assert_array_equal(
            score_rows(loaded.detector(), data, test, context),
            score_rows(trained[0].detector(), data, test, context),
        )


def test_non_finite_loss_stops_with_a_sentence(data, rows, tmp_path, monkeypatch):
    broken = lambda *_: {"g_rec": float("nan")}
    monkeypatch.setattr(training.MODELS["b2igan"], "training_step", broken)
    with pytest.raises(BadInput, match="g_rec became nan in epoch 1: try a smaller --lr"):
        training.train(data, rows, opt(), tmp_path)


def test_labels_choose_between_moments_of_an_epoch_and_outputs_say_so(data, tmp_path, monkeypatch):
    values = iter([0.3, 0.8, 0.5, 0.6])
    monkeypatch.setattr(training, "labelled_auc", lambda *_: next(values))
    rows = split(data.index, "beatgan", select="paper")
    asked = opt("--select", "paper", "--checks", "2", "--model", "beatgan", "--no-error-map")
    result = training.train(data, rows, asked, tmp_path)
    assert [row["val_auc_labelled"] for row in result.log] == [0.8, 0.6]
    assert result.options["select"] == "paper" and result.best["auc"] == 0.8
    assert same_state(result.state, result.best["state"])
    steps_an_epoch = 600 // result.options["batchsize"]
    assert result.state["averaged.n_averaged"] == steps_an_epoch


def test_only_patients_met_again_are_trained_with_drift():
    drift = lambda *given: training.complete_options(options.parse("main", [*given]))["drift"]
    assert drift("--protocol", "chronological") > 0
    assert drift("--protocol", "interpatient") == 0
    assert drift("--protocol", "interpatient", "--drift", "0.5") == 0.5
    assert drift("--model", "autoencoder") == 0
