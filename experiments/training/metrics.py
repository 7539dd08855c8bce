"""Scores and classes to measures: at a threshold, with intervals."""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from preprocess.classes import ABNORMAL

# Of abnormal beats among all of the 44 records of MIT-BIH. AP grows with it, and tests differ in
# it (38 % in `beatgan`): AP at one share can be compared from test to test.
COMMON_SHARE = 0.108
AT_COMMON_SHARE = "ap_at_10.8%"


def detection(scores: np.ndarray, classes: np.ndarray, threshold: float) -> dict:
    """How well scores (n,) tell classes (n,) "N" from the others, and what the threshold makes of
    them."""
    abnormal, flagged = classes != "N", scores > threshold
    masks = {name: classes == name for name in ABNORMAL}
    found = int((flagged & abnormal).sum())
    sensitivity, ppv = found / max(abnormal.sum(), 1), found / max(flagged.sum(), 1)
    by_class = lambda measure: {
        name: _against_normals(measure, scores, mask, ~abnormal) for name, mask in masks.items()
    }
    return {
        "auc": float(roc_auc_score(abnormal, scores)),
        "ap": float(average_precision_score(abnormal, scores)),
        AT_COMMON_SHARE: ap_at(COMMON_SHARE, scores, abnormal),
        "per_class_auc": by_class(roc_auc_score),
        "per_class_ap": by_class(average_precision_score),
        "per_class_n": {name: int(mask.sum()) for name, mask in masks.items()},
        "n_normal": int((~abnormal).sum()),
        "n_abnormal": int(abnormal.sum()),
        "threshold": threshold,
        "false_alarm_rate": float(flagged[~abnormal].mean()),
        "sensitivity": float(sensitivity),
        "ppv": float(ppv),
        "f1": float(2 * sensitivity * ppv / max(sensitivity + ppv, 1e-12)),
        "per_class_sensitivity": {
            name: float(flagged[mask].mean()) if mask.any() else None
            for name, mask in masks.items()
        },
    }


def ap_at(share: float, scores: np.ndarray, abnormal: np.ndarray) -> float:
    """Average precision were abnormal beats this share of all: normal beats are weighted."""
    weight_of_normals = abnormal.sum() * (1 - share) / share / (~abnormal).sum()
    weights = np.where(abnormal, 1.0, weight_of_normals)
    return float(average_precision_score(abnormal, scores, sample_weight=weights))


def without(
    names: Sequence[str], record: np.ndarray, classes: np.ndarray, scores: np.ndarray
) -> dict:
    """{"without_NAME": figures} of all but one record, for each of these that was tested."""
    found = {}
    for name in names:
        rest = record != name
        if rest.all() or len(np.unique(classes[rest] == "N")) < 2:
            continue
        figures = detection(scores[rest], classes[rest], threshold=0.0)
        kept = ("auc", "ap", AT_COMMON_SHARE, "per_class_auc", "per_class_ap", "per_class_n")
        found[f"without_{name}"] = {key: figures[key] for key in kept}
    return found


def _against_normals(measure, scores, mask, normal):
    """A measure of one class against all normal beats; None where the class is empty."""
    if not mask.any():
        return None
    both = mask | normal
    return float(measure(mask[both], scores[both]))


def intervals(
    scores: np.ndarray,
    classes: np.ndarray,
    resamplings: int,
    seed: int,
    patient: np.ndarray,
) -> dict:
    """95 % bootstrap intervals of AUC and AP; {} without resamplings.

    patient: (n,) names. Drawn with replacement are whole patients: beats of one are alike, so that
    an interval over beats would say how well these patients are known, and nothing of the next.
    """
    # sorted once, so that each draw sorts fast
    rng, order = np.random.default_rng(seed), np.argsort(-scores)
    scores, abnormal, values = scores[order], classes[order] != "N", []
    names, place = np.unique(patient[order], return_inverse=True)
    for _ in range(resamplings):
        times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)))[place]
        if len(np.unique(abnormal[times > 0])) == 2:
            measures = (roc_auc_score, average_precision_score)
            values.append([each(abnormal, scores, sample_weight=times) for each in measures])
    if not values:  # none was asked for, or every draw had one kind of beats alone
        return {}
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    return {
        "auc_ci": [float(low[0]), float(high[0])],
        "ap_ci": [float(low[1]), float(high[1])],
        "bootstrap": resamplings,
        "bootstrap_over": "patients",
    }
