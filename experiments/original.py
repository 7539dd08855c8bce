"""The original B2I-GAN: how far training gets it.

Its AUC after each check of `--select paper`, which USES LABELS, as published: they choose the
epoch. Writes curve.csv and checkpoint.pt to OUTF/b2igan-original/PROTOCOL/foldK/; --resume goes on
after the last whole epoch.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

import options
from experiments.training.checkpoint import load
from experiments.training.device import autocast
from experiments.training.loop import train
from experiments.training.protocols import Split, split
from models.compared.b2igan_original import B2IGANOriginal
from preprocess import dataset
from preprocess.dataset import Dataset
from preprocess.files import whole_file

ORIGINAL = "b2igan-original"


def main(argv=None):
    opt = parse(argv)
    data = dataset.load(opt.dataroot)
    rows = split(data.index, opt.protocol, opt.folder, opt.select)
    folder = Path(opt.outf) / ORIGINAL / opt.protocol / f"fold{opt.folder}"
    watch = Watch(data, rows, opt, folder / "curve.csv")
    trained = train(data, rows, opt, folder, watch)
    dead = np.mean([epoch["d_saturated"] for epoch in trained.log])
    print(f"steps in which the discriminator had no gradient: {dead:.1%}")
    print(f"epoch of the best labelled validation AUC: {trained.best['auc']:.4f}; {folder}")


def parse(argv):
    made = options.study(
        "original",
        "How the AUC of the original B2I-GAN moves with training.",
        f"--dataroot {options.DATASET}/decibel --niter 30 --checks 4 --resume",
        groups="data resume training",
    )
    scored = "so many beats of the validation, and of the test, are scored at each check"
    number = options.integer(100)
    made.add_argument("--scored", type=number, default=4000, metavar="N", help=scored)
    made.set_defaults(model=ORIGINAL, select="paper", error_map=False, context="none")
    return made.parse_args(argv)


class Watch:
    """Scores validation and test beats, and adds a row to curve.csv."""

    def __init__(self, data: Dataset, rows: Split, opt, path: Path):
        self.data, self.classes, self.opt, self.path = data, rows.classes, opt, path
        order = np.random.default_rng(0).permutation
        self.parts = {
            "validation": order(rows.select)[: opt.scored],
            "test": order(rows.test)[: opt.scored],
        }
        self.table = self._earlier()

    def _earlier(self) -> list[dict]:
        """Rows of the epochs that a resumed training keeps."""
        checkpoint = self.path.with_name("checkpoint.pt")
        if not (self.opt.resume and self.path.exists() and checkpoint.exists()):
            return []
        table = pd.read_csv(self.path)
        return table[table["epochs"] <= load(checkpoint).epoch].to_dict("records")

    def __call__(self, detector: B2IGANOriginal) -> None:
        row = {"epochs": (len(self.table) + 1) / (self.opt.checks or 1)}
        for name, chosen in self.parts.items():
            row |= self._figures(detector, chosen, name)
        self.table.append({name: round(value, 4) for name, value in row.items()})
        with whole_file(self.path) as new:
            pd.DataFrame(self.table).to_csv(new, index=False)
        print(self.table[-1], flush=True)

    def _figures(self, detector, chosen, name) -> dict[str, float]:
        error = lambda image: detector.squared_error(image).mean((1, 2, 3))
        with autocast(self.opt.amp, detector.device):
            scores = detector.in_chunks(error, self.data.beats(chosen).image)
        classes = self.classes[chosen]
        result = {
            name: roc_auc_score(classes != "N", scores),
            f"{name}_ap": average_precision_score(classes != "N", scores),
        }
        if name == "test":
            result["rec_normal"] = scores[classes == "N"].mean()
            for abnormal in "SVF":
                kept = np.isin(classes, ["N", abnormal])
                result[abnormal] = roc_auc_score(classes[kept] == abnormal, scores[kept])
        return result


if __name__ == "__main__":
    options.command(main)
