"""A step of training, as torchrun starts it; writes what came of it to a file.

python parallel_steps.py OUT
"""

import sys

import numpy as np
import torch
from synthetic_beats import normal_beats

import options
from experiments.training.loop import complete_options
from models import MODELS, parallel


def main(out):
    with parallel.group(torch.device("cpu")):
        found = step(torch.float32) | {"gradients": step(torch.float64)["gradients"]}
        if parallel.is_first():
            torch.save(found, out)


def step(dtype):
    """The terms of the losses, and the gradients."""
    beats = normal_beats(101)  # which two processes cannot share evenly
    beats.record = np.where(np.arange(101) % 3, "a", "b")
    torch.manual_seed(0)
    detector = MODELS["b2igan"](complete_options(options.parse("main", [])))
    detector.prepare(beats)
    detector.to(dtype).train()
    beats.image = beats.image.astype(str(dtype).removeprefix("torch."))
    with parallel.batch_statistics(detector):
        detector.begin_step(0.2)
        terms = detector.training_step(beats)
    gradients = {name: w.grad for name, w in detector.named_parameters() if w.grad is not None}
    return {"terms": terms, "gradients": gradients}


if __name__ == "__main__":
    main(sys.argv[1])
