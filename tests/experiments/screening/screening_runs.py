"""Ways to screen in tests."""

from pathlib import Path

import numpy as np
import wfdb

import options
from experiments.screening import pipeline
from experiments.screening.findings import Findings
from experiments.training.checkpoint import open_detector


def options_for(weights, out, *more, paths=("x",)):
    """Options of main.py for screening on the processor."""
    flags = ["--checkpoint", weights, "--outf", out, "--device", "cpu", *more]
    return options.parse("main", ["--screen", *map(str, paths), *map(str, flags)])


def run(path, weights, out, *more) -> Findings:
    """Screen one recording with flags of main.py."""
    checkpoint, detector = open_detector(weights, "cpu")
    return pipeline.screen(path, checkpoint, detector, options_for(weights, out, *more))


def lead_of(record, seconds=None):
    """First lead of a record (n,), in mV."""
    signal_mv = wfdb.rdrecord(str(record), channels=[0]).p_signal[:, 0]
    return signal_mv if seconds is None else signal_mv[: seconds * 360]


def write_record(folder, signal_mv, name="r1", fs_hz=360) -> Path:
    """A WFDB record of one lead; returns its path without ending."""
    wfdb.wrsamp(
        name,
        fs=fs_hz,
        units=["mV"],
        sig_name=["MLII"],
        fmt=["16"],
        p_signal=np.asarray(signal_mv)[:, None],
        write_dir=str(folder),
        adc_gain=[200],
        baseline=[0],
    )
    return folder / name
