"""Controls: what must change a figure changes it, and what must not does not.

A leak of labels, or of test beats into training, would break one of these.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

import options
from experiments.training import loop
from experiments.training.checkpoint import load
from experiments.training.protocols import split
from experiments.training.scoring import score_rows
from models import MODELS
from preprocess.dataset import Dataset


def opt(*more):
    return options.parse("main", ["--device", "cpu", "--no-error-map", *more])


def auc(data, rows, scores):
    return roc_auc_score(rows.classes[rows.test] != "N", scores)


def scores_of(data, rows, folder, *more):
    trained = loop.train(data, rows, opt("--model", "knn", *more), folder)
    return score_rows(trained.detector(), data, rows.test, "none")


@pytest.fixture(scope="module")
def rows(data):
    return split(data.index, "beatgan")


def test_a_hundredth_of_abnormal_beats_in_training_lowers_auc(data, rows, tmp_path):
    """So that a figure as good as ours cannot hide that abnormal beats were trained on."""
    is_abnormal = rows.classes[rows.test] != "N"
    abnormal = np.random.default_rng(0).permutation(rows.test[is_abnormal])
    mixed_in = abnormal[: len(rows.train) // 100]
    mixed = replace(rows, train=np.sort(np.r_[rows.train, mixed_in]))
    # The beats that were mixed in are not what is measured: their own score would be the leak.
    rest = replace(rows, test=np.setdiff1d(rows.test, mixed_in))
    clean = loop.train(data, rows, opt("--model", "knn"), tmp_path / "clean").detector()
    dirty = loop.train(data, mixed, opt("--model", "knn"), tmp_path / "dirty").detector()
    found = [auc(data, rest, score_rows(each, data, rest.test, "none")) for each in (clean, dirty)]
    assert found[1] < found[0] - 0.005, found


def test_classes_permuted_within_records_give_half_within_records(data, rows, tmp_path):
    """Of the figure, not of training: records that differ in score make no AUC within records."""
    scores, of_test = scores_of(data, rows, tmp_path), data.index["record"].to_numpy()[rows.test]
    rng, classes, found = np.random.default_rng(0), rows.classes[rows.test].copy(), []
    for _ in range(20):
        for name in np.unique(of_test):
            at = np.flatnonzero(of_test == name)
            classes[at] = rng.permutation(classes[at])
            if 0 < (classes[at] == "N").sum() < len(at):
                found.append(roc_auc_score(classes[at] != "N", scores[at]))
    assert np.mean(found) == pytest.approx(0.5, abs=0.02)


class Blinded(Dataset):
    """A dataset whose abnormal beats hold no number: what reads them in training shows it."""

    def beats(self, chosen, with_image=True):
        beats = super().beats(chosen, with_image)
        is_abnormal = self.index["class"].to_numpy()[chosen] != "N"
        beats.beat_mv[is_abnormal] = np.nan
        if beats.image is not None:
            beats.image[is_abnormal] = np.nan
        return beats


@pytest.mark.parametrize("protocol", ["beatgan", "interpatient"])
def test_training_never_reads_an_abnormal_beat(data, tmp_path, monkeypatch, protocol):
    """Networks, memories and the unit of the score are those of a data set whose abnormal beats are
    no numbers. Context is left out: it reads whole recordings, unlabelled, and says so."""
    monkeypatch.setattr(MODELS["b2igan"], "contexts", ("none",))
    rows = split(data.index, protocol)
    assert (data.index["class"].to_numpy()[rows.train] == "N").all()
    blinded = Blinded(data.index, data.image, data.beat_mv, data.manifest)
    given = opt("--niter", "1", "--train-beats", "300", "--protocol", protocol)
    state, again = (
        loop.train(each, rows, given, tmp_path / name)
        for name, each in (("whole", data), ("blinded", blinded))
    )
    assert state.state.keys() == again.state.keys()
    for name, value in state.state.items():
        assert torch.equal(value, again.state[name]), name
    assert state.reference == again.reference


def test_kinds_and_tested_labels_change_neither_training_nor_scores(data, tmp_path):
    """Context and thresholds included: V beats called S and S beats V, tested normal beats called V
    and tested abnormal ones normal: the same networks, tails, thresholds and scores to the bit."""
    index = data.index.copy()
    index["class"] = index["class"].replace({"V": "S", "S": "V"})
    tested = index.index[split(data.index, "interpatient").test]
    index.loc[tested, "class"] = np.where(index.loc[tested, "class"] == "N", "V", "N")
    relabelled = Dataset(index, data.image, data.beat_mv, data.manifest)
    given = opt("--niter", "1", "--train-beats", "300", "--protocol", "interpatient")
    states, scores = [], []
    for k, each in enumerate((data, relabelled)):
        rows = split(each.index, "interpatient")
        states.append(loop.train(each, rows, given, tmp_path / f"{k}"))
        scores.append(score_rows(states[k].detector(), each, rows.test, "record"))
    for name, value in states[0].state.items():
        assert torch.equal(value, states[1].state[name]), name
    assert "record" in states[0].reference and states[0].reference == states[1].reference
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize("context", ["none", "record"])
def test_scores_need_no_label_and_no_order(data, rows, weights, context):
    """Rows asked for in any order, labels erased: the same scores."""
    detector = load(weights).detector()
    scores = score_rows(detector, data, rows.test, context)
    order = np.random.default_rng(0).permutation(len(rows.test))
    unlabelled = data.index.assign(**{"class": "?", "symbol": "?"})
    erased = Dataset(unlabelled, data.image, data.beat_mv, data.manifest)
    shuffled = score_rows(detector, erased, rows.test[order], context)
    np.testing.assert_allclose(shuffled, scores[order], rtol=1e-5, atol=1e-5)
