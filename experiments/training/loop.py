"""The training loop: epochs over normal beats, a log, a checkpoint after each epoch, resume."""

import math
import os
import shutil
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from experiments.training import checkpoint as checkpoints
from experiments.training import source_digest
from experiments.training.calibration import (
    calibration_scores,
    fit_context,
    of_some_recordings,
    quantiles,
)
from experiments.training.checkpoint import Checkpoint
from experiments.training.device import autocast, find_device
from experiments.training.protocols import PROTOCOLS, Split
from models import MODELS, evenly, parallel
from models.detector import Detector
from options import names_of, training_of
from preprocess import BadInput
from preprocess.augment import jittered, with_warped_copies
from preprocess.dataset import Dataset
from preprocess.files import only_writer, write_text

# Of a data set larger than memory: normal beats that memories and calibration are made from. More
# than MIT-BIH has.
MOST_NORMALS = 98_304

# What of the options of main.py shapes a training, and is kept with it.
KEPT_OPTIONS = [name for name in names_of("training") if name != "amp"] + ["protocol", "folder"]


def train(
    dataset: Dataset,
    split: Split,
    opt: Namespace,
    folder: Path,
    watch: Callable[[Detector], None] | None = None,
) -> Checkpoint:
    """Train opt.model on a split's normal beats; writes checkpoint.pt and train_log.csv to folder.

    opt: options of main.py. Returns the finished Checkpoint. With opt.resume an interrupted run
    goes on, to the result it would have had; a finished one with as many epochs is returned.
    watch: called with the detector, in training, before each check of `--select paper`; it must
    leave the detector as it is.

    Processes that torchrun started train one detector together, and the first of them writes: up
    to rounding the detector that a single process trains. Nobody else may train into the folder
    meanwhile: BadInput.
    """
    if parallel.launched() > 1 and not MODELS[opt.model].shares_batches:
        raise BadInput(f"--model {opt.model} trains in one process: start it without torchrun")
    with (
        only_writer(folder) if parallel.is_first() else nullcontext(),
        parallel.group(find_device(opt.device)),
    ):
        return _train(dataset, split, opt, folder, watch)


def _train(dataset, split, opt, folder, watch) -> Checkpoint:
    options = complete_options(opt)
    checkpoints.check_image(MODELS[opt.model], dataset, opt.dataroot)
    split_digest = split.digest(dataset.index)
    most = opt.train_beats or len(split.train)
    split = replace(split, train=split.train[evenly(len(split.train), most)])
    path = Path(folder) / "checkpoint.pt"
    names = set(dataset.index["record"].iloc[np.union1d(split.train, split.calibration)])
    torch.manual_seed(options["seed"])

    # A new training, or the one that was interrupted.
    state = Checkpoint(
        model=opt.model,
        options=options,
        settings=dataset.manifest["settings"],
        source=dataset.manifest["source"],
        epoch=0,
        state={},
        train_beats=len(split.train),
        split_digest=split_digest,
        records={name: kept for name, kept in dataset.manifest["records"].items() if name in names},
        code=source_digest.code(),
    )
    if opt.resume and path.exists():
        state = resumable(path, state, dataset, opt.dataroot)
        options = state.options
        if state.finished:
            return state

    # The detector, prepared on its beats or as it was left.
    device = find_device(opt.device)
    detector = MODELS[opt.model](options).to(device)
    moves = np.random.default_rng([options["seed"], 0, 3])
    as_trained = partial(_as_trained, dataset, options, moves, detector.image)
    # all training beats, or an even choice of as many as the detector wants
    training_rows = split.train[evenly(len(split.train), detector.most_normals or MOST_NORMALS)]
    normals = as_trained(training_rows)
    if state.state:  # a finished one holds its best epoch, and goes on from its last
        detector.restore(state.best.pop("last", state.state))
    else:
        detector.prepare(normals)
    optimizers = detector.optimizers()
    for name, saved in state.optimizers.items():
        optimizers[name].load_state_dict(saved)
    # with a context whole recordings are read to score any of their beats
    some = of_some_recordings(dataset, split.calibration)
    some = some[evenly(len(some), MOST_NORMALS)]
    split = replace(split, calibration=some)
    calibration = as_trained(split.calibration)

    def check():
        """For `--select paper`: finishes the detector as it is now, and keeps it if no earlier one
        had a larger labelled AUC."""
        if watch:
            watch(detector)
        detector.finish(normals, calibration)
        auc = labelled_auc(detector, dataset, split)
        if auc > state.best.get("auc", 0):
            kept = {name: value.clone() for name, value in detector.state_dict().items()}
            state.best = {"auc": auc, "state": kept}
        return {"val_auc_labelled": auc}

    # Epochs, each with its checkpoint.
    precision = autocast(opt.amp, device)
    checked = check if opt.select == "paper" else dict
    for epoch in range(state.epoch, options["niter"]):
        with parallel.batch_statistics(detector):
            row = train_epoch(detector, dataset, split.train, epoch, options, precision, checked)
        state.epoch = epoch + 1
        state.log = [*state.log, row]
        state.seconds += row["seconds"]
        state.state = detector.state_dict()
        state.optimizers = {name: o.state_dict() for name, o in optimizers.items()}
        if parallel.is_first():
            state.save(path)
            write_text(pd.DataFrame(state.log).to_csv(index=False), Path(folder) / "train_log.csv")
            _write_events(row, Path(folder) / "events")
            if not (_is_quiet() or sys.stderr.isatty()):
                print(in_a_line(row, options["niter"]), flush=True)

    # What comes after the last epoch: calibration, error map, context, thresholds.
    started = time.monotonic()
    if state.best:
        state.best["last"] = {name: value.clone() for name, value in detector.state_dict().items()}
        detector.restore(state.best["state"])
    else:
        detector.finish(normals, calibration)
    normals = calibration = None  # their memory is needed: the context keeps whole recordings
    if opt.error_map:
        # A map that is taught to overlook drift misses departures too.
        undrifted = partial(_as_trained, dataset, options | {"drift": 0}, moves, detector.image)
        detector.fit_error_map(undrifted(training_rows), undrifted(split.calibration))
    crossed = fit_context(detector, dataset, split) if "record" in detector.contexts else {}
    contexts = [context for context in detector.contexts if context not in crossed]
    scores = crossed | calibration_scores(detector, dataset, split, contexts)
    state.reference = {context: quantiles(scores[context]) for context in detector.contexts}
    state.state, state.finished = detector.state_dict(), True
    state.seconds += time.monotonic() - started
    if parallel.is_first():
        state.save(path)
    return state


def train_epoch(
    detector: Detector,
    dataset: Dataset,
    rows: np.ndarray,
    epoch: int,
    options: Mapping,
    precision: AbstractContextManager,
    check: Callable[[], dict] = dict,
) -> dict:
    """One pass over the training beats, in an order that depends on seed and epoch alone.

    check() is called at the end, or as often as the option says, evenly. Returns the log's row,
    with what check returned last.
    """
    detector.train()
    torch.manual_seed(options["seed"] * 100_003 + epoch)
    order = np.random.default_rng([options["seed"], epoch]).permutation(rows)
    if options.get("select") == "paper":  # published work drops the last, incomplete batch
        whole = len(order) // options["batchsize"] * options["batchsize"]
        order = order[: whole or None]
    warps = np.random.default_rng([options["seed"], epoch, 1])
    moves = np.random.default_rng([options["seed"], epoch, 2])
    batches = np.array_split(order, max(1, len(order) // options["batchsize"]))
    checks = options.get("checks") or 1
    check_after = {len(batches) * k // checks - 1 for k in range(1, checks + 1)}

    sums, seen, started = {}, 0, time.monotonic()
    title = f"epoch {epoch + 1}/{options['niter']}"
    hidden = True if _is_quiet() else None  # None: on a terminal alone
    bar = tqdm(total=len(order), desc=title, unit="beat", unit_scale=True, disable=hidden)
    with bar:
        for i, batch in enumerate(batches):
            detector.begin_step((epoch + i / len(batches)) / options["niter"])
            beats = _as_trained(dataset, options, moves, detector.image, np.sort(batch))
            if options["n_aug"]:
                beats = with_warped_copies(beats, options["n_aug"], warps, detector.image)
            with precision:
                losses = detector.training_step(beats)
            require_finite(losses, epoch)

            # Means over the beats seen so far.
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value * len(batch)
            seen += len(batch)
            bar.update(len(batch))
            means = {name: f"{total / seen:.4f}" for name, total in sums.items()}
            bar.set_postfix(means, refresh=False)

            if i in check_after:
                paused = time.monotonic()
                checked = check()
                started += time.monotonic() - paused  # a check is no part of the training's time

    seconds = time.monotonic() - started
    return {
        "epoch": epoch + 1,
        **{name: total / seen for name, total in sums.items()},
        **checked,
        "beats_per_s": round(seen / seconds, 1),
        "seconds": round(seconds, 2),
    }


def _as_trained(dataset, options, rng, image, rows):
    """Beats of rows, moved and drifted as the options say; what is changed has its image anew."""
    jitter, drift = options["jitter"], options["drift"]
    beats = dataset.beats(rows, image is not None and not (jitter or drift))
    return jittered(beats, jitter, drift, rng, image)


def _is_quiet():
    """Whether another process speaks: the first one of several, or the one with workers."""
    return not parallel.is_first() or "TQDM_DISABLE" in os.environ


def _write_events(row, folder):
    """A row of the log for TensorBoard, where its writer is installed."""
    with suppress(ImportError):
        from torch.utils.tensorboard import SummaryWriter

        if row["epoch"] == 1:  # a new training
            shutil.rmtree(folder, ignore_errors=True)
        with SummaryWriter(folder) as writer:
            for name in row.keys() - {"epoch"}:
                writer.add_scalar(name, row[name], row["epoch"])


def in_a_line(row: Mapping, n_epochs: int) -> str:
    """A row of the log, for a log file: epoch, losses by name, speed, minutes left."""
    row = dict(row)
    epoch, speed, seconds = row.pop("epoch"), row.pop("beats_per_s"), row.pop("seconds")
    losses = [f"{name} {value:.4f}" for name, value in row.items()]
    left_min = seconds * (n_epochs - epoch) / 60
    said = ", ".join([*losses, f"{speed:,.0f} beats/s", f"{left_min:.1f} min left"])
    return f"epoch {epoch}/{n_epochs}: {said}"


def require_finite(losses: Mapping[str, float], epoch: int) -> None:
    """Raises BadInput when a loss is infinite or no number."""
    for name, value in losses.items():
        if not math.isfinite(value):
            raise BadInput(
                f"the loss {name} became {value} in epoch {epoch + 1}: try a smaller --lr, or "
                "--amp off; the checkpoint of the epoch before is kept"
            )


def complete_options(opt: Namespace) -> dict:
    """The options a checkpoint keeps: those given, and the model's defaults for the others."""
    own = training_of(opt.model)
    given = {name: getattr(opt, name) for name in KEPT_OPTIONS if getattr(opt, name) is not None}
    # What has no steps takes none, whatever --niter says.
    untrained = {"niter": 0} if own["niter"] == 0 else {}
    protocol = PROTOCOLS[opt.protocol]
    patients = {
        "shared_patients": protocol.shared_patients,
        "known_recordings": protocol.shared_patients and not protocol.first_minutes_only,
    }
    # A recording of which training has at most the first minutes has nothing to drift from.
    drift = {} if patients["known_recordings"] else {"drift": 0.0}
    return own | drift | given | untrained | patients


def resumable(path: Path, wanted: Checkpoint, dataset: Dataset, dataroot: str) -> Checkpoint:
    """The checkpoint to go on from, to what is wanted. Raises BadInput when its options, data or
    beats were others."""
    state, options = checkpoints.load(path), wanted.options
    checkpoints.check_settings(state.settings, dataset.manifest, dataroot)
    if state.records != wanted.records or state.split_digest != wanted.split_digest:
        raise BadInput(
            f"{path} was trained for other records or beats than {dataroot} gives: give another "
            "--outf"
        )
    changed = [
        f"{name} {value} instead of {state.options.get(name)}"
        for name, value in (dict.fromkeys(KEPT_OPTIONS) | options).items()
        if name != "niter" and state.options.get(name) != value
    ]
    if changed:
        raise BadInput(
            f"{path} was trained with other options ({'; '.join(changed)}): give the same, or "
            "train anew without --resume"
        )
    if state.epoch != options["niter"]:
        state.finished = False
    state.options = options
    return state


def labelled_auc(detector: Detector, dataset: Dataset, split: Split) -> float:
    """AUC on labelled validation beats, for `--select paper` alone: it uses anomaly labels, as the
    original work did."""
    scores = detector.selection_score(dataset.beats(split.select, detector.image is not None))
    return float(roc_auc_score(split.classes[split.select] != "N", scores))
