"""What is damaged: one small recording in every format, a dataset and a checkpoint."""

import contextlib
import io
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import wfdb

import options
from experiments.training import checkpoint as checkpoints
from experiments.training.loop import train
from experiments.training.protocols import split
from models.b2igan import localiser
from preprocess import BadInput, dataset, simulate
from preprocess.readers import open_source
from preprocess.readers import wfdb as records

sys.path.insert(0, str(Path(__file__).parents[1] / "preprocess"))
from recordings import wave, write_csv, write_edf, write_interrupted_edf, write_ishne

FS_HZ, SECONDS = 250, 15
GAP_S = 4.0  # in the middle of the interrupted recordings


@dataclass
class World:
    """folder: all lies in it; truth: (n,) mV; a dataset's and a checkpoint's place."""

    folder: Path
    truth: np.ndarray
    dataroot: Path
    weights: Path
    records: Path
    read: dict = field(default_factory=dict)

    def content(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()


def build(folder: Path, records: Path, dataroot: Path, weights: Path) -> World:
    """Write the recordings beside a cohort, its dataset and a checkpoint that are there already."""
    truth = wave(FS_HZ * SECONDS, FS_HZ).round(3)
    leads = np.stack([truth, -0.5 * truth], 1)
    peaks = np.arange(FS_HZ // 2, len(truth), FS_HZ)
    for name, kind in (("s16", "16"), ("s212", "212")):
        wfdb.wrsamp(
            name,
            fs=FS_HZ,
            units=["mV", "mV"],
            sig_name=["MLII", "V1"],
            fmt=[kind, kind],
            p_signal=leads,
            adc_gain=[1000, 1000],
            baseline=[0, 0],
            write_dir=str(folder),
        )
        wfdb.wrann(name, "atr", peaks, ["N"] * len(peaks), write_dir=str(folder))
    write_edf(folder, truth, FS_HZ, "plain")
    times_s = np.arange(len(truth)) / FS_HZ
    onsets_s = np.arange(SECONDS) + GAP_S * (np.arange(SECONDS) >= SECONDS // 2)
    write_interrupted_edf(folder, truth, FS_HZ, onsets_s, "gaps")
    gapped_s = times_s + GAP_S * (times_s >= SECONDS // 2)
    write_csv(folder, {"time_s": gapped_s, "II": truth, "V1": -truth}, "times", digits=3)
    write_ishne(folder, leads, FS_HZ, "ishne", is_summed=True)
    write_csv(folder, {"II": truth}, "commas", ";", ",", digits=3)
    return World(folder, truth, dataroot, weights, records)


def build_all(folder: Path) -> World:
    """The same with a cohort, its dataset and a checkpoint made here, in some ten seconds."""
    folder.mkdir(exist_ok=True)
    records, dataroot = folder / "records", folder / "complex"
    localiser.FEWEST_STEPS, localiser.PASSES = 10, 0
    with contextlib.redirect_stderr(io.StringIO()):
        simulate.simulate(records, subjects=6, minutes=6.0, seed=1, progress=False)
        dataset.make(records, dataroot)
        opt = options.parse("main", ["--niter", "1", "--dataroot", str(dataroot)])
        data = dataset.load(dataroot)
        train(data, split(data.index, opt.protocol, opt.folder), opt, folder)
    recordings = folder / "recordings"
    recordings.mkdir()
    return build(recordings, records, dataroot, folder / "checkpoint.pt")


def signal_of(path: Path, **more) -> tuple[float, np.ndarray]:
    """Hz and (n,) mV of a recording's chosen lead, read as screening reads it."""
    source = open_source(path, **more)
    source.stretch(0, min(source.length, 3600))
    if source.notes:  # what is said aloud is not read without a word
        raise BadInput(source.notes[0])
    return source.fs_hz, source.read(0, source.n)


def beats_of(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Samples and symbols of a WFDB record's annotation file."""
    return records.read_annotations(path.with_suffix(".atr"), FS_HZ, FS_HZ * SECONDS)


def checkpoint_of(path: Path) -> checkpoints.Checkpoint:
    """A checkpoint that was found fit to score."""
    return checkpoints.open_detector(path, "cpu")[0]
