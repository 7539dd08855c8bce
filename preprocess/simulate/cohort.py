"""The cohort as WFDB records with their truth: made whole, kept or refused."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import wfdb
from tqdm import tqdm

from preprocess import BadInput
from preprocess.constants import FS_HZ
from preprocess.files import temporary_folder
from preprocess.simulate.intervals import TACHOGRAM_HZ, place_ectopics, sinus_rhythm, time_ectopics
from preprocess.simulate.noise import bump, recording_noise, shaped_noise
from preprocess.simulate.subject import draw_subject
from preprocess.simulate.truth import TRUTH, TRUTH_COLUMNS, truth_rows
from preprocess.simulate.waveform import (
    as_drawn,
    beat_variation,
    conducted,
    draw_recording,
    vary,
)

# Change it with anything that changes the bytes, so that an old cohort is not taken for a new one.
COHORT_VERSION = 3
GAIN_ADU_PER_MV = 200
BASELINE_ADU = 1024
TOP_ADU = 2047  # of 11 bits

BEYOND_S = 30  # of breathing and heart rate beyond the recording, which slow hearts need
SLOW_MARGIN = 1.4
MEAN_RR_BEATS = 15  # sinus RR intervals, whose mean is the local one


def simulate_subject(number: int, minutes: float, seed: int) -> tuple:
    """One recording: subject, signal, R samples (k,), symbols (k,) and truth rows.

    The signal is (n, 2) in mV, in the order MLII, V1.
    """
    rng = np.random.default_rng([seed, number])
    subject = draw_subject(rng, number)
    n = round(60 * minutes * FS_HZ)

    # Breathing, which sways rhythm, amplitude and baseline alike.
    n_slow = int(SLOW_MARGIN * n / FS_HZ + BEYOND_S) * TACHOGRAM_HZ
    breathing = shaped_noise(rng, n_slow, TACHOGRAM_HZ, bump(subject.breathing_hz, 0.01))
    slow_s = np.arange(n_slow) / TACHOGRAM_HZ

    # When the heart beats, and with which beats.
    sinus_s = sinus_rhythm(rng, subject, breathing, n / FS_HZ)
    symbols = place_ectopics(rng, subject, len(sinus_s))
    r_s, node_s = time_ectopics(rng, subject, sinus_s, symbols)
    sinus_rr_s = np.diff(sinus_s, prepend=0)
    padded_s = np.pad(sinus_rr_s, MEAN_RR_BEATS // 2, "edge")
    local_rr_s = np.convolve(padded_s, np.full(MEAN_RR_BEATS, 1 / MEAN_RR_BEATS), "valid")

    # The beats, and the normal ones that would stand in their places: both (beats, 9, 5).
    at_beats = np.interp(r_s, slow_s, breathing)
    variation = beat_variation(rng, subject, r_s, at_beats, local_rr_s)
    normals = conducted(rng, subject, len(r_s))
    beats = vary(as_drawn(rng, subject, symbols, node_s, normals), variation)
    normals = vary(normals, variation)

    # The recording; two seconds more, where the truth looks beyond its end.
    clean_mv = draw_recording(beats, r_s, n + 2 * FS_HZ)
    truth = truth_rows(subject, symbols, r_s, clean_mv[:, 0], normals, local_rr_s, n)
    at_samples = np.interp(np.arange(n) / FS_HZ, slow_s, breathing)
    signal_mv = clean_mv[:n] + recording_noise(rng, subject, at_samples, n)
    r_sample = np.round(r_s * FS_HZ).astype(int)
    return subject, signal_mv, r_sample[r_sample < n], symbols[r_sample < n], truth


def write_record(folder, subject, signal_mv, r_sample, symbols, seed):
    """NAME.hea, .dat and .atr, as in the MIT-BIH database: format 212, 200 adu/mV, 11 bits."""
    adu = np.clip(np.round(signal_mv * GAIN_ADU_PER_MV) + BASELINE_ADU, 0, TOP_ADU)
    adu = adu.astype(int)
    adu = adu[:, [("MLII", "V1").index(lead) for lead in subject.leads]]
    wfdb.wrsamp(
        subject.name,
        FS_HZ,
        ["mV", "mV"],
        list(subject.leads),
        d_signal=adu,
        fmt=["212", "212"],
        adc_gain=[GAIN_ADU_PER_MV] * 2,
        baseline=[BASELINE_ADU] * 2,
        write_dir=str(folder),
        comments=[
            "simulated: no patient, made by preprocess/simulate.py",
            f"simulated: seed {seed}, normal rhythm annotated {subject.conduction}",
        ],
    )
    first = max(1, r_sample[0] - 60)
    wfdb.wrann(
        subject.name,
        "atr",
        np.r_[first, r_sample],
        ["+", *symbols],
        aux_note=["(N", *[""] * len(symbols)],
        write_dir=str(folder),
    )


def write_cohort(folder, settings, progress):
    """Every file of the cohort; `cohort.json` last."""
    names, truth = [], []
    seed, minutes = settings["seed"], settings["minutes"]
    numbers = range(1, settings["subjects"] + 1)
    for number in tqdm(numbers, "simulate", disable=None if progress else True, unit="record"):
        subject, signal_mv, r_sample, symbols, rows = simulate_subject(number, minutes, seed)
        write_record(folder, subject, signal_mv, r_sample, symbols, seed)
        names.append(subject.name)
        truth += rows
    (folder / "RECORDS").write_text("\n".join(names) + "\n")
    with open(folder / TRUTH, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([TRUTH_COLUMNS, *truth])
    content = {**settings, "source": "simulated", "records": names}
    (folder / "cohort.json").write_text(json.dumps(content, indent=1))
    return names


def simulate(
    folder: str | Path,
    subjects: int = 24,
    minutes: float = 10.0,
    seed: int = 0,
    progress: bool = True,
) -> list[str]:
    """Write a simulated cohort of at most 99 subjects to `folder` and return its record names.

    The same settings give the same bytes: a cohort that is there and was made with them is kept.
    Raises BadInput for a folder that holds anything else.
    """
    folder = Path(folder).absolute()
    settings = {"seed": seed, "subjects": subjects, "minutes": float(minutes)}
    settings["version"] = COHORT_VERSION
    if folder.exists() and any(folder.iterdir()):
        told = folder / "cohort.json"
        found = json.loads(told.read_text()) if told.exists() else {}
        if settings.items() <= found.items():
            return found["records"]
        raise BadInput(
            f"{folder} holds another cohort or other files: move it away, or name another folder"
        )
    # Nobody sees half a cohort: made beside its place, then renamed.
    with temporary_folder(folder.with_name(f".{folder.name}.part")) as working:
        (working / "new").mkdir()
        names = write_cohort(working / "new", settings, progress)
        os.replace(working / "new", folder)
    return names
