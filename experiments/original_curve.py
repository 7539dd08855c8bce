"""How far the original B2I-GAN gets with training: its AUC after each check of
`--select paper`.  python -m experiments.original_curve --help

USES LABELS, as published: they choose the epoch. Writes curve.csv and checkpoint.pt to
OUTF/b2igan-original/PROTOCOL/foldK/; --resume goes on after the last whole epoch.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import nn

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
SHOWN_CLASSES = "S", "V", "F"


def main(argv=None):
    opt = parse(argv)
    data = dataset.load(opt.dataroot)
    rows = split(data.index, opt.protocol, opt.folder, opt.select)
    folder = Path(opt.outf) / ORIGINAL / opt.protocol / f"fold{opt.folder}"
    trained = train(data, rows, opt, folder, Watch(data, rows, opt, folder / "curve.csv"))
    print(f"epoch of the best labelled validation AUC: {trained.best['auc']:.4f}; {folder}")


def parse(argv):
    parser = options.parser(
        "python -m experiments.original_curve",
        "How the AUC of the original B2I-GAN moves with training: curve.csv.",
        "example:\n  python -m experiments.original_curve --dataroot "
        f"{options.DATASET}/decibel --niter 30 --checks 4 --resume",
    )
    options.add_data(parser.add_argument_group("what to run"))
    options.add_training(parser.add_argument_group("training"))
    parser.add_argument_group("what to measure").add_argument(
        "--scored",
        type=options.integer(100),
        default=4000,
        metavar="N",
        help="so many beats of the validation, and of the test, are scored at each check",
    )
    parser.set_defaults(model=ORIGINAL, select="paper", error_map=False, context="none")
    return parser.parse_args(argv)


class Watch:
    """Scores validation and test beats, with batch norm by running statistics and by those of the
    batch, and adds a row to curve.csv."""

    def __init__(self, data: Dataset, rows: Split, opt, path: Path):
        self.data, self.classes, self.opt, self.path = data, rows.classes, opt, path
        # In an order of chance: that of batches whose statistics are taken.
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

    def __call__(self, detector: B2IGANOriginal, epoch: int) -> None:
        checks = self.opt.checks or 1
        row = {"epochs": (len(self.table) + 1) / checks}
        for mode in ("eval", "train"):
            for part, chosen in self.parts.items():
                row |= self._figures(detector, chosen, mode, f"{part}_{mode}")
        self.table.append({name: round(value, 4) for name, value in row.items()})
        with whole_file(self.path) as new:
            pd.DataFrame(self.table).to_csv(new, index=False)
        print(self.table[-1], flush=True)

    def _figures(self, detector, chosen, mode, name) -> dict[str, float]:
        device_type = autocast(self.opt.amp, detector.device)
        with torch.no_grad(), batch_norm(detector, mode), device_type:
            scores = np.concatenate(
                [
                    detector.squared_error(self._image(batch, detector)).mean((1, 2, 3)).cpu()
                    for batch in np.array_split(chosen, max(1, len(chosen) // 64))
                ]
            )
        classes = self.classes[chosen]
        result = {
            name: roc_auc_score(classes != "N", scores),
            f"{name}_ap": average_precision_score(classes != "N", scores),
        }
        if name == "test_eval":
            result["rec_normal"] = scores[classes == "N"].mean()
            for abnormal in SHOWN_CLASSES:
                kept = np.isin(classes, ["N", abnormal])
                result[abnormal] = roc_auc_score(classes[kept] == abnormal, scores[kept])
        return result

    def _image(self, batch, detector):
        return torch.as_tensor(self.data.beats(batch).image, device=detector.device)


@contextlib.contextmanager
def batch_norm(detector: nn.Module, mode: str) -> Iterator[None]:
    """Within, batch norm of a detector in training goes by its running statistics ("eval") or by
    those of the batch ("train"), and the running ones stay as they are."""
    norms = [m for m in detector.modules() if isinstance(m, nn.BatchNorm2d)]
    running = [{name: value.clone() for name, value in n.named_buffers()} for n in norms]
    detector.train(mode == "train")
    try:
        yield
    finally:
        detector.train()
        for norm, values in zip(norms, running, strict=True):
            for name, value in values.items():
                getattr(norm, name).copy_(value)


if __name__ == "__main__":
    options.command(main)
