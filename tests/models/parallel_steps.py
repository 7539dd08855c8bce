"""A few steps of training, as torchrun starts them; writes the terms of each to a file.

python parallel_steps.py OUT
"""

import json
import sys

import numpy as np
import torch
from synthetic_beats import normal_beats

import options
from experiments.training.device import launched
from experiments.training.loop import complete_options
from models import MODELS, parallel


def main(out):
    opt = options.parse("main", ["--device", "cpu"])
    beats = normal_beats(101)  # which two processes cannot share evenly
    beats.record = np.where(np.arange(101) % 3, "a", "b")
    with parallel.group(launched(), torch.device("cpu")):
        torch.manual_seed(0)
        detector = MODELS["b2igan"](complete_options(opt))
        detector.prepare(beats)
        detector.train()
        with parallel.batch_statistics(detector):
            detector.begin_step(0.2)
            terms = [detector.training_step(beats[step:]) for step in range(3)]
        together = detector.in_chunks(lambda mv: mv.mean(1), np.tile(beats.beat_mv, (20, 1)))
        if parallel.is_first():
            weights = {
                name: value.double().sum().item()
                for name, value in detector.state_dict().items()
                if not name.startswith(("context", "localiser"))
            }
            with open(out, "w") as file:
                json.dump([terms, weights, together.tolist()], file)


if __name__ == "__main__":
    main(sys.argv[1])
