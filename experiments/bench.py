"""Speed and memory, side by side with the original's way of doing the same.

Prints a table and, last, one JSON object on one line.
"""

import json
import os
import platform
import subprocess
import sys
import time
import timeit
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

import options
from experiments.screening.shipped import WEIGHTS
from experiments.training import source_digest
from experiments.training.loop import complete_options
from models import MODELS
from preprocess import BadInput, simulate, spectrogram
from preprocess.beats import Beats, windows
from preprocess.classes import CLASS_OF
from preprocess.constants import AFTER, BEFORE, FS_HZ, WINDOW
from preprocess.readers import physionet
from preprocess.readers import wfdb as records
from preprocess.signal.filters import bandpass

REPEATS = 5  # of each measurement: the best counts
N_BEATS, N_SLOW = 4096, 256  # beats for our parts, and for the original's
N_BATCH, N_SLOW_BATCH = 256, 64  # the same of a training step
# A program that screens, and prints last the peak of its memory in MB.
SCREEN = "import main; main.main(); from experiments import bench; print(bench.peak_mb())"


def main(argv=None):
    """Measures everything; returns the JSON object."""
    opt = parse(argv)
    with TemporaryDirectory() as made:
        folder = opt.records or os.environ.get("MITDB_DIR") or Path(made)
        if folder == Path(made):
            simulate.simulate(folder, subjects=4, minutes=30.0)
        result = {
            "machine": platform.processor() or platform.machine(),
            "cpus": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "code": source_digest.code(),
            "settings": complete_options(options.parse("main", [])),
            "source": physionet.source_of(folder),
            "parts": parts(folder),
        }
        checkpoint = Path(opt.checkpoint or WEIGHTS).resolve()
        result["screening"] = [
            screening(folder, hours, checkpoint)
            for hours in tqdm(opt.hours, desc="screening", disable=None)
        ]
    print(report(result))
    print(json.dumps(result))
    return result


def parse(argv):
    made = options.study(
        "bench",
        "Speed and memory, beside the original's way of doing the same.",
        "--records /data/mitdb --hours 1 6 24 72",
        groups="weights",
    )
    add, hours = made.add_argument, options.number(0, open_low=True)
    folder = "folder with WFDB records (or set MITDB_DIR; else a simulated cohort)"
    add("--records", metavar="DIR", help=folder)
    lengths = "lengths of the recordings to screen"
    add("--hours", nargs="*", type=hours, default=[1, 6, 24], metavar="H", help=lengths)
    return made.parse_args(argv)


def measure(function, n):
    """Best n per second over REPEATS, after one call to warm up."""
    function()
    timer = timeit.Timer(function)
    calls, _ = timer.autorange()
    return n * calls / min(timer.repeat(REPEATS, calls))


# --- the parts ------------------------------------------------------------------------------------


def parts(folder):
    """{name: {"unit", "ours", "original", "ratio"}}, in units per second, of preprocessing, images,
    training and scoring."""
    path = records.find_records(folder)[0]
    recording = records.read(path)
    signal_mv = recording.signal_mv
    peaks = recording.samples[np.isin(recording.symbols, list(CLASS_OF))]
    peaks = peaks[(peaks >= BEFORE) & (peaks + AFTER < len(signal_mv))]
    waves = np.resize(windows(bandpass(signal_mv), peaks), (N_BEATS, WINDOW))
    ours, theirs = _beats(waves, "complex"), _beats(waves[:N_SLOW], "decibel")
    original_scoring = (_scoring("b2igan-original", theirs), N_SLOW)

    # Unit; our way and of how many units a call of it is; the original's.
    ways = {
        "STFT images": (
            "images/s",
            (lambda: list(spectrogram.stored_chunks(waves)), N_BEATS),
            (lambda: [spectrogram.images(w[None], "decibel") for w in waves[:N_SLOW]], N_SLOW),
        ),
        "training": (
            "beats/s",
            (_training("b2igan", ours[:N_BATCH]), N_BATCH),
            (_training("b2igan-original", theirs[:N_SLOW_BATCH]), N_SLOW_BATCH),
        ),
        "scoring, shared patients": (
            "beats/s",
            (_scoring("b2igan", ours), N_BEATS),
            original_scoring,
        ),
        "scoring, unseen patients": (
            "beats/s",
            (_scoring("b2igan", ours, "--protocol", "interpatient"), N_BEATS),
            original_scoring,
        ),
    }
    result = {}
    for name, (unit, *both) in tqdm(ways.items(), desc="parts", unit="part", disable=None):
        here, there = (measure(*way) for way in both)
        result[name] = {"unit": unit, "ours": here, "original": there, "ratio": here / there}
    return result


def _beats(waves, image):
    n = len(waves)
    return Beats(
        spectrogram.stored_images(waves, image),
        waves,
        np.full(n, "r1"),
        np.arange(n) * 300 + 300,
        np.full((n, 3), 0.8, np.float32),
    )


def _model(name, beats, *flags):
    model = MODELS[name](complete_options(options.parse("main", ["--model", name, *flags])))
    model.prepare(beats)
    return model


def _training(name, beats):
    model = _model(name, beats)
    model.begin_step(0.5)
    return lambda: model.training_step(beats)


def _scoring(name, beats, *flags):
    """Of beats alone. The memories hold as many points as in earnest; what else finish fits is no
    part of it."""
    model = _model(name, beats, *flags).eval()
    if name == "b2igan":
        latents, features = model.beat_parts.latents, model.beat_parts.features
        latents.points = model._embedded(beats.image, model.encoder)
        features.points = model._embedded(beats.image, lambda image: model.discriminator(image)[0])
        latents.unit = features.unit = torch.ones(len(beats))
    return lambda: model.score(beats)


# --- whole recordings -----------------------------------------------------------------------------


def make_recording(folder, hours, out):
    """A WFDB record of so many hours: the folder's records one after another, again and again."""
    pieces = [
        np.round(records.read(path, annotator=None).signal_mv * 200).astype("<i2")
        for path in records.find_records(folder)[:48]
    ]
    n = round(hours * 3600 * FS_HZ)
    whole = Path(out) / f"h{n // FS_HZ}s.dat"
    np.resize(np.concatenate(pieces), n).tofile(whole)
    header = f"{whole.stem} 1 {FS_HZ} {n}\n{whole.name} 16 200 16 0 0 0 0 MLII\n"
    whole.with_suffix(".hea").write_text(header)
    return whole.with_suffix("")


def screening(folder, hours, checkpoint):
    """{"hours", "seconds", "peak_mb", "page_mb", "beats"} of screening in a process of its own,
    from its start to its end."""
    with TemporaryDirectory() as out:
        path = make_recording(folder, hours, out)
        flags = ["--screen", path, "--checkpoint", checkpoint, "--device", "cpu", "--outf", out]
        command = [sys.executable, "-c", SCREEN, *map(str, flags)]
        start = time.perf_counter()
        done = subprocess.run(command, cwd=source_digest.ROOT, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if done.returncode:
            raise BadInput(f"screening {hours:g} h failed: {done.stderr.strip().splitlines()[-1]}")
        summary = json.loads(path.with_suffix(".json").read_text())
        return {
            "hours": hours,
            "seconds": seconds,
            "peak_mb": float(done.stdout.split()[-1]),
            "page_mb": path.with_suffix(".html").stat().st_size / 1e6,
            "beats": summary["beats"]["total"],
        }


def peak_mb():
    """Of this program, which Linux says: in ru_maxrss it counts the parent's peak too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


# --- output ---------------------------------------------------------------------------------------


def report(result):
    """The figures as text."""
    tables = pd.DataFrame(result["parts"]).T, pd.DataFrame(result["screening"])
    machine = f"{result['machine']}, {result['threads']} threads"
    return "\n\n".join([machine, *(table.to_string() for table in tables)])


if __name__ == "__main__":
    options.command(main)
