"""A trained detector on the test beats of a split: scores, metrics and times, as files. Draws nothing."""

import time
from pathlib import Path

import numpy as np

from experiments.training.metrics import by_record, detection, intervals
from experiments.training.protocols import PROTOCOLS
from experiments.training.scoring import score_rows, usable_context
from preprocess.files import whole_file, write_json


def evaluate(checkpoint, detector, dataset, split, opt, folder):
    """Score a split's test beats; write scores.csv, records.csv, timing.json and metrics.json to folder.

    detector: as the checkpoint holds it. Returns (metrics, scores (len(split.test),)). The metrics are figures that the
    same seed gives again on the same machine.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
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
            record[split.test] if PROTOCOLS[opt.protocol].resampled == "patients" else None,
        ),
    }
    write_scores(dataset.index.iloc[split.test], classes, scores, folder / "scores.csv")
    with whole_file(folder / "records.csv") as part:
        by_record(record[split.test], classes, scores, threshold).to_csv(
            part, index=False, float_format="%.4f"
        )
    write_json(timing, folder / "timing.json")
    write_json(metrics, folder / "metrics.json")
    return metrics, scores


def write_scores(table, classes, scores, path):
    table = table[["record", "sample", "symbol"]].assign(**{"class": classes, "score": scores})
    with whole_file(path) as part:
        table.to_csv(part, index=False, float_format="%.6g")
