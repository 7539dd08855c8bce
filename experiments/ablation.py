"""What each part of b2igan's score is worth: all parts, each left out, each alone.  python -m experiments.ablation --help

Nothing is trained again. Parts are taken out of a trained detector's score and out of what the context hears, and what is
usual among normal beats is measured anew.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

import options
from experiments.training.checkpoint import open_detector
from experiments.training.metrics import detection
from experiments.training.protocols import split
from models.b2igan.networks import N_LATENT
from preprocess import dataset
from preprocess.files import whole_file

ROWS_AT_ONCE = 8192


def main(argv=None):
    opt = parse(argv)
    data = dataset.load(opt.dataroot)
    checkpoint, detector = open_detector(
        opt.checkpoint, opt.device, data, opt.dataroot, model="b2igan"
    )
    rows = split(
        data.index, *(checkpoint.options[name] for name in ("protocol", "folder", "select"))
    )
    table = ablation(detector, data, rows)
    table.insert(0, "protocol", checkpoint.options["protocol"])
    with whole_file(Path(opt.outf) / f"ablation_{checkpoint.options['protocol']}.csv") as part:
        table.to_csv(part, index=False, float_format="%.4f")
    print(
        f"protocol {checkpoint.options['protocol']}, fold {checkpoint.options['folder']}, one seed\n"
        + table.drop(columns="protocol").to_string(index=False, float_format="%.4f")
    )


def parse(argv):
    parser = options.parser(
        "python -m experiments.ablation",
        "What each part of b2igan's score is worth: a table and a .csv.",
        "example:\n  python -m experiments.ablation --checkpoint "
        f"{options.OUTPUT}/b2igan/interpatient/fold0/checkpoint.pt",
    )
    group = parser.add_argument_group("what to measure")
    group.add_argument(
        "--checkpoint",
        metavar="FILE",
        required=True,
        help="of b2igan; says which protocol and fold",
    )
    options.add_dataroot(group)
    group.add_argument(
        "--outf", default=options.OUTPUT, metavar="DIR", help="where ablation_PROTOCOL.csv goes"
    )
    options.add_device(group)
    return parser.parse_args(argv)


def ablation(detector, data, rows):
    """One row for each choice of parts: {"parts", "auc", "ap", "S", "V", "F"}."""
    record = data.index["record"].to_numpy()
    needed = np.flatnonzero(
        np.isin(record, np.unique(record[np.r_[rows.train, rows.calibration, rows.test]]))
    )
    alone = np.full((len(record), len(detector.beat_parts.names)), np.nan)
    latents = None if detector.shared_patients else np.zeros((len(record), N_LATENT), np.float32)
    for some in tqdm(
        np.array_split(needed, 1 + len(needed) // ROWS_AT_ONCE),
        desc="parts of each beat",
        unit="part",
    ):
        alone[some], found = detector.read(data.beats(some))
        if latents is not None:
            latents[some] = found
    table = []
    for name, without in tqdm(choices(detector), desc="ablation", unit="choice"):
        detector.opt["without"] = without
        scores = rescored(detector, alone, latents, data, rows)
        metrics = detection(scores, rows.classes[rows.test], threshold=0.0)
        table.append(
            {
                "parts": name,
                "auc": metrics["auc"],
                "ap": metrics["ap"],
                **{c: metrics["per_class_auc"][c] for c in "SVF"},
            }
        )
    return pd.DataFrame(table)


def choices(detector):
    """(name, parts left out): all, each left out, each alone, and groups of parts that belong together."""
    gan = [*detector.beat_parts.names, *([] if detector.shared_patients else ["record_latent"])]
    template = ["neighbours", "qrs", "p", "st"]
    parts = [*gan, "rhythm", *template]
    named = [
        ("all", []),
        *((f"without {part}", [part]) for part in parts),
        *((f"{part} alone", [p for p in parts if p != part]) for part in parts),
        ("rhythm and template, no GAN", gan),
        ("GAN and rhythm, no template", template),
    ]
    return named + (
        [("no discriminator", ["features", "synthetic"])] if detector.shared_patients else []
    )


def rescored(detector, alone, latents, data, rows):
    """Scores (len(rows.test),) with context, from the parts of each beat alone (n, parts) and of strangers the latents
    (n, N_LATENT), after a new calibration."""
    record, own = (
        data.index["record"].to_numpy(),
        lambda of: None if latents is None else latents[of],
    )
    scores, left_out, normal = (
        detector.beat_scores(alone),
        detector.left_out(),
        np.union1d(rows.train, rows.calibration),
    )
    whole = {
        name: np.flatnonzero(record == name) for name in np.unique(record[np.r_[normal, rows.test]])
    }
    learned = [of for name, of in whole.items() if np.isin(of, normal).any()]
    detector.context.calibrate(
        [(data.beats(of, False), scores[of], own(of), np.isin(of, normal)) for of in learned],
        scores[rows.calibration],
        left_out,
    )
    result = np.full(len(record), np.nan)
    for name in np.unique(record[rows.test]):
        beats = data.beats(whole[name], False)
        if len(rows.known_normal):
            beats.known_normal = np.isin(whole[name], rows.known_normal)
        result[whole[name]] = detector.context.score(
            beats, scores[whole[name]], own(whole[name]), "record", left_out
        )
    return result[rows.test]


if __name__ == "__main__":
    options.command(main)
