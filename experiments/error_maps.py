"""What experiments.localise compares: b2igan's error over time, and simpler ones beside it."""

from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import options
from experiments.reports.beat import SAMPLES_S
from experiments.training.checkpoint import load
from experiments.training.device import find_device
from experiments.training.loop import complete_options
from experiments.training.protocols import Split
from models import MODELS
from models.b2igan.localiser import SEGMENT_RATE, in_segment
from models.detector import Detector
from preprocess import spectrogram
from preprocess.beats import Beats
from preprocess.constants import WINDOW
from preprocess.dataset import Dataset

BASELINES = ("median", "chance", "beatgan", "b2igan-original")
# Beats that a baseline is trained on where nobody trained it.
BRIEFLY = {"b2igan-original": 1024, "beatgan": 32768}


class ErrorMap:
    """A detector's error over time, and its segments."""

    def __init__(self, detector: Detector):
        self.detector = detector

    def error(self, beats: Beats) -> np.ndarray:
        """Beats to (n, WINDOW)."""
        return self.detector.errors(beats)[1]

    def inside(self, error: np.ndarray) -> np.ndarray:
        """(n, WINDOW) error to bool: where its segments are."""
        localiser = self.detector.localiser
        return in_segment(error, float(localiser.segment_from), float(localiser.segment_to))


class Baseline:
    """Another error over time. Its segments are where it is above what SEGMENT_RATE of the
    calibration beats reach anywhere."""

    def __init__(self, error: Callable[[Beats], np.ndarray]):
        """error: Beats to (n, WINDOW)."""
        self.error = error

    def calibrated(self, calibration: Beats) -> "Baseline":
        self.segment_from = np.quantile(self.error(calibration).max(1), 1 - SEGMENT_RATE)
        return self

    def inside(self, error: np.ndarray) -> np.ndarray:
        return error > self.segment_from


def baselines(dataset: Dataset, split: Split, opt: Namespace) -> Iterator[tuple[str, Baseline]]:
    """(name, Baseline) of those that opt.baselines asks for."""
    for name in opt.baselines:
        if name == "median":
            yield "difference to the record's median beat", Baseline(difference_to_median)
        elif name == "chance":
            rng = np.random.default_rng(opt.seed)
            yield name, Baseline(lambda beats, rng=rng: rng.random((len(beats), WINDOW)))
        else:
            detector, words = trained(name, dataset, split, opt)
            error = lambda beats, detector=detector: squared_error(detector, beats)
            yield f"{name}, {words}", Baseline(error)


def difference_to_median(beats: Beats) -> np.ndarray:
    """(n, WINDOW) distance to the median beat of each beat's record, in mV."""
    return np.abs(beats.beat_mv - beats.record_median_mv)


def squared_error(detector: Detector, beats: Beats) -> np.ndarray:
    """(n, WINDOW) plain squared reconstruction error; of an image, the mean of each column."""
    if not detector.image:
        return detector.error_map(beats)
    image = spectrogram.stored_images(beats.beat_mv, detector.image)
    error = detector.in_chunks(lambda image: detector.squared_error(image).mean((1, 2)), image)
    times_s = spectrogram.axes(detector.image)[0]
    return np.stack([np.interp(SAMPLES_S, times_s, row) for row in error])


def trained(name: str, dataset: Dataset, split: Split, opt: Namespace) -> tuple[Detector, str]:
    """A detector and how it was trained: read from opt.outf where it is there, else trained on the
    first beats of one random pass."""
    device = find_device(opt.device)
    path = Path(opt.outf) / name / opt.protocol / f"fold{opt.folder}" / "checkpoint.pt"
    if path.exists():
        checkpoint = load(path)
        return checkpoint.detector(device), f"{checkpoint.epoch} epochs"

    torch.manual_seed(opt.seed)
    flags = ["--model", name, "--protocol", opt.protocol, "--folder", str(opt.folder)]
    detector = MODELS[name](complete_options(options.parse("main", flags))).to(device)
    order = np.random.default_rng(opt.seed).permutation(split.train)[: BRIEFLY[name]]
    detector.train()
    batches = np.array_split(order, max(1, len(order) // detector.opt["batchsize"]))
    for number, batch in enumerate(batches):
        detector.begin_step(number / len(batches))
        beats = dataset.beats(np.sort(batch), with_image=False)
        if detector.image:
            beats = replace(beats, image=spectrogram.stored_images(beats.beat_mv, detector.image))
        detector.training_step(beats)
    return detector.eval(), f"trained on {len(order)} beats"
