"""Checkpoints: one file rebuilds a trained detector and its thresholds, with no flag."""

import io
import zipfile
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from experiments.training import weights
from experiments.training.device import find_device
from experiments.training.protocols import PROTOCOLS, Split
from models import MODELS, canonical
from models.detector import Detector
from preprocess import BadInput
from preprocess.constants import LIKELY
from preprocess.dataset import Dataset, check_made_here
from preprocess.files import whole_file

FORMAT = 5


@dataclass
class Checkpoint:
    """Plain values and tensors only, so that loading a file from a stranger runs no code of theirs.
    Weights that are handed on are safetensors (experiments.training.weights): no pickle at all.

    settings: of the dataset (preprocess.dataset.settings); source: where its records came from;
    reference: {context: (1001,) quantiles of the scores of calibration beats, lowest first};
    optimizers: their state_dicts, absent from shipped weights; log: rows of train_log.csv;
    best: with --select paper, {"auc": ..., "state": ...} of the best epoch so far, and in a
    finished training "last", the state after the last one;
    split_digest: Split.digest of the beats that it was trained for, "" where nobody kept it;
    records: {name: digest of its files} of the records of which beats were trained on;
    code: digest of the source files that trained it (experiments.training.source_digest).
    """

    model: str
    options: dict
    settings: dict
    source: str
    epoch: int
    state: dict
    optimizers: dict = field(default_factory=dict)
    reference: dict = field(default_factory=dict)
    log: list = field(default_factory=list)
    best: dict = field(default_factory=dict)
    finished: bool = False
    train_beats: int = 0
    seconds: float = 0.0
    split_digest: str = ""
    records: dict = field(default_factory=dict)
    code: str = ""
    format: int = FORMAT

    def save(self, path: Path) -> None:
        """Written whole: an interrupted save leaves the earlier checkpoint as it was. As
        safetensors where the path ends so: without optimizers, which are no plain text.

        By way of memory: what torch says of a full disk is no error of the disk's.
        """
        for name, value in self.state.items():
            if value.is_floating_point() and not torch.isfinite(value).all():
                raise BadInput(
                    f"{path} is not written ({name} holds values that are no numbers): the "
                    "training went astray, try a smaller --lr"
                )
        if Path(path).suffix == weights.ENDING:
            return weights.write(asdict(self), path)
        stored = io.BytesIO()
        torch.save(asdict(self), stored)
        with whole_file(path) as part:
            part.write_bytes(stored.getbuffer())

    def detector(
        self, device: torch.device | str = "cpu", path: Path | str = "the checkpoint"
    ) -> Detector:
        """The detector as it was when saved. path: for the sentence where it does not fit."""
        try:
            made = MODELS[self.model](self.options)
            made.restore(self.state)
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise BadInput(
                f"{path} does not fit its model {self.model} ({reason}): train again or give "
                "another --checkpoint"
            ) from error
        return made.to(device).eval()

    def threshold(self, context: str, false_alarm_rate: float) -> float:
        """Score above which calibration beats fall at the given rate."""
        if context not in self.reference:
            raise BadInput(
                f"the checkpoint knows no scores of normal beats with context {context}: train it "
                "to the end, or choose another --context"
            )
        quantiles = np.asarray(self.reference[context])
        return float(np.interp(1 - false_alarm_rate, np.linspace(0, 1, len(quantiles)), quantiles))


def load(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises BadInput when it is missing, damaged or of another format."""
    path = Path(path)
    if not path.is_file():
        raise BadInput(
            f"there is no checkpoint {path}: train first (test=0 bash run_ecg.sh) or give "
            "--checkpoint"
        )
    try:
        result = Checkpoint(**(weights.read if path.suffix == weights.ENDING else _read)(path))
    except (MemoryError, PermissionError):
        raise
    except Exception as error:  # whatever a foreign pickle makes of torch or of Checkpoint
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise BadInput(
            f"{path} is not a whole checkpoint of this program ({reason}): train again or give "
            "another --checkpoint"
        ) from error
    if result.format != FORMAT or canonical(result.model) not in MODELS:
        raise BadInput(f"{path} was written by another version of this program: train again")
    result.model = canonical(result.model)
    check_made_here(result.settings, path)
    return result


def _read(path):
    """The fields of a Checkpoint that torch wrote; it does not look at checksums itself."""
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise ValueError(f"{damaged} is damaged")
    return torch.load(path, map_location="cpu", weights_only=True)


def open_detector(
    path: Path,
    device: str,
    dataset: Dataset | None = None,
    dataroot: str | None = None,
    asked: Namespace | None = None,
    model: str | None = None,
) -> tuple[Checkpoint, Detector]:
    """A checkpoint and the detector it holds, on a device named as in --device.

    dataset, dataroot: what it will score; its settings must be those of the training;
    asked: options whose model, protocol, fold and selection must be those of the training;
    model: the only one that will do. Raises BadInput where something does not fit.
    """
    checkpoint = load(path)
    if model not in (None, checkpoint.model):
        raise BadInput(f"{path} is of {checkpoint.model}: give one of {model}")
    if dataset is not None:
        another = asked is not None and PROTOCOLS[asked.protocol].elsewhere is not None
        check_settings(checkpoint.settings, dataset.manifest, dataroot, any_lead=another)
    if asked is not None:
        check_split(checkpoint, asked)
    if not checkpoint.finished:
        raise BadInput(f"{path} is of a training that was stopped: finish it with --resume")
    return checkpoint, checkpoint.detector(find_device(device), path)


def check_split(checkpoint: Checkpoint, opt: Namespace) -> None:
    """Raises BadInput when opt's protocol, fold or selection, where it has them, are not those of
    the training: its beats might be tested. Nor may the model be another: the results of one would
    go where those of the other belong; nor the parts left out, which training decides. Of another
    database any detector may be tested that was trained for unseen patients."""
    trained = checkpoint.options | {"model": checkpoint.model}
    compared = ["model", "protocol", "folder", "select"]
    if hasattr(opt, "protocol") and PROTOCOLS[opt.protocol].elsewhere:
        compared = ["model"]
        if PROTOCOLS[trained["protocol"]].shared_patients:
            raise BadInput(
                f"the checkpoint was trained with --protocol {trained['protocol']}, for patients "
                f"that it knows: --protocol {opt.protocol} needs one of unseen patients"
            )
    already = trained.get("without") or ()
    if set(getattr(opt, "without", None) or ()) - set(already):
        raise BadInput(
            f"--without {' '.join(opt.without)} is for training, and the checkpoint was trained "
            f"with {'other' if already else 'all'} parts: train anew with it"
        )
    for name in compared:
        asked = getattr(opt, name, trained[name])
        if trained[name] != asked:
            raise BadInput(
                f"the checkpoint was trained with --{name} {trained[name]}, not {asked}: give the "
                "same, or train anew"
            )


def check_unseen(checkpoint: Checkpoint, dataset: Dataset, split: Split, protocol: str) -> None:
    """Raises BadInput when beats of the test may have been trained on.

    A split must be, beat by beat, the one of the training: with a record more or less, folds hold
    other beats. Of another database no record may be one that was trained on.
    """
    if PROTOCOLS[protocol].elsewhere:
        known = set(checkpoint.records.values())  # of their files: names are of one database
        same = sorted(name for name, files in dataset.manifest["records"].items() if files in known)
        if same:
            raise BadInput(
                f"--protocol {protocol} tests another database, and the checkpoint was trained on "
                f"{', '.join(same[:3])} of this one: give another --dataroot"
            )
    elif checkpoint.split_digest not in ("", split.digest(dataset.index)):
        raise BadInput(
            "the checkpoint was trained for another choice of records or beats than this dataset "
            "gives, and may know beats that would be tested: preprocess the records that it was "
            "trained on, or train again"
        )


def check_image(model: type, dataset: Dataset, dataroot: str) -> None:
    """Raises BadInput where a dataset holds other images than a detector reads."""
    there = dataset.manifest["settings"]["image"]
    if model.image not in (None, there):
        raise BadInput(
            f"{dataroot} holds {there} images and the model reads {model.image}: preprocess with "
            f"--image {model.image} into another --dataroot"
        )


def check_settings(ours: Mapping, manifest: Mapping, dataroot: str, any_lead: bool = False) -> None:
    """Raises BadInput when a dataset was not made with the settings of the training (ours), but
    for the lead where any_lead says so, or where either is of whatever lead was likely."""
    theirs = dict(manifest["settings"])
    if any_lead or LIKELY in (ours["lead"], theirs["lead"]):
        theirs["lead"] = ours["lead"]
    different = [
        f"{key} {theirs.get(key)} instead of {ours[key]}"
        for key in ours
        if theirs.get(key) != ours[key]
    ]
    if different:
        raise BadInput(
            f"{dataroot} was preprocessed with other settings than the checkpoint's: "
            f"{'; '.join(different)}; preprocess again with --image {ours['image']} "
            f"--lead {ours['lead']} into another --dataroot"
        )
