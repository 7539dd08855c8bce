"""Scores and classes to measures: at a threshold, with intervals, record by record."""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from preprocess.classes import ABNORMAL, CLASSES


def detection(scores: np.ndarray, classes: np.ndarray, threshold: float) -> dict:
    """How well scores (n,) tell classes (n,) "N" from the others, and what the threshold makes of
    them."""
    abnormal, flagged = classes != "N", scores > threshold
    masks = {name: classes == name for name in ABNORMAL}
    true_alarms = int((flagged & abnormal).sum())
    sensitivity, ppv = true_alarms / max(abnormal.sum(), 1), true_alarms / max(flagged.sum(), 1)
    by_class = lambda measure: {
        name: _against_normals(measure, scores, mask, ~abnormal) for name, mask in masks.items()
    }
    return {
        "auc": float(roc_auc_score(abnormal, scores)),
        "ap": float(average_precision_score(abnormal, scores)),
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


def _against_normals(measure, scores, mask, normal):
    """A measure of one class against all normal beats; None where the class is empty."""
    if not mask.any():
        return None
    both = mask | normal
    return float(measure(mask[both], scores[both]))


def by_record(
    record: np.ndarray, classes: np.ndarray, scores: np.ndarray, threshold: float
) -> pd.DataFrame:
    """One row a record: its beats, how well they are told apart within it (NaN where one kind is
    missing), and alarms."""
    rows = []
    for name in np.unique(record):
        of = record == name
        abnormal, flagged = classes[of] != "N", scores[of] > threshold
        has_both = abnormal.any() and not abnormal.all()
        rows.append(
            {
                "record": name,
                **{c: int((classes[of] == c).sum()) for c in CLASSES},
                "auc": roc_auc_score(abnormal, scores[of]) if has_both else np.nan,
                "sensitivity": flagged[abnormal].mean() if abnormal.any() else np.nan,
                "false_alarms": flagged[~abnormal].mean() if not abnormal.all() else np.nan,
            }
        )
    return pd.DataFrame(rows)


def intervals(
    scores: np.ndarray,
    classes: np.ndarray,
    resamplings: int,
    seed: int,
    patient: np.ndarray | None = None,
) -> dict:
    """95 % bootstrap intervals of AUC and AP; {} without resamplings.

    Drawn with replacement are beats, within normals and within abnormals, or, where patient (n,)
    names them, whole patients: beats of one are alike, and the next one is new.
    """
    if not resamplings:
        return {}
    rng = np.random.default_rng(seed)
    # Ranks, highest first, hold all that both measures need, and counting them is fast.
    ranks, n_ranks = np.unique(-scores, return_inverse=True)[1], len(scores)
    count = lambda rows: np.bincount(ranks[rows], minlength=n_ranks)
    draw = _draws_of_beats if patient is None else _draws_of_patients
    values = np.array(
        [
            _auc_ap(normals, abnormals)
            for normals, abnormals in draw(count, classes == "N", patient, resamplings, rng)
            if normals.any() and abnormals.any()
        ]
    )
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    return {
        "auc_ci": [float(low[0]), float(high[0])],
        "ap_ci": [float(low[1]), float(high[1])],
        "bootstrap": resamplings,
        "bootstrap_over": "beats" if patient is None else "patients",
    }


def _draws_of_beats(count, is_normal, _, resamplings, rng):
    """Counts at each rank of as many normals, and as many abnormals, drawn with replacement."""
    kinds = [np.flatnonzero(is_normal), np.flatnonzero(~is_normal)]
    for _ in range(resamplings):
        yield [count(rng.choice(rows, len(rows))) for rows in kinds]


def _draws_of_patients(count, is_normal, patient, resamplings, rng):
    """Counts at each rank of the beats of as many patients drawn with replacement."""
    names = np.unique(patient)
    # [2, patients, ranks]: of each patient's normals and abnormals
    counts = np.array(
        [[count((patient == name) & kind) for name in names] for kind in (is_normal, ~is_normal)]
    )
    for _ in range(resamplings):
        times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)))
        yield times @ counts


def _auc_ap(negatives, positives):
    """AUC and AP from counts at each rank, highest first, as scikit-learn has them, with ties."""
    n, above_n, above_p = negatives.sum(), np.cumsum(negatives), np.cumsum(positives)
    auc = 1 - (positives * (above_n - negatives / 2)).sum() / (n * positives.sum())
    ap = (positives * above_p / np.maximum(above_n + above_p, 1)).sum() / positives.sum()
    return auc, ap
