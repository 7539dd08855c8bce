"""Curves and distributions state what they show, and cope with any scores and any log."""

import numpy as np
import pandas as pd
import pytest

from experiments.reports import curves


@pytest.fixture
def drawn(monkeypatch):
    """Figures in the order in which they are saved."""
    figures = []
    monkeypatch.setattr(curves.style, "save", lambda figure, _: figures.append(figure))
    return figures


def scores_of(counts):
    classes = np.repeat(list(counts), list(counts.values()))
    return classes, np.random.default_rng(0).gamma(2.0, 1.0, len(classes)) + 3 * (classes != "N")


def test_curves_state_auc_and_prevalence(tmp_path, drawn):
    classes = np.repeat(["N", "V", "S"], [80, 10, 10])
    curves.draw_curves(classes, classes != "N", 0.5, tmp_path / "curves.png", "ROC")
    texts = [text.get_text() for axes in drawn[0].axes for text in axes.get_legend().get_texts()]
    assert "abnormal (n 20) (AUC = 1.00)" in texts and "S (n 10) (AUC = 1.00)" in texts
    assert "abnormal (n 20) (AP = 1.00)" in texts
    assert not any(text.startswith("Q") for text in texts)


@pytest.mark.parametrize(
    "counts",
    [{"N": 400, "S": 30, "V": 60, "F": 9, "Q": 3}, {"N": 50}, {"V": 5}],
    ids=["all", "only N", "no N"],
)
def test_distributions_count_the_beats_of_each_class(tmp_path, drawn, counts):
    curves.draw_distributions(*scores_of(counts), 4.0, tmp_path / "scores.png", 0.05)
    labels = [axes.get_ylabel() for axes in drawn[0].axes]
    for label, name in zip(labels, "NSVFQ"):
        assert f"n {counts.get(name, 0)}" in label


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s * 1e-6,
        np.zeros_like,
        lambda s: np.where(s > 8, np.inf, s),
    ],
    ids=["tiny", "constant", "infinite"],
)
def test_distributions_cope_with_any_scale(tmp_path, drawn, change):
    classes, scores = scores_of({"N": 400, "S": 30, "V": 60})
    scores = change(scores)
    curves.draw_distributions(classes, scores, np.median(scores), tmp_path / "scores.png", 0.05)
    assert np.isfinite(drawn[0].axes[-1].get_xlim()).all()


def test_each_column_of_a_log_has_its_plot(tmp_path, drawn):
    losses = {f"loss_{k}": [2.0, 1.0] for k in range(9)} | {"beats_per_s": [10, 11]}
    log = pd.DataFrame({"epoch": [1, 2], "never": [np.nan, np.nan]} | losses)
    curves.draw_training(log, tmp_path / "training.png")
    assert [axes.get_title(loc="left") for axes in drawn[0].axes] == list(losses)
