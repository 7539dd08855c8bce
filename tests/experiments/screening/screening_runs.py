"""Ways to screen in tests."""

import wfdb
from recordings import write_wfdb

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


def write_record(folder, signal_mv, name="r1"):
    """A WFDB record of one lead; returns its path without ending."""
    return write_wfdb(folder, signal_mv, name=name)
