"""Training speed of the original's network: its step as published, as here, and as here in
bfloat16.  python -m experiments.original_speed --help

A step of each is taken in turn, so that what else a machine does meets all of them alike. Prints a
table and, last, one JSON object on one line.
"""

import json
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

import options
from experiments.original_way import original_step
from experiments.training.device import autocast
from models.compared.b2igan_original import B2IGANOriginal
from preprocess.beats import Beats
from preprocess.spectrogram import SETTINGS

MATRIX = 2048  # rows of the products that say what the processor can do at best
OPTIONS = B2IGANOriginal.defaults | {"w_adv": 1.0, "seed": 0}


def main(argv=None):
    """Measures; returns the JSON object."""
    opt = parse(argv)
    image = np.random.default_rng(0).random((opt.batchsize, *SETTINGS["decibel"].shape), np.float32)
    ways = {
        "as published, float32": (published_step(image), "off"),
        "as here, float32": (our_step(image), "off"),
        "as here, bfloat16": (our_step(image), "bfloat16"),
    }
    with FlopCounterMode(display=False) as counted:
        our_step(image)()
    gflop = counted.get_total_flops() / opt.batchsize / 1e9
    seconds = in_turn(ways, opt.steps)
    result = {
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "batchsize": opt.batchsize,
        "gflop_a_beat": gflop,
        "peak_gflops": {
            str(kind)[6:]: peak_gflops(kind) for kind in (torch.float32, torch.bfloat16)
        },
        "beats_per_s": {name: opt.batchsize / wall for name, (wall, _) in seconds.items()},
        "beats_per_cpu_s": {name: opt.batchsize / cpu for name, (_, cpu) in seconds.items()},
    }
    first = next(iter(ways))
    for name in ways:
        wall, cpu = result["beats_per_s"][name], result["beats_per_cpu_s"][name]
        times = cpu / result["beats_per_cpu_s"][first]
        print(
            f"{name:24s}{wall:7.1f} beats/s  {cpu:7.1f} beats per processor second  x {times:.2f}"
        )
    print(json.dumps(result))
    return result


def parse(argv):
    parser = options.parser(
        "python -m experiments.original_speed",
        "Training speed of the original's network, its step as published and as here.",
        "example:\n  OMP_NUM_THREADS=2 python -m experiments.original_speed",
    )
    group = parser.add_argument_group("what to measure")
    group.add_argument(
        "--steps", type=options.integer(1), default=5, metavar="N", help="of each way, in turn"
    )
    group.add_argument(
        "--batchsize", type=options.integer(2), default=64, metavar="N", help="beats a step"
    )
    return parser.parse_args(argv)


def our_step(image: np.ndarray) -> Callable[[], dict]:
    detector, n = B2IGANOriginal(OPTIONS), len(image)
    beats = Beats(image, np.zeros((n, 0)), np.zeros(n), np.zeros(n), np.zeros((n, 3)))
    return lambda: detector.training_step(beats)


def published_step(image: np.ndarray) -> Callable[[], dict]:
    """Tensors lie in memory as published, channel by channel."""
    detector = B2IGANOriginal(OPTIONS).to(memory_format=torch.contiguous_format)
    real, steps = torch.as_tensor(image) * 2 - 1, detector.optimizers()
    networks = detector.generator, detector.discriminator
    return lambda: original_step(*networks, steps, real, OPTIONS["w_adv"])


def in_turn(
    ways: dict[str, tuple[Callable[[], dict], str]], n: int
) -> dict[str, tuple[float, float]]:
    """{name: (function, precision)} to the median seconds of a call, of the clock and of the
    processor; the first round warms up."""
    taken = {name: [] for name in ways}
    for _ in range(n + 1):
        for name, (function, amp) in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            with autocast(amp, torch.device("cpu")):
                function()
            taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {name: tuple(np.median(values[1:], 0).tolist()) for name, values in taken.items()}


def peak_gflops(kind: torch.dtype) -> float:
    """Of matrix products, per second of the processor's time."""
    a, b = (torch.rand(MATRIX, MATRIX).to(kind) for _ in range(2))
    a @ b
    started = time.process_time()
    for _ in range(10):
        a @ b
    return 20 * MATRIX**3 / (time.process_time() - started) / 1e9


if __name__ == "__main__":
    options.command(main)
