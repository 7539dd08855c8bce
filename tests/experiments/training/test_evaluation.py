"""An evaluation leaves on disk what others rely on, and its parts agree."""

import json

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import options
from experiments.reports.report import draw
from experiments.training import evaluation
from experiments.training import loop as training
from experiments.training.protocols import split


@pytest.fixture(scope="module")
def evaluated(data, hasty_map, tmp_path_factory):
    """(metrics, folder, split) of a short training, evaluated with every context."""
    opt = options.parse("main", ["--niter", "1", "--device", "cpu", "--bootstrap", "20"])
    rows, folder = split(data.index, "beatgan"), tmp_path_factory.mktemp("evaluated")
    trained = training.train(data, rows, opt, folder)
    detector = trained.detector()
    found, scores = evaluation.evaluate(trained, detector, data, rows, opt, folder)
    draw(trained, detector, data, rows, found, scores, folder)
    return found, folder, rows


def test_metrics_on_disk_hold_what_others_rely_on(evaluated):
    metrics = json.loads((evaluated[1] / "metrics.json").read_text())
    assert metrics == evaluated[0]
    relied_on = "auc ap per_class_auc n_normal n_abnormal threshold sensitivity ppv f1"
    assert set(relied_on.split()) <= set(metrics) and metrics["auc"] > 0.7
    assert metrics["source"] == "simulated" and metrics["uses_anomaly_labels"] is False
    assert metrics["per_class_auc"]["Q"] is None  # no paced beats are simulated
    assert metrics["auc_ci"][0] <= metrics["auc"] <= metrics["auc_ci"][1]


def test_metrics_say_with_what_the_detector_was_made(evaluated):
    metrics, folder, _ = evaluated
    assert metrics["settings"]["niter"] == 1 and "seed" not in metrics["settings"]
    assert metrics["lead"] == metrics["trained_on_lead"] == "MLII"
    assert 0 < metrics["ap_at_10.8%"] <= 1 and metrics["bootstrap_over"] == "patients"
    timing = json.loads((folder / "timing.json").read_text())
    assert len(timing["code_trained"]) == 12 and timing["code_trained"] == timing["code_measured"]


def test_scores_on_disk_give_the_metrics_again(evaluated):
    metrics, folder, rows = evaluated
    scores = pd.read_csv(folder / "scores.csv", dtype={"record": str})
    assert list(scores.columns) == ["record", "sample", "symbol", "class", "score"]
    assert len(scores) == len(rows.test)
    abnormal = scores["class"] != "N"
    assert roc_auc_score(abnormal, scores["score"]) == pytest.approx(metrics["auc"], abs=1e-5)
    flagged = scores["score"] > metrics["threshold"]
    assert flagged[~abnormal].mean() == pytest.approx(metrics["false_alarm_rate"], abs=1e-3)
    assert flagged[abnormal].mean() == pytest.approx(metrics["sensitivity"], abs=1e-3)


def test_report_and_figures_are_there(evaluated):
    page = (evaluated[1] / "report.html").read_text()
    assert "simulated" in page.lower()
    names = {path.name for path in evaluated[1].glob("*.png")}
    assert names >= {"curves.png", "distributions.png", "training.png", "beats_N.png"}
