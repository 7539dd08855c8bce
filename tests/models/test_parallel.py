"""Two processes that train together take the steps of one."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def free_port():
    """A port of this machine that nobody listens at, so that launches side by side do not meet."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def steps(n_processes, folder):
    """Terms of the losses of three steps, sums of the weights after them, and what chunks gave."""
    out = folder / f"{n_processes}.json"
    program = [str(ROOT / "tests/models/parallel_steps.py"), str(out)]
    # by address: with --standalone they meet at this machine's name, which not every machine knows
    launcher = ["-m", "torch.distributed.run", "--master_addr", "127.0.0.1"]
    launcher += ["--master_port", str(free_port()), "--nproc_per_node", str(n_processes)]
    path = f"{ROOT}:{ROOT / 'tests/models'}"
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *(launcher if n_processes > 1 else []), *program]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return json.loads(out.read_text())


def test_two_processes_take_the_steps_of_one(tmp_path):
    (one, weights, chunks), (two, same_weights, same_chunks) = (
        steps(1, tmp_path),
        steps(2, tmp_path),
    )
    assert one[0] == pytest.approx(two[0], rel=1e-5)  # before any rounding was learnt from
    for ours, theirs in zip(one, two):
        assert ours == pytest.approx(theirs, rel=1e-2)
    assert weights == pytest.approx(same_weights, rel=0.05, abs=0.5)
    assert chunks == same_chunks
