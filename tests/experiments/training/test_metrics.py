"""Measures mean what they say."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from experiments.training import metrics


def test_detection_on_known_scores():
    classes = np.array(list("NNNNSVVF"))
    scores = np.array([0, 1, 2, 5, 4, 6, 7, 0.5])
    result = metrics.detection(scores, classes, threshold=4.5)
    assert result["sensitivity"] == 0.5 and result["false_alarm_rate"] == 0.25
    assert result["ppv"] == pytest.approx(2 / 3) and result["per_class_sensitivity"]["V"] == 1.0
    assert result["per_class_auc"]["V"] == 1.0 and result["per_class_auc"]["F"] == 0.25
    assert result["per_class_auc"]["Q"] is None
    assert result["per_class_ap"]["V"] == 1.0 and result["per_class_ap"]["Q"] is None
    assert result["per_class_ap"]["F"] == pytest.approx(1 / 4)


def test_interval_over_patients_is_wider_where_their_beats_are_alike():
    rng, n = np.random.default_rng(0), 8000
    patient, classes = rng.integers(0, 20, n), np.array(["N", "V"])[rng.integers(0, 2, n)]
    scores = 1.0 * (classes == "V") + rng.normal(0, 1, 20)[patient] + rng.normal(0, 0.5, n)
    width = lambda ci: ci["auc_ci"][1] - ci["auc_ci"][0]
    over_beats, over_patients = (
        metrics.intervals(scores, classes, 40, 0, who) for who in (np.arange(n) // 4, patient)
    )
    assert width(over_patients) > 3 * width(over_beats)
    low, high = over_patients["auc_ci"]
    assert low < roc_auc_score(classes == "V", scores) < high


def test_ap_at_a_common_share_is_that_of_a_test_with_such_a_share():
    rng = np.random.default_rng(0)
    normal, abnormal = rng.normal(0, 1, 40_000), rng.normal(1.5, 1, 4_000)
    ap = lambda n: metrics.ap_at(
        0.5, np.r_[normal[:n], abnormal], np.r_[np.zeros(n), np.ones(4_000)] > 0
    )
    assert ap(40_000) == pytest.approx(ap(4_000), abs=0.01)
    classes = np.array(["N"] * 40_000 + ["V"] * 4_000)
    found = metrics.detection(np.r_[normal, abnormal], classes, threshold=1.0)
    assert found["ap_at_10.8%"] == pytest.approx(found["ap"], abs=0.05)
    assert found["ap"] < ap(40_000)


def test_figures_without_a_record_are_those_of_the_others():
    record, classes = np.array(list("aabbb")), np.array(list("NVNSV"))
    scores = np.array([3.0, 1, 0, 1, 2])
    found = metrics.without(("a", "c"), record, classes, scores)
    assert list(found) == ["without_a"] and found["without_a"]["auc"] == 1.0
    assert found["without_a"]["per_class_n"]["S"] == 1
    assert metrics.without(("b",), np.array(["a", "b"]), np.array(["N", "V"]), scores[:2]) == {}
