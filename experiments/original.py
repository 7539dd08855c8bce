"""The original B2I-GAN, and the BeatGAN it was made from, as published: how far training gets them.

AUC after each check of `--select paper`, which USES LABELS, as published: they choose the epoch.
Writes curve.csv and checkpoint.pt to OUTF/MODEL/PROTOCOL/foldK/; --resume goes on after the last
whole epoch.
"""

from pathlib import Path

import numpy as np
import pandas as pd

import options
from experiments.training.checkpoint import load
from experiments.training.loop import train
from experiments.training.metrics import detection
from experiments.training.protocols import split
from preprocess import dataset
from preprocess.files import write_text

MODELS = ("b2igan-original", "beatgan-original")


def main(argv=None):
    opt = parse(argv)
    data = dataset.load(opt.dataroot)
    rows = split(data.index, opt.protocol, opt.folder, opt.select)
    folder = Path(opt.outf) / opt.model / opt.protocol / f"fold{opt.folder}"
    path, table = folder / "curve.csv", []
    if opt.resume and path.exists():  # the epochs that a resumed training keeps
        table = pd.read_csv(path)
        table = table[table["epochs"] <= load(folder / "checkpoint.pt").epoch].to_dict("records")
    order = np.random.default_rng(0).permutation
    parts = {"validation": order(rows.select), "test": order(rows.test)}

    def watch(detector):
        """Scores validation and test beats, and adds a row to curve.csv."""
        row = {"epochs": (len(table) + 1) / (opt.checks or 1)}
        for name, chosen in parts.items():
            scores = detector.score(data.beats(chosen[: opt.scored]))
            classes = rows.classes[chosen[: opt.scored]]
            found = detection(scores, classes, threshold=0.0)
            row |= {name: found["auc"], f"{name}_ap": found["ap"]}
        row |= {"rec_normal": scores[classes == "N"].mean()}
        row |= {name: found["per_class_auc"][name] for name in "SVF"}
        table.append(row)
        write_text(pd.DataFrame(table).round(4).to_csv(index=False), path)
        print(row, flush=True)

    trained = train(data, rows, opt, folder, watch)
    dead = np.mean([epoch["d_saturated"] for epoch in trained.log])
    print(f"steps in which the discriminator had no gradient: {dead:.1%}")
    print(f"epoch of the best labelled validation AUC: {trained.best['auc']:.4f}; {folder}")


def parse(argv):
    made = options.study(
        "original",
        "How the AUC of the original B2I-GAN, or BeatGAN, moves with training.",
        f"--dataroot {options.DATASET}/decibel --niter 30 --checks 4 --resume",
        groups="data resume training",
    )
    scored = "so many beats of the validation, and of the test, are scored at each check"
    number = options.integer(100)
    made.add_argument("--scored", type=number, default=4000, metavar="N", help=scored)
    made.add_argument("--model", choices=MODELS, default=MODELS[0], help="which of the two")
    made.set_defaults(select="paper", error_map=False, context="none")
    return made.parse_args(argv)


if __name__ == "__main__":
    options.command(main)
