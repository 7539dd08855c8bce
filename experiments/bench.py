"""Speed and memory, of parts and of whole recordings that are screened.

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
from experiments.training.checkpoint import open_detector
from experiments.training.loop import complete_options
from models import MODELS
from preprocess import BadInput, simulate, spectrogram
from preprocess.beats import Beats, cut
from preprocess.constants import FS_HZ, WINDOW
from preprocess.readers import physionet
from preprocess.readers import wfdb as records

REPEATS = 5  # of each measurement: the best counts
N_BEATS, N_BATCH = 4096, 256  # beats of a part, and of a training step
# A program that screens, and prints last the peak of its memory in MB.
SCREEN = "import main; main.main(); from experiments import bench; print(bench.peak_mb())"


def main(argv=None):
    """Measures everything; returns the JSON object."""
    opt = parse(argv)
    with TemporaryDirectory() as made:
        folder = opt.records or os.environ.get("MITDB_DIR") or Path(made)
        if folder == Path(made):
            simulate.simulate(folder, subjects=4, minutes=30.0)
        checkpoint = Path(opt.checkpoint or WEIGHTS).resolve()
        result = {
            "machine": platform.processor() or platform.machine(),
            "cpus": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "code": source_digest.code(),
            "settings": complete_options(options.parse("main", [])),
            "source": physionet.source_of(folder),
            "parts": parts(folder, open_detector(checkpoint, "cpu")[1]),
        }
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
        "Speed and memory, of parts and of whole recordings that are screened.",
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


def parts(folder, detector):
    """{name: {"unit", "ours"}}, in units per second, of images, training, and scoring by a trained
    detector, of beats alone."""
    _, windows_mv = cut(records.read(records.find_records(folder)[0]))
    waves = np.resize(windows_mv, (N_BEATS, WINDOW))
    images, rr_s = spectrogram.stored_images(waves, "complex"), np.full((N_BEATS, 3), 0.8)
    beats = Beats(images, waves, np.full(N_BEATS, "r1"), np.arange(N_BEATS), rr_s)
    batch, model = beats[:N_BATCH], MODELS["b2igan"](complete_options(options.parse("main", [])))
    model.prepare(batch)
    model.begin_step(0.5)
    ways = {  # unit; what is called; of how many units a call of it is
        "STFT images": ("images/s", lambda: list(spectrogram.stored_chunks(waves)), N_BEATS),
        "training": ("beats/s", lambda: model.training_step(batch), N_BATCH),
        "scoring": ("beats/s", lambda: detector.score(beats), N_BEATS),
    }
    bar = tqdm(ways.items(), desc="parts", unit="part", disable=None)
    return {name: {"unit": unit, "ours": measure(*way)} for name, (unit, *way) in bar}


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
