"""What noise costs: recorded baseline wander and muscle noise on half of each test record.

As in the noise stress test (Moody GB, Muldrow WE, Mark RG. A noise stress test for arrhythmia
detectors. Computers in Cardiology 1984;11:381-384): five clean minutes, then noise in every other
two. R peaks stay where annotators saw them: what is measured is detection, not R peaks.
"""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import trim_mean
from sklearn.metrics import average_precision_score, roc_auc_score
from tqdm import tqdm

import options
from experiments.screening.shipped import WEIGHTS
from experiments.training.checkpoint import open_detector
from experiments.training.protocols import LEARNING_S, patients
from experiments.training.scoring import score_rows, usable_context
from preprocess import BadInput, dataset, spectrogram
from preprocess.beats import cut
from preprocess.classes import CLASS_OF, CLASS_OF_EC57
from preprocess.constants import FS_HZ
from preprocess.files import write_text
from preprocess.readers import wfdb as records

NOISY_S = 120  # length of a noisy stretch, and of the clean one after it
QRS_REACH = round(0.05 * FS_HZ)
TRIMMED = 0.05  # of the largest and of the smallest values, left out of a mean


def main(argv=None):
    opt = parse(argv)
    checkpoint, detector = open_detector(opt.checkpoint or WEIGHTS, opt.device)
    context = usable_context(detector, opt.context)
    tested = patients([path.name for path in records.find_records(opt.records)])[1]
    conditions = [("none", np.inf), *itertools.product(opt.kinds, opt.snr)]
    rows = []
    for kind, snr_db in tqdm(conditions, desc="noise", unit="condition", disable=None):
        noise_mv = np.zeros(1) if kind == "none" else read_noise(Path(opt.noise) / kind)
        scores, abnormal, noisy = scored(
            detector, checkpoint.settings, opt.records, tested, noise_mv, snr_db, context
        )
        if abnormal.all() or not abnormal.any() or len(set(abnormal[noisy])) < 2:
            raise BadInput(
                f"{opt.records}: after the first {LEARNING_S // 60} minutes the test records need "
                "normal and abnormal beats, in noise too; give more records"
            )
        rows.append(
            {
                "noise": kind,
                "snr_db": snr_db,
                "beats": len(scores),
                "auc": roc_auc_score(abnormal, scores),
                "ap": average_precision_score(abnormal, scores),
                "auc_noisy_half": roc_auc_score(abnormal[noisy], scores[noisy]),
            }
        )
    table = pd.DataFrame(rows)
    for name in ("auc", "ap"):
        table[f"{name}_lost"] = table[name].iloc[0] - table[name]
    write_text(table.to_csv(index=False, float_format="%.4f"), Path(opt.outf) / "noise.csv")
    print(f"context {context}, {len(tested)} records")
    print(table.to_string(index=False, float_format="%.4f"))


def parse(argv):
    made = options.study(
        "noise",
        "What noise costs: real electrode noise added to half of each test record; a table and "
        "noise.csv.",
        "--records /data/mitdb --noise /data/nstdb",
        groups="records weights outf device context",
    )
    add, ratio_db = made.add_argument, options.number(-30, 60)
    add("--noise", metavar="DIR", required=True, help="noise records (PhysioNet's nstdb)")
    kinds = "noise records: bw is baseline wander, ma muscle noise"
    add("--kinds", nargs="+", metavar="NAME", default=["bw", "ma"], help=kinds)
    ratios = "signal-to-noise ratios"
    add("--snr", nargs="+", type=ratio_db, metavar="DB", default=[24, 12, 6], help=ratios)
    return made.parse_args(argv)


def scored(detector, settings, folder, names, noise_mv, snr_db, context):
    """Scores, whether each beat is abnormal and whether it lies in noise, (n,) each, of noisy
    records. settings: of the checkpoint."""
    tables, traces = [], []
    for name in names:
        recording = records.read(Path(folder) / name, settings["lead"])
        noisy = replace(recording, signal_mv=with_noise(recording, noise_mv, snr_db))
        columns, windows = cut(noisy, dataset.filter_of(settings))
        tables.append(pd.DataFrame(columns))
        traces.append(windows)
    index, beat_mv = pd.concat(tables, ignore_index=True), np.concatenate(traces)
    image = spectrogram.stored_images(beat_mv, settings["image"])
    data = dataset.Dataset(index, image, beat_mv, {})
    sample = index["sample"].to_numpy()
    rows = np.flatnonzero(sample >= LEARNING_S * FS_HZ)
    abnormal = index["symbol"].map(CLASS_OF_EC57).to_numpy()[rows] != "N"
    return score_rows(detector, data, rows, context), abnormal, in_noise(sample[rows])


def read_noise(path):
    """First channel of a noise record (n,), in mV at FS_HZ."""
    return records.read(path, "0", annotator=None).signal_mv


def with_noise(recording, noise_mv, snr_db):
    """The recording's signal (n,) with noise, from its beginning and round again, where in_noise
    says so."""
    n = len(recording.signal_mv)
    wanted = signal_power(recording) / 10 ** (snr_db / 10)
    gain = np.sqrt(wanted / max(noise_power(noise_mv), 1e-12))
    return recording.signal_mv + gain * np.resize(noise_mv, n) * in_noise(np.arange(n))


def in_noise(sample):
    """(n,) samples to bool: every other stretch of NOISY_S, from LEARNING_S on."""
    since = sample - LEARNING_S * FS_HZ
    return (since >= 0) & (since // (NOISY_S * FS_HZ) % 2 == 0)


def signal_power(recording):
    """mV^2: of a sine as high as the mean QRS."""
    peaks = recording.samples[np.isin(recording.symbols, list(CLASS_OF))]
    peaks = peaks[(peaks >= QRS_REACH) & (peaks + QRS_REACH < len(recording.signal_mv))]
    around = recording.signal_mv[peaks[:, None] + np.arange(-QRS_REACH, QRS_REACH + 1)]
    return trim_mean(np.ptp(around, axis=1), TRIMMED) ** 2 / 8


def noise_power(noise_mv):
    """mV^2: mean of the variances of its seconds."""
    seconds = np.resize(noise_mv, (max(1, len(noise_mv) // FS_HZ), FS_HZ))
    return trim_mean(seconds.std(1), TRIMMED) ** 2


if __name__ == "__main__":
    options.command(main)
