"""Curves and distributions state what they show, and cope with any scores and any log."""

import numpy as np
import pandas as pd
import pytest

from experiments.reports import curves


def scores_of(rng, counts):
    classes = np.repeat(list(counts), list(counts.values()))
    return rng.gamma(2.0, 1.0, len(classes)) + 3 * (classes != "N"), classes


def test_curves_state_auc_and_prevalence(tmp_path, monkeypatch, assert_is_modest_png):
    texts = legend_texts(monkeypatch)
    labels, scores = np.r_[np.zeros(80), np.ones(20)], np.r_[np.zeros(80), np.ones(20)]
    masks = {"S": np.arange(100) >= 90, "Q": np.zeros(100, bool)}
    path = curves.draw_curves(labels, scores, tmp_path / "curves.png", "ROC", masks, threshold=0.5)
    assert_is_modest_png(path)
    assert "all: AUC 1.0000 (n 20)" in texts and "S: AUC 1.0000 (n 10)" in texts
    assert "all: AP 1.0000 (chance 0.2000)" in texts
    assert not any(text.startswith("Q:") for text in texts)


def legend_texts(monkeypatch):
    texts, real = [], curves.save

    def spy(figure, path):
        texts.extend(
            text.get_text() for axes in figure.axes for text in axes.get_legend().get_texts()
        )
        return real(figure, path)

    monkeypatch.setattr(curves, "save", spy)
    return texts


@pytest.mark.parametrize(
    "counts",
    [
        {"N": 400, "S": 30, "V": 60, "F": 9, "Q": 3},
        {"N": 400, "S": 30, "V": 60},
        {"N": 50},
        {"V": 5},
    ],
    ids=["all", "no F or Q", "only N", "no N"],
)
def test_distributions_cope_with_empty_classes(tmp_path, counts, assert_is_modest_png):
    scores, classes = scores_of(np.random.default_rng(0), counts)
    assert_is_modest_png(
        curves.draw_distributions(scores, classes, 4.0, tmp_path / "scores.png", 0.05)
    )


def test_distributions_do_without_a_threshold(tmp_path, assert_is_modest_png):
    scores, classes = scores_of(np.random.default_rng(0), {"N": 40, "V": 6})
    assert_is_modest_png(curves.draw_distributions(scores, classes, None, tmp_path / "scores.png"))


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s * 1e-6,
        lambda s: -1000 + s * 1e-4,
        lambda s: np.exp(10 * s),
        np.zeros_like,
        lambda s: np.where(s > 8, np.inf, s),
    ],
    ids=["tiny", "offset", "huge", "constant", "infinite"],
)
def test_distributions_cope_with_any_scale(tmp_path, change, assert_is_modest_png):
    scores, classes = scores_of(np.random.default_rng(0), {"N": 400, "S": 30, "V": 60})
    scores = change(scores)
    assert_is_modest_png(
        curves.draw_distributions(scores, classes, np.median(scores), tmp_path / "scores.png")
    )


def test_stretch_keeps_order_and_finds_its_way_back():
    stretch = curves.ScoreAxis(np.random.default_rng(0).normal(5, 1, 300))
    scores = np.array([-1e4, 0, 4, 5, 6, 100, 1e6])
    assert (np.diff(stretch.forward(scores)) > 0).all()
    assert np.allclose(stretch.back(stretch.forward(scores)), scores)


@pytest.mark.parametrize(
    "log",
    [
        pd.DataFrame(
            {
                "epoch": [1, 2, 3],
                "loss": [3.0, 2.0, 1.0],
                "beats_per_s": [10, 11, 12],
                "note": ["a", "b", "c"],
            }
        ),
        pd.DataFrame({"epoch": [1], "loss": [3.0]}),
        pd.DataFrame({"epoch": [], "loss": []}),
        pd.DataFrame({"epoch": [1, 2], "loss": [np.nan, np.nan]}),
        pd.DataFrame({"epoch": [1, 2]} | {f"loss_{k}": [2.0, 1.0] for k in range(9)}),
    ],
    ids=["usual", "one epoch", "no epoch", "no value", "many"],
)
def test_training_copes_with_any_log(tmp_path, log, assert_is_modest_png):
    assert_is_modest_png(curves.draw_training(log, tmp_path / "training.png"))
