"""Scores to metrics, figures and error maps."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from tqdm import tqdm

from experiments.reports import figures
from models import CONTEXTS
from preprocess import spectrogram
from preprocess.files import whole_file, write_json
from preprocess.records import FS_HZ

ABNORMAL = ("S", "V", "F", "Q")
ROWS_AT_ONCE = 16384


def evaluate(checkpoint, dataset, split, opt, folder, pictures=True):
    """Score a split's test beats; write metrics.json, timing.json, scores.csv, records.csv and, unless told not to, the
    figures and report.html to folder. Returns the metrics: figures that the same seed gives again on the same machine."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    detector = checkpoint.detector(opt.torch_device)
    context = usable_context(detector, opt.context)
    started = time.monotonic()
    scores = score_rows(detector, dataset, split.test, context, split.known_normal, progress=True)
    seconds, record = time.monotonic() - started, dataset.index["record"].to_numpy(str)
    scored = (
        split.test if context == "none" else np.isin(record, record[split.test]).nonzero()[0]
    )  # whole recordings
    timing = {
        "train_seconds": round(checkpoint.seconds, 1),
        "score_seconds": round(seconds, 2),
        "scored_beats": len(scored),
    }
    classes = split.classes[split.test]
    threshold = checkpoint.threshold(context, opt.threshold)
    metrics = {
        "model": checkpoint.model,
        "protocol": opt.protocol,
        "fold": opt.folder,
        "seed": checkpoint.options["seed"],
        "context": context,
        "source": dataset.manifest["source"],
        "trained_on": checkpoint.source,
        "select": checkpoint.options["select"],
        "uses_anomaly_labels": checkpoint.options["select"] == "paper",
        "epochs": checkpoint.epoch,
        "train_beats": checkpoint.train_beats,
        "parameters": sum(p.numel() for p in detector.parameters() if p.requires_grad),
        **detection(scores, classes, threshold),
        "false_alarm_target": opt.threshold,
        **intervals(
            scores,
            classes,
            opt.bootstrap,
            opt.seed,
            None if opt.protocol == "beatgan" else record[split.test],
        ),
    }
    write_scores(dataset.index.iloc[split.test], classes, scores, folder / "scores.csv")
    with whole_file(folder / "records.csv") as part:
        by_record(record[split.test], classes, scores, threshold).to_csv(
            part, index=False, float_format="%.4f"
        )
    write_json(timing, folder / "timing.json")
    if pictures:
        draw(detector, dataset, split, scores, threshold, metrics, checkpoint, folder)
    write_json(metrics, folder / "metrics.json")
    return metrics


def usable_context(detector, wanted):
    """The richest context a detector can use, up to the one asked for; the least it needs where that is more."""
    usable = [c for c in CONTEXTS[: CONTEXTS.index(wanted) + 1] if c in detector.contexts]
    return usable[-1] if usable else detector.contexts[0]


def score_rows(detector, dataset, rows, context, known_normal=(), progress=False):
    """Scores (len(rows),) of rows of a dataset. With a context their whole recordings are read, unlabelled but for the
    rows known_normal, which someone has looked at (protocol `patient`)."""
    if context == "none":
        batches = np.array_split(rows, max(1, len(rows) // ROWS_AT_ONCE))
    else:
        record = dataset.index["record"].to_numpy()
        batches = [np.flatnonzero(record == name) for name in pd.unique(record[rows])]
    result = np.full(len(dataset.index), np.nan)
    with tqdm(
        total=sum(map(len, batches)),
        desc="scoring",
        unit="beat",
        unit_scale=True,
        disable=not progress,
    ) as bar:
        for batch in batches:
            beats = dataset.beats(batch, detector.image is not None)
            if len(known_normal):
                beats.known_normal = np.isin(batch, known_normal)
            result[batch] = detector.score(beats, context)
            bar.update(len(batch))
    return result[rows]


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


def write_scores(table, classes, scores, path):
    table = table[["record", "sample", "symbol"]].assign(**{"class": classes, "score": scores})
    with whole_file(path) as part:
        table.to_csv(part, index=False, float_format="%.6g")


def draw(detector, dataset, split, scores, threshold, metrics, checkpoint, folder):
    """All figures, and the page that one opens first."""
    classes = split.classes[split.test]
    drawn = [
        (
            "Detection",
            "Left, sensitivity against false alarms; right, how many of the flagged beats are abnormal.",
            folder / "curves.png",
        ),
        (
            "Scores",
            "Each class against the normal beats. What lies right of the line raises an alarm.",
            folder / "distributions.png",
        ),
    ]
    title = f"{checkpoint.model}, {metrics['protocol']}, fold {metrics['fold']}, source: {metrics['source']}"
    masks = {name: classes == name for name in ABNORMAL}
    figures.draw_curves(classes != "N", scores, drawn[0][2], title, masks, threshold)
    figures.draw_distributions(
        scores, classes, threshold, drawn[1][2], metrics["false_alarm_target"]
    )
    if checkpoint.log:
        drawn.append(("Training", "Losses over epochs.", folder / "training.png"))
        figures.draw_training(pd.DataFrame(checkpoint.log), drawn[-1][2])
    for name in ("N", *ABNORMAL) if detector.knows_where else ():
        rows, titles = examples(scores, classes, name, threshold)
        if not len(rows):
            continue
        panels = make_panels(detector, dataset, split.test[rows], titles)
        drawn.append(
            (
                f"Class {name}",
                "The most abnormal, the median and the least abnormal beats of the class. The map "
                "shows where, in standard deviations of normal beats, on one scale for all classes.",
                folder / f"beats_{name}.png",
            )
        )
        figures.draw_panels(
            panels, drawn[-1][2], f"Class {name}: {len(np.flatnonzero(classes == name))} beats"
        )
    figures.write_overview(
        folder / "report.html", metrics, drawn, checkpoint.options | checkpoint.settings
    )


def examples(scores, classes, name, threshold):
    """Positions and titles of a class's two most abnormal, median and two least abnormal beats."""
    of_class = np.flatnonzero(classes == name)
    ordered = of_class[np.argsort(-scores[of_class], kind="stable")]
    n = len(ordered)
    places = {"most abnormal": [0, 1], "median": [n // 2], "least abnormal": [n - 2, n - 1]}
    chosen, titles = [], []
    for word, at in places.items():
        for i in at:
            if 0 <= i < n and ordered[i] not in chosen:
                chosen.append(ordered[i])
                verdict = "flagged" if scores[ordered[i]] > threshold else "not flagged"
                titles.append(f"{word}, {verdict}")
    return np.array(chosen, int), titles


def make_panels(detector, dataset, rows, titles):
    """Panels of rows of a dataset; each title is completed by record and time."""
    beats = dataset.beats(rows)
    places = [
        f"{title}: record {record} at {sample / FS_HZ:.2f} s"
        for title, record, sample in zip(titles, beats.record, beats.sample)
    ]
    return panels(detector, beats, places)


def panels(detector, beats, titles):
    """What figures.draw_beat needs of each beat: trace, images, the detector's error map and its marks."""
    (errors, over_time), generated = detector.errors(beats), detector.generate(beats)
    marks = detector.marks(over_time)
    return [
        figures.Panel(
            title=title,
            beat_mv=beats.beat_mv[i],
            error=errors[i].max(0) if errors[i].ndim == 3 else errors[i],
            setting=detector.image or "complex",
            marks=marks[i],
            **_pictures(detector, beats[[i]], None if generated is None else generated[[i]]),
        )
        for i, title in enumerate(titles)
    ]


def _pictures(detector, beat, generated):
    """The real and the generated beat of one row, as images of magnitudes and as traces, where there are any."""
    if detector.explains == "beat":
        return {
            "generated_mv": None if generated is None else generated[0],
            "image": None,
            "generated": None,
        }
    real = spectrogram.magnitude(beat.image, detector.image)[0]
    if generated is None:
        return {"generated_mv": None, "image": real, "generated": None}
    trace = None
    if detector.image == "complex":
        trace = spectrogram.invert(torch.as_tensor(generated), torch.as_tensor(beat.beat_mv))[
            0
        ].numpy()
    return {
        "generated_mv": trace,
        "image": real,
        "generated": spectrogram.magnitude(generated, detector.image)[0],
    }
