"""Two processes that train together take the steps of one."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from models import parallel
from models.halves import sharing_batches

ROOT = Path(__file__).parents[2]


def free_port():
    """A port of this machine that nobody listens at, so that launches side by side do not meet."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def steps(n_processes, folder):
    """What parallel_steps.py found, in so many processes."""
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


@pytest.fixture(scope="module")
def one_and_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("launches")
    return steps(1, folder), steps(2, folder)


def test_two_processes_take_the_steps_of_one(one_and_two):
    (one, weights, _, chunks), (two, same_weights, _, same_chunks) = (
        found["whole"] for found in one_and_two
    )
    assert one[0] == pytest.approx(two[0], rel=1e-5)  # before any rounding was learnt from
    for ours, theirs in zip(one, two):
        assert ours == pytest.approx(theirs, rel=1e-2)
    assert weights == pytest.approx(same_weights, rel=0.05, abs=0.5)
    assert chunks == same_chunks


def test_in_halves_two_processes_train_to_the_bytes_of_one(one_and_two):
    one, two = (found["halves"] for found in one_and_two)
    assert one == two


class Failing:
    """A detector of which the second half fails while the first waits for it."""

    image = None

    def modules(self):
        return []

    def training_step(self, beats):
        if parallel.rows(len(beats)).start:
            raise ZeroDivisionError
        return parallel.total(torch.ones(1))


def test_what_fails_in_one_half_is_said_and_not_waited_for():
    with sharing_batches(Failing(), halves=True) as taught, pytest.raises(ZeroDivisionError):
        taught.training_step([1, 2])
    assert parallel.processes() == 1
