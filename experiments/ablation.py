"""What each part of b2igan's score is worth: all parts, each left out, each alone.

Nothing is trained again. Parts are taken out of a trained detector's score and out of the context's
sources, and what is usual among normal beats is measured anew.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

import options
from experiments.training.checkpoint import check_unseen, open_detector
from experiments.training.metrics import detection
from experiments.training.protocols import PROTOCOLS, Split, split
from models.b2igan.context import ScoredRecording
from models.b2igan.detector import B2IGAN
from preprocess import dataset
from preprocess.dataset import Dataset
from preprocess.files import whole_file

IMAGED_AT_ONCE = 8192  # beats whose images are in memory at a time


def main(argv=None):
    opt = parse(argv)
    data = dataset.load(opt.dataroot)
    asked = opt if opt.protocol else None
    checkpoint, detector = open_detector(
        opt.checkpoint, opt.device, data, opt.dataroot, asked, model="b2igan"
    )
    fold, select = checkpoint.options["folder"], checkpoint.options["select"]
    protocol = opt.protocol or checkpoint.options["protocol"]
    elsewhere = PROTOCOLS[protocol].elsewhere is not None
    rows = split(data.index, protocol, fold, select, testing=elsewhere)
    check_unseen(checkpoint, data, rows, protocol)
    table = ablation(detector, data, rows)
    print(f"protocol {protocol}, fold {fold}, one seed")
    print(table.to_string(index=False, float_format="%.4f"))
    table.insert(0, "protocol", protocol)
    with whole_file(Path(opt.outf) / f"ablation_{protocol}.csv") as part:
        table.to_csv(part, index=False, float_format="%.4f")


def parse(argv):
    made = options.study(
        "ablation",
        "What each part of b2igan's score is worth: a table and ablation_PROTOCOL.csv.",
        f"--checkpoint {options.OUTPUT}/b2igan/interpatient/fold0/checkpoint.pt",
        groups="dataroot outf device",
    )
    add = made.add_argument
    add("--checkpoint", metavar="FILE", required=True, help="of b2igan; says protocol and fold")
    add(
        "--protocol",
        choices=tuple(PROTOCOLS),
        help="external: another database in --dataroot (default: what it was trained for)",
    )
    return made.parse_args(argv)


def ablation(detector: B2IGAN, data: Dataset, rows: Split) -> pd.DataFrame:
    """One row for each choice of parts: {"parts", "auc", "ap", "S", "V", "F"}."""
    # The parts of every beat's score, once.
    record = data.index["record"].to_numpy()
    names = np.unique(record[np.r_[rows.train, rows.calibration, rows.test]])
    needed = np.flatnonzero(np.isin(record, names))
    parts = np.full((len(record), len(detector.beat_parts.names)), np.nan)
    pieces = np.array_split(needed, 1 + len(needed) // IMAGED_AT_ONCE)
    for some in tqdm(pieces, desc="parts of each beat", unit="piece", disable=None):
        parts[some] = detector.standard_parts(data.beats(some))

    # The scores that each choice gives.
    table = []
    for name, without, uncounted in tqdm(
        choices(detector), desc="ablation", unit="choice", disable=None
    ):
        detector.opt["without"] = without
        scores = rescored(detector, parts, data, rows, uncounted)
        metrics = detection(scores, rows.classes[rows.test], threshold=0.0)
        by_class = {c: metrics["per_class_auc"][c] for c in "SVF"}
        table.append({"parts": name, "auc": metrics["auc"], "ap": metrics["ap"], **by_class})
    return pd.DataFrame(table)


def choices(detector: B2IGAN) -> list[tuple[str, list[str], list[str]]]:
    """(name, parts left out, parts not counted): all, each left out, each alone, and parts that
    belong together. What is not counted still chooses reference beats."""
    window, known = [*detector.beat_parts.names], detector.opt["known_recordings"]
    parts = [*window, "timing", "neighbours", "qrs"] if known else ["timing", "qrs"]
    named = [
        ("all", [], []),
        *((f"without {part}", [part], []) for part in parts),
        *((f"{part} alone", [p for p in parts if p != part], []) for part in parts),
        ("timing only chooses references", [], ["timing"]),
    ]
    if known:
        named.append(("no GAN", window, []))
        named.append(("no discriminator", ["features", "synthetic"], []))
    return named


def rescored(
    detector: B2IGAN,
    parts: np.ndarray,
    data: Dataset,
    rows: Split,
    uncounted: Collection[str] = (),
) -> np.ndarray:
    """Scores (len(rows.test),) with context. parts: (n, parts) of each beat's own window.

    Of known recordings what is usual is measured anew without what is left out.
    """
    record = data.index["record"].to_numpy()
    scores, left_out = detector.beat_scores(parts), detector.left_out()
    names = np.unique(record[np.r_[rows.train, rows.test]])
    whole = {name: np.flatnonzero(record == name) for name in names}

    # What is usual among normal beats, without the parts that are left out.
    learned = [of for of in whole.values() if np.isin(of, rows.train).any()]
    if detector.opt["known_recordings"]:
        recordings = [
            ScoredRecording(data.beats(of, False), scores[of], np.isin(of, rows.train))
            for of in learned
        ]
        detector.context.calibrate(recordings, scores[rows.calibration], left_out)

    # The tested recordings, each as a whole.
    result = np.full(len(record), np.nan)
    for name in np.unique(record[rows.test]):
        of = whole[name]
        beats = data.beats(of, False)
        if len(rows.known_normal):
            beats.known_normal = np.isin(of, rows.known_normal)
        context = detector.context
        result[of] = context.score(beats, scores[of], "record", left_out, uncounted)
    return result[rows.test]


if __name__ == "__main__":
    options.command(main)
