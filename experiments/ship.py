"""A finished checkpoint without what only training needs: weights to hand on, as safetensors."""

from pathlib import Path

import options
from experiments.screening.shipped import WEIGHTS
from experiments.training import checkpoint as checkpoints
from experiments.training import weights
from preprocess import BadInput


def main(argv=None):
    opt = parse(argv)
    checkpoint = checkpoints.load(opt.checkpoint)
    unfit = {
        "of a training that was stopped: finish it with --resume": not checkpoint.finished,
        "trained on simulated data": checkpoint.source == "simulated",
        "chosen with anomaly labels": checkpoint.options["select"] == "paper",
        "not of a b2igan, and what others remember are single beats": checkpoint.model != "b2igan",
    }
    for why, is_so in unfit.items():
        if is_so:
            raise BadInput(f"{opt.checkpoint} is not fit to be handed on: it is {why}")
    if not checkpoint.detector().has_error_map:
        raise BadInput(f"{opt.checkpoint} is not fit to be handed on: it has no error map")
    checkpoint.optimizers, checkpoint.best = {}, {}
    target = Path(opt.to or WEIGHTS)
    if target.suffix != weights.ENDING:
        raise BadInput(
            f"{target} does not end in {weights.ENDING}, which is how weights are handed on"
        )
    checkpoint.save(target)
    protocol, fold = checkpoint.options["protocol"], checkpoint.options["folder"]
    print(
        f"{target}: {checkpoint.model}, {target.stat().st_size / 1e6:.1f} MB, trained on "
        f"{checkpoint.train_beats} normal beats of {checkpoint.source}, protocol {protocol}, "
        f"fold {fold}"
    )


def parse(argv):
    made = options.study(
        "ship",
        "Weights to hand on: a checkpoint without what only training needs.",
        f"--checkpoint {options.OUTPUT}/b2igan/interpatient/fold0/checkpoint.pt",
    )
    add, finished = made.add_argument, "a finished one, trained on real records"
    add("--checkpoint", metavar="FILE", required=True, help=finished)
    target = "instead of experiments/weights/b2igan.safetensors, what screening uses"
    add("--to", metavar="FILE", help=target)
    return made.parse_args(argv)


if __name__ == "__main__":
    options.command(main)
