"""A few steps of training, as torchrun starts them; writes the terms of each to a file.

python parallel_steps.py OUT
"""

import hashlib
import json
import sys

import numpy as np
import torch
from synthetic_beats import normal_beats

import options
from experiments.training.device import autocast, launched
from experiments.training.loop import complete_options
from models import MODELS, parallel
from models.halves import sharing_batches


def main(out):
    with parallel.group(launched(), torch.device("cpu")):
        found = {
            "whole": steps("off", halves=False),
            "halves": [steps(amp, halves=True) for amp in ("off", "bfloat16")],
        }
        if parallel.is_first():
            with open(out, "w") as file:
                json.dump(found, file)


def steps(amp, halves):
    """The terms of each step, sums and digests of the weights after them, what chunks give."""
    opt = options.parse("main", ["--device", "cpu"])
    beats = normal_beats(101)  # which two processes cannot share evenly
    beats.record = np.where(np.arange(101) % 3, "a", "b")
    torch.manual_seed(0)
    detector = MODELS["b2igan"](complete_options(opt))
    detector.prepare(beats)
    detector.train()
    with sharing_batches(detector, halves) as taught, autocast(amp, torch.device("cpu")):
        taught.begin_step(0.2)
        terms = [taught.training_step(beats[step:]) for step in range(3)]
    together = detector.in_chunks(lambda mv: mv.mean(1), np.tile(beats.beat_mv, (20, 1)))
    weights = {
        name: value
        for name, value in detector.state_dict().items()
        if not name.startswith(("context", "localiser"))
    }
    sums = {name: value.double().sum().item() for name, value in weights.items()}
    digest = hashlib.sha256(b"".join(value.numpy().tobytes() for value in weights.values()))
    return terms, sums, digest.hexdigest(), together.tolist()


if __name__ == "__main__":
    main(sys.argv[1])
