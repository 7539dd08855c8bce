"""Speed and memory, side by side with the original's way of doing the same.  python -m experiments.bench

Prints a table and, last, one JSON object on one line.
"""

import argparse
import contextlib
import io
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import wfdb
from tqdm import tqdm

import options
from experiments.screening import pipeline as screen
from experiments.training.loop import complete_options
from models import MODELS
from preprocess import BadInput, physionet, records, rpeaks, simulate, spectrogram
from preprocess import beats as beat_windows
from preprocess.beats import Beats
from preprocess.classes import CLASS_OF
from preprocess.records import FS_HZ
from preprocess.spectrogram import CHUNK

LEAST_S = 1.0  # that each measurement lasts; the best of REPEATS counts
REPEATS = 3
N_BEATS, N_SLOW = 4096, 256  # beats for our parts, and for the original's
ROOT = Path(__file__).parents[1]


def main(argv=None):
    """Measures everything; returns the JSON object."""
    opt = parse(argv)
    if opt.only_screen:
        return only_screen(opt)
    with TemporaryDirectory() as made:
        folder = opt.records or os.environ.get("MITDB_DIR") or Path(made)
        if folder == Path(made):
            simulate.simulate(folder, subjects=4, minutes=30.0)
        result = {
            "machine": platform.processor() or platform.machine(),
            "cpus": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "source": physionet.source_of(folder),
            "matmul_gflops": matrix_multiply_gflops(),
            "parts": parts(folder),
        }
        checkpoint = Path(opt.checkpoint or screen.WEIGHTS).resolve()
        result["screening"] = [
            screening(folder, hours, checkpoint) for hours in tqdm(opt.hours, desc="screening")
        ]
    print(report(result))
    print(json.dumps(result))
    return result


def parse(argv):
    parser = options.parser(
        "python -m experiments.bench",
        "Speed and memory, beside the original's way of doing the same.",
        "example:\n  python -m experiments.bench --records /data/mitdb --hours 1 6 24 72",
    )
    group = parser.add_argument_group("what to measure")
    group.add_argument(
        "--records",
        metavar="DIR",
        help="folder with WFDB records (or set MITDB_DIR; else a simulated cohort)",
    )
    group.add_argument(
        "--hours",
        nargs="*",
        type=options.number(0, open_low=True),
        default=[1, 6, 24],
        metavar="H",
        help="lengths of the recordings to screen",
    )
    group.add_argument("--checkpoint", metavar="FILE", help="instead of the shipped weights")
    group.add_argument("--only-screen", metavar="PATH", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def measure(function, n):
    """Best n per second over REPEATS, after one call to warm up."""
    function()
    rates = []
    for _ in range(REPEATS):
        calls, start = 0, time.perf_counter()
        while calls == 0 or time.perf_counter() - start < LEAST_S:
            function()
            calls += 1
        rates.append(n * calls / (time.perf_counter() - start))
    return max(rates)


def matrix_multiply_gflops(n=2048):
    """What the machine can do at best: float32 matrix products of n x n."""
    a, b = torch.rand(n, n), torch.rand(n, n)
    return measure(lambda: a @ b, 2 * n**3) / 1e9


# ------------------------------------------------------------------------------------------- the original's way


def original_windows(signal_mv, peaks):
    """Each beat cut by itself, from a signal filtered as ours is."""
    filtered = beat_windows.bandpass(signal_mv)
    return np.stack([filtered[p - beat_windows.BEFORE : p + beat_windows.AFTER] for p in peaks])


def original_image(beat_mv):
    """librosa 0.8's stft and amplitude_to_db of one beat, then the area resize: (320,) to (128, 128)."""
    padded = np.pad(beat_mv, spectrogram.N_FFT // 2, mode="reflect")
    hann = np.zeros(spectrogram.N_FFT)
    start = (spectrogram.N_FFT - spectrogram.HANN) // 2
    hann[start : start + spectrogram.HANN] = 0.5 - 0.5 * np.cos(
        2 * np.pi * np.arange(spectrogram.HANN) / spectrogram.HANN
    )
    frames = (
        np.lib.stride_tricks.sliding_window_view(padded, spectrogram.N_FFT)[:: spectrogram.SEED_HOP]
        * hann
    )
    decibel = 20 * np.log10(np.maximum(np.abs(np.fft.rfft(frames, axis=1).T), 1e-5))
    decibel = np.maximum(decibel, decibel.max() - spectrogram.SEED_RANGE_DB)[
        :, spectrogram.SEED_COLUMNS
    ]
    rows, columns = (spectrogram.area_weights(n, spectrogram.SEED_SIZE) for n in decibel.shape)
    return rows @ decibel @ columns.T


# ------------------------------------------------------------------------------------------------------ the parts


def parts(folder):
    """{name: {"unit", "ours", "original", "ratio"}} of preprocessing, images, training and scoring."""
    path = records.find(folder)[0]
    recording = records.read(path)
    peaks = recording.samples[np.isin(recording.symbols, list(CLASS_OF))]
    peaks = peaks[
        (peaks >= beat_windows.BEFORE) & (peaks + beat_windows.AFTER < len(recording.signal_mv))
    ]
    waves = np.resize(
        beat_windows.windows(beat_windows.bandpass(recording.signal_mv), peaks), (N_BEATS, 320)
    )
    ours, seed = _beats(waves, "complex"), _beats(waves[:N_SLOW], "seed")
    image = lambda: [spectrogram.images(waves[i : i + CHUNK]) for i in range(0, N_BEATS, CHUNK)]
    seed_scoring = _scoring("b2igan-original", seed)
    steps = {
        "reading to windows": (
            "beats/s",
            lambda: _windows(path),
            len(peaks),
            lambda: original_windows(records.read(path).signal_mv, peaks),
            len(peaks),
        ),
        "R peaks": (
            "hours/s",
            lambda: _peaks(recording.signal_mv),
            len(recording.signal_mv) / FS_HZ / 3600,
            lambda: rpeaks.detect_r_peaks(recording.signal_mv),
            len(recording.signal_mv) / FS_HZ / 3600,
        ),
        "STFT images": (
            "images/s",
            image,
            N_BEATS,
            lambda: [original_image(w) for w in waves[:N_SLOW]],
            N_SLOW,
        ),
        "training": (
            "beats/s",
            _training("b2igan", ours),
            256,
            _training("b2igan-original", seed[:64]),
            64,
        ),
        "scoring": ("beats/s", _scoring("b2igan", ours), N_BEATS, seed_scoring, N_SLOW),
        "scoring strangers": (
            "beats/s",
            _scoring("b2igan", ours, "--protocol", "interpatient"),
            N_BEATS,
            seed_scoring,
            N_SLOW,
        ),
    }
    result = {}
    for name, (unit, our, n, original, n_original) in tqdm(
        steps.items(), desc="parts", unit="part"
    ):
        rates = measure(our, n), measure(original, n_original)
        result[name] = {
            "unit": unit,
            "ours": rates[0],
            "original": rates[1],
            "ratio": rates[0] / rates[1],
        }
    return result


def _windows(path):
    recording = records.read(path)
    return beat_windows.windows(beat_windows.bandpass(recording.signal_mv), recording.samples[5:-5])


def _peaks(signal_mv):
    return rpeaks.find(
        beat_windows.bandpass(signal_mv),
        rpeaks.qrs_envelope(signal_mv),
        np.ones(len(signal_mv), bool),
    )


def _beats(waves, image):
    n = len(waves)
    pictures = np.concatenate(
        [spectrogram.images(waves[i : i + CHUNK], image).numpy() for i in range(0, n, CHUNK)]
    )
    return Beats(
        pictures,
        waves,
        np.full(n, "r1"),
        np.arange(n) * 300 + 300,
        np.full((n, 3), 0.8, np.float32),
    )


def _model(name, beats, *settings):
    opt = options.parse("main", ["--model", name, *settings])
    model = MODELS[name](complete_options(opt))
    model.prepare(beats)
    return model


def _training(name, beats):
    model, batch = _model(name, beats), beats[:256]
    model.begin_step(0.5)
    return lambda: model.training_step(batch)


def _scoring(name, beats, *settings):
    """Of beats alone. The memories hold as many points as in earnest; what else finish fits is no part of it."""
    model = _model(name, beats, *settings).eval()
    if name == "b2igan":
        model.latents.points = model._embed(beats.image, model.encoder)
        model.features.points = model._embed(
            beats.image, lambda image: model.discriminator(image)[0]
        )
        model.latents.unit = model.features.unit = torch.ones(len(beats))
    return lambda: model.score(beats)


# ------------------------------------------------------------------------------------------------ whole recordings


def make_recording(folder, hours, out):
    """A WFDB record of so many hours: the folder's records one after another, again and again."""
    pieces = [
        np.round(records.read(path, annotator=None).signal_mv * 200).astype("<i2")
        for path in records.find(folder)[:48]
    ]
    missing = round(hours * 3600 * FS_HZ)
    whole = Path(out) / f"h{missing // FS_HZ}s.dat"
    with open(whole, "wb") as file:
        while missing > 0:
            for piece in pieces:
                piece[:missing].tofile(file)
                missing -= min(missing, len(piece))
    n = whole.stat().st_size // 2
    whole.with_suffix(".hea").write_text(
        f"{whole.stem} 1 {FS_HZ} {n}\n{whole.name} 16 200 16 0 0 0 0 MLII\n"
    )
    return whole.with_suffix("")


def screening(folder, hours, checkpoint):
    """{"seconds", "peak_mb", "beats"} of screening so many hours in a process of its own, start to end."""
    with TemporaryDirectory() as out:
        path = make_recording(folder, hours, out)
        start = time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "experiments.bench",
            "--only-screen",
            str(path),
            "--checkpoint",
            str(checkpoint),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if done.returncode:
            raise BadInput(f"screening {hours:g} h failed: {done.stderr.strip().splitlines()[-1]}")
        page_mb = (path.parent / "out" / f"{path.name}.html").stat().st_size / 1e6
        return {
            "hours": hours,
            "seconds": seconds,
            "peak_mb": float(done.stdout.split()[-1]),
            "page_mb": page_mb,
            "beats": sum(
                symbol in (screen.NORMAL, outputs.FLAGGED)
                for symbol in wfdb.rdann(str(path.parent / "out" / path.name), "b2i").symbol
            ),
        }


def only_screen(opt):
    """What the process of its own does: screen, and print the peak of its memory in MB."""
    asked = options.parse(
        "main",
        [
            "--screen",
            opt.only_screen,
            "--checkpoint",
            str(opt.checkpoint),
            "--device",
            "cpu",
            "--outf",
            str(Path(opt.only_screen).parent / "out"),
        ],
    )
    with contextlib.redirect_stdout(io.StringIO()):
        screen.screen_all(asked)
    print(peak_mb())


def peak_mb():
    """Of this program; Linux counts the parent's peak in ru_maxrss."""
    status = Path("/proc/self/status")
    if status.exists():
        return (
            int(
                next(
                    line for line in status.read_text().splitlines() if line.startswith("VmHWM")
                ).split()[1]
            )
            / 1024
        )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1 << 20 if sys.platform == "darwin" else 1024
    )


# --------------------------------------------------------------------------------------------------------- output


def report(result):
    lines = [
        f"{result['machine']}, {result['threads']} threads, matrix multiply {result['matmul_gflops']:.0f} GFLOP/s",
        "",
        f"{'':22s}{'ours':>12s}{'original':>12s}{'times':>8s}",
    ]
    lines += [
        f"{name:22s}{r['ours']:12,.4g}{r['original']:12,.4g}{r['ratio']:8.1f}  {r['unit']}"
        for name, r in result["parts"].items()
    ]
    lines += ["", f"{'screening':22s}{'seconds':>12s}{'peak MB':>12s}{'page MB':>9s}{'beats':>10s}"]
    lines += [
        f"{r['hours']:>15g} hours {r['seconds']:12.1f}{r['peak_mb']:12.0f}{r['page_mb']:9.1f}{r['beats']:10d}"
        for r in result["screening"]
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    options.command(main)
