"""What R peaks cost that are not an expert's: test windows moved, and cut at detected R peaks."""

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

import options
from experiments.agreement import MATCH_S, match
from experiments.training.checkpoint import check_unseen, open_detector
from experiments.training.jitter import moved_dataset
from experiments.training.metrics import detection
from experiments.training.protocols import split
from experiments.training.scoring import score_rows
from preprocess import dataset, spectrogram
from preprocess.beats import rr_intervals, windows
from preprocess.constants import AFTER, BEFORE, FS_HZ
from preprocess.dataset import Dataset
from preprocess.files import whole_file
from preprocess.readers import wfdb as records
from preprocess.signal import quality, rpeaks
from preprocess.signal.filters import bandpass

NOBODYS = -1  # row of a detected R peak at which no beat is annotated
FALSE_ALARMS = 0.05


def main(argv=None):
    """Prints a table and writes peaks.csv; returns it as a DataFrame."""
    opt = parse(argv)
    data = dataset.load(opt.dataroot)
    rows = split(data.index, opt.protocol, opt.folder)
    trained_here = Path(opt.outf) / f"b2igan/{opt.protocol}/fold{opt.folder}/checkpoint.pt"
    detectors = []
    for path in opt.checkpoint or [trained_here]:
        detectors.append(open_detector(path, opt.device, data, opt.dataroot, asked=opt))
        check_unseen(detectors[-1][0], data, rows, opt.protocol)

    # Each is a dataset, and of its rows those of `data` whose beats they are.
    same = np.arange(len(data.index))
    places = {
        "as marked": (data, same),
        f"by up to {opt.samples} samples": (moved_dataset(data, opt.samples, opt.seed), same),
        f"by {opt.samples} samples": (moved_dataset(data, opt.samples, opt.seed, True), same),
    }
    if opt.records:
        places["detected"] = at_detected_peaks(data, opt.records)

    found = []
    cases = itertools.product(detectors, opt.contexts, places.items())
    for (checkpoint, detector), context, (place, (seen, row_of)) in cases:
        test = np.flatnonzero(np.isin(row_of, rows.test))
        known = np.flatnonzero(np.isin(row_of, rows.known_normal))
        scores = score_rows(detector, seen, test, context, known)
        threshold = checkpoint.threshold(context, FALSE_ALARMS)
        figures = detection(scores, rows.classes[row_of[test]], threshold)
        found.append(
            {
                "training": training(checkpoint.options),
                "context": context,
                "test": place,
                "auc": figures["auc"],
                "ap": figures["ap"],
                "false_alarms": figures["false_alarm_rate"],
                "found": len(test) / len(rows.test),
            }
        )
    table = pd.DataFrame(found)
    with whole_file(Path(opt.outf) / "peaks.csv") as part:
        table.to_csv(part, index=False, float_format="%.4f")
    print(table.to_string(index=False, float_format="%.4f"))
    return table


def parse(argv):
    parser = options.parser(
        "python -m experiments.peaks",
        "Test a trained checkpoint on R peaks that are not an expert's: moved, and detected.",
        "example:\n  python -m experiments.peaks --protocol beatgan --records /data/mitdb",
    )
    group = parser.add_argument_group("what to test")
    options.add_data(group)
    group.add_argument(
        "--checkpoint", nargs="+", metavar="FILE", help="instead of the one under --outf"
    )
    group.add_argument(
        "--records",
        metavar="DIR",
        help="folder with the records of the dataset, in which R peaks are detected (default: "
        "windows are moved alone)",
    )
    group.add_argument(
        "--samples",
        type=options.integer(1, 20),
        default=3,
        metavar="N",
        help="that R peaks are moved by, and by up to, either way",
    )
    group.add_argument(
        "--contexts",
        nargs="+",
        choices=options.CONTEXTS,
        default=["none"],
        help="of the scores, one after another",
    )
    group.add_argument("--seed", type=options.integer(0), default=0, metavar="S", help="of moves")
    return parser.parse_args(argv)


def training(settings: Mapping) -> str:
    """What was done to the windows that a checkpoint with these options was trained on."""
    moved, drift = settings.get("jitter"), settings.get("drift")
    done = [f"moved by up to {moved} samples"] * bool(moved) + [f"drift {drift}"] * bool(drift)
    return ", ".join(done) or "as marked"


def at_detected_peaks(data: Dataset, folder: str | Path) -> tuple[Dataset, np.ndarray]:
    """The beats of a dataset's records, cut at the R peaks that screening detects in their signals.

    Returns them and, of each, the row of `data` whose beat it is: the nearest within MATCH_S, one
    to one, NOBODYS where there is none. Labels have no say in where R peaks are.
    """
    record, sample = data.index["record"].to_numpy(str), data.index["sample"].to_numpy()
    settings = data.manifest["settings"]
    tables, traces, row_of = [], [], []
    for name in tqdm(np.unique(record), desc="R peaks", unit="record"):
        recording = records.read(Path(folder) / name, settings["lead"])
        peaks, filtered_mv = detected(recording.signal_mv)
        rows = np.flatnonzero(record == name)
        pairs = match(sample[rows], peaks, round(MATCH_S * FS_HZ))
        owner = np.full(len(peaks), NOBODYS)
        owner[pairs[:, 1]] = rows[pairs[:, 0]]
        before_s, after_s, local_s = rr_intervals(peaks)
        fits = (peaks >= BEFORE) & (peaks + AFTER < len(filtered_mv))
        columns = {
            "record": name,
            "sample": peaks,
            "rr_before_s": before_s,
            "rr_after_s": after_s,
            "rr_local_s": local_s,
        }
        tables.append(pd.DataFrame(columns)[fits])
        traces.append(windows(filtered_mv, peaks[fits]).astype(np.float32))
        row_of.append(owner[fits])
    beat_mv = np.concatenate(traces)
    stored = np.concatenate(list(spectrogram.stored_chunks(beat_mv, settings["image"])))
    index = pd.concat(tables, ignore_index=True)
    return Dataset(index, stored, beat_mv, data.manifest), np.concatenate(row_of)


def detected(signal_mv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) mV to R peaks (k,), as screening detects them, and the band-passed signal (n,)."""
    filtered_mv, envelope = bandpass(signal_mv), rpeaks.qrs_envelope(signal_mv)
    reason = quality.judge(signal_mv, np.ones(len(signal_mv), bool), filtered_mv, envelope)
    return rpeaks.find_r_peaks(filtered_mv, envelope, reason == 0), filtered_mv


if __name__ == "__main__":
    options.command(main)
