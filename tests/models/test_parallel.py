"""Two processes that train together take the steps of one."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]


def free_port():
    """A port of this machine that nobody listens at, so that launches side by side do not meet."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def steps(n_processes, folder):
    """What parallel_steps.py found, in so many processes."""
    out = folder / f"{n_processes}.pt"
    program = [str(ROOT / "tests/models/parallel_steps.py"), str(out)]
    # by address: with --standalone they meet at this machine's name, which not every machine knows
    launcher = ["-m", "torch.distributed.run", "--master_addr", "127.0.0.1"]
    launcher += ["--master_port", str(free_port()), "--nproc_per_node", str(n_processes)]
    path = f"{ROOT}:{ROOT / 'tests/models'}"
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *(launcher if n_processes > 1 else []), *program]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return torch.load(out)


def test_two_processes_take_the_step_of_one(tmp_path):
    one, two = steps(1, tmp_path), steps(2, tmp_path)
    # Before the discriminator's step: Adam's first one amplifies rounding, which g_adv then has.
    for term in ("d_class", "d_adv", "g_rec", "g_dist"):
        assert two["terms"][term] == pytest.approx(one["terms"][term], rel=1e-5), term
    assert one["gradients"].keys() == two["gradients"].keys()
    for name, gradient in one["gradients"].items():  # in double precision
        off = (two["gradients"][name] - gradient).norm()
        assert gradient.dtype == torch.float64 and off < 1e-6 * gradient.norm() + 1e-12, name
