"""What each part of b2igan's score is worth: all parts, each left out, each alone.

The networks of the beat are not trained again. Parts are taken out of a trained detector as by
--without and, of known recordings, what is usual among normal beats is measured anew.
"""

from pathlib import Path

import pandas as pd
from tqdm import tqdm

import options
from experiments.training.calibration import fit_context
from experiments.training.checkpoint import check_unseen, open_detector
from experiments.training.metrics import detection
from experiments.training.protocols import PROTOCOLS, Split, split
from experiments.training.scoring import score_rows
from models.b2igan.detector import B2IGAN
from preprocess import dataset
from preprocess.dataset import Dataset
from preprocess.files import write_text


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
    path = Path(opt.outf) / f"ablation_{protocol}.csv"
    write_text(table.to_csv(index=False, float_format="%.4f"), path)


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
    table = []
    for name, without in tqdm(choices(detector), desc="ablation", unit="choice", disable=None):
        detector.opt["without"] = without
        if detector.opt["known_recordings"]:  # what is usual, without what is left out
            fit_context(detector, data, rows)
        scores = score_rows(detector, data, rows.test, "record", rows.known_normal)
        metrics = detection(scores, rows.classes[rows.test], threshold=0.0)
        by_class = {c: metrics["per_class_auc"][c] for c in "SVF"}
        table.append({"parts": name, "auc": metrics["auc"], "ap": metrics["ap"], **by_class})
    return pd.DataFrame(table)


def choices(detector: B2IGAN) -> list[tuple[str, list[str]]]:
    """(name, parts left out): none, each, all but each, and parts that belong together."""
    window, known = [*detector.beat_parts.names], detector.opt["known_recordings"]
    parts = [*window * known, *(p for p in detector.context.counted["record"] if p != "beat")]
    named = [
        ("all", []),
        *((f"without {part}", [part]) for part in parts),
        *((f"{part} alone", [p for p in parts if p != part]) for part in parts),
    ]
    if known:
        named += [("no GAN", window), ("no discriminator", ["features", "synthetic"])]
    return named


if __name__ == "__main__":
    options.command(main)
