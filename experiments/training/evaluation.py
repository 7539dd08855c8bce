"""A trained detector on the test beats of a split: scores, metrics and times. Draws nothing."""

import time
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from experiments.training import source_digest
from experiments.training.checkpoint import Checkpoint, check_unseen
from experiments.training.metrics import detection, intervals, without
from experiments.training.protocols import PROTOCOLS, Split, patient_of
from experiments.training.scoring import score_rows, usable_context
from models.detector import Detector
from preprocess.dataset import Dataset
from preprocess.files import whole_file, write_json

# What shapes a training and is no setting of the method: who is trained on, and the seed.
NO_SETTINGS = ("protocol", "folder", "select", "seed", "shared_patients", "known_recordings")


def evaluate(
    checkpoint: Checkpoint,
    detector: Detector,
    dataset: Dataset,
    split: Split,
    opt: Namespace,
    folder: Path,
) -> tuple[dict, np.ndarray]:
    """Score a split's test beats; write scores.csv, timing.json and metrics.json.

    detector: as the checkpoint holds it. Returns (metrics, scores (len(split.test),)). The metrics
    are figures that the same seed gives again on the same machine. Raises BadInput where beats of
    the test may have been trained on.
    """
    protocol = PROTOCOLS[opt.protocol]
    check_unseen(checkpoint, dataset, split, opt.protocol)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    record = dataset.index["record"].to_numpy(str)
    of_test, classes = record[split.test], split.classes[split.test]

    # Scores; with a context, whole recordings are scored.
    context = usable_context(detector, opt.context)
    started = time.monotonic()
    scores = score_rows(detector, dataset, split.test, context, split.known_normal, progress=True)
    seconds = time.monotonic() - started
    n_scored = len(split.test) if context == "none" else int(np.isin(record, of_test).sum())

    # What they are worth.
    threshold = checkpoint.threshold(context, opt.threshold)
    is_mitdb = dataset.manifest["source"] == "mitdb"  # whose records the names are of
    metrics = {
        "model": checkpoint.model,
        "protocol": opt.protocol,
        "fold": opt.folder,
        "seed": checkpoint.options["seed"],
        "context": context,
        "source": dataset.manifest["source"],
        "lead": dataset.manifest["settings"]["lead"],
        "trained_on": checkpoint.source,
        "trained_on_lead": checkpoint.settings["lead"],
        "select": checkpoint.options["select"],
        "uses_anomaly_labels": checkpoint.options["select"] == "paper",
        "epochs": checkpoint.epoch,
        "train_beats": checkpoint.train_beats,
        "settings": training_settings(checkpoint.options),
        "parameters": sum(p.numel() for p in detector.parameters() if p.requires_grad),
        **detection(scores, classes, threshold),
        "false_alarm_target": opt.threshold,
        **intervals(scores, classes, opt.bootstrap, opt.seed, patient_of(of_test)),
        **without(protocol.reported_without if is_mitdb else (), of_test, classes, scores),
    }
    timing = {
        "train_seconds": round(checkpoint.seconds, 1),
        "score_seconds": round(seconds, 2),
        "scored_beats": n_scored,
        "code_trained": checkpoint.code,
        "code_measured": source_digest.code(),
    }

    # Files; metrics.json comes last, so that where it is, all are.
    table = dataset.index.iloc[split.test][["record", "sample", "symbol"]]
    table = table.assign(**{"class": classes, "score": scores})
    with whole_file(folder / "scores.csv") as part:
        table.to_csv(part, index=False, float_format="%.6g")
    write_json(timing, folder / "timing.json")
    write_json(metrics, folder / "metrics.json")
    return metrics, scores


def training_settings(options: Mapping) -> dict:
    """Those options of a checkpoint that are settings of the method."""
    return {name: value for name, value in options.items() if name not in NO_SETTINGS}
