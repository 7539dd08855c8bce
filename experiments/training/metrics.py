"""Scores and classes to figures: detection at a threshold, bootstrap intervals, one row a record."""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

ABNORMAL = ("S", "V", "F", "Q")


def detection(scores, classes, threshold):
    """How well scores (n,) tell classes (n,) "N" from the others, and what the threshold makes of them."""
    abnormal, flagged = classes != "N", scores > threshold
    masks = {name: classes == name for name in ABNORMAL}
    true_alarms = int((flagged & abnormal).sum())
    sensitivity, ppv = true_alarms / max(abnormal.sum(), 1), true_alarms / max(flagged.sum(), 1)
    return {
        "auc": float(roc_auc_score(abnormal, scores)),
        "ap": float(average_precision_score(abnormal, scores)),
        "per_class_auc": {
            name: _against_normals(roc_auc_score, scores, mask, ~abnormal)
            for name, mask in masks.items()
        },
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
    """A measure of one class of abnormal beats against all normal ones; None where the class is empty."""
    if not mask.any():
        return None
    both = mask | normal
    return float(measure(mask[both], scores[both]))


def by_record(record, classes, scores, threshold):
    """One row a record: its beats, how well they are told apart within it (NaN where one kind is missing), and alarms."""
    rows = []
    for name in np.unique(record):
        of = record == name
        abnormal, flagged = classes[of] != "N", scores[of] > threshold
        rows.append(
            {
                "record": name,
                **{c: int((classes[of] == c).sum()) for c in ("N", *ABNORMAL)},
                "auc": roc_auc_score(abnormal, scores[of])
                if 0 < abnormal.sum() < len(abnormal)
                else np.nan,
                "sensitivity": flagged[abnormal].mean() if abnormal.any() else np.nan,
                "false_alarms": flagged[~abnormal].mean() if not abnormal.all() else np.nan,
            }
        )
    return pd.DataFrame(rows)


def intervals(scores, classes, resamplings, seed, patient=None):
    """95 % bootstrap intervals of AUC and AP. Drawn with replacement are beats, within normals and within abnormals, or,
    where patient (n,) names them, whole patients: beats of one are alike, and the next one is new."""
    if not resamplings:
        return {}
    rng = np.random.default_rng(seed)
    # Ranks, highest first, hold all that both measures need, and counting them is fast.
    ranks, n_ranks = np.unique(-scores, return_inverse=True)[1], len(scores)
    count = lambda rows: np.bincount(ranks[rows], minlength=n_ranks)
    if patient is None:
        groups = [np.flatnonzero(classes == "N"), np.flatnonzero(classes != "N")]
        drawn = (
            [count(rng.choice(rows, len(rows))) for rows in groups] for _ in range(resamplings)
        )
    else:
        names, is_normal = np.unique(patient), classes == "N"
        counts = np.array(
            [
                [count((patient == name) & kind) for name in names]
                for kind in (is_normal, ~is_normal)
            ]
        )
        chosen = (
            rng.multinomial(len(names), np.full(len(names), 1 / len(names)))
            for _ in range(resamplings)
        )
        drawn = (times @ counts for times in chosen)
    values = np.array([_auc_ap(*pair) for pair in drawn if pair[0].any() and pair[1].any()])
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    return {
        "auc_ci": [float(low[0]), float(high[0])],
        "ap_ci": [float(low[1]), float(high[1])],
        "bootstrap": resamplings,
        "bootstrap_over": "beats" if patient is None else "patients",
    }


def _auc_ap(negatives, positives):
    """AUC and AP from counts at each rank, highest first, as scikit-learn would give them, ties included."""
    n, above_n, above_p = negatives.sum(), np.cumsum(negatives), np.cumsum(positives)
    auc = 1 - (positives * (above_n - negatives / 2)).sum() / (n * positives.sum())
    ap = (positives * above_p / np.maximum(above_n + above_p, 1)).sum() / positives.sum()
    return auc, ap
