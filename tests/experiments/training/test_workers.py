"""One function of many items: the same results here, in workers, and after a worker was killed."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import worker_tasks

from experiments.training import workers
from preprocess import BadInput

ROOT = Path(__file__).parents[3]


EXPECTED = {place: place * place for place in range(5)}


def squares(*where, function=worker_tasks.square):
    return dict(workers.side_by_side(function, range(5), *where))


def test_without_a_flag_nothing_is_started_or_loaded():
    program = (
        "import sys, worker_tasks\n"
        "from experiments.training import workers\n"
        "print(dict(workers.side_by_side(worker_tasks.square, range(5), None, None)))\n"
        "print('distributed' in sys.modules or 'dask' in sys.modules)\n"
    )
    path = f"{ROOT}:{ROOT / 'tests/experiments/screening'}"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [str(EXPECTED), "False"]


def test_a_killed_worker_costs_its_item_a_retry_and_nothing_else(tmp_path, capsys):
    function = partial(worker_tasks.square_or_die_once, folder=tmp_path)
    assert squares(2, None, function=function) == EXPECTED
    assert (tmp_path / ".died").exists()
    assert "2 workers" in capsys.readouterr().err


def test_an_item_that_kills_its_workers_is_lost_and_the_run_is_not():
    done = dict(workers.side_by_side(worker_tasks.die_always, range(1), 1, None))
    assert isinstance(done[0], workers.Lost) and "3 in a row" in str(done[0])


def test_no_scheduler_at_the_address_is_one_sentence(monkeypatch):
    monkeypatch.setattr(workers, "CONNECT_S", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense", "tcp://no.such.host:8786"):
        with pytest.raises(BadInput, match="no Dask scheduler answers at") as error:
            squares(None, address)
        assert "\n" not in str(error.value)


def test_a_worker_of_another_version_is_named(monkeypatch):
    monkeypatch.setattr(workers.source_digest, "code", lambda: "another")
    with pytest.raises(BadInput, match="other versions \\(program .* here program another"):
        squares(1, None)
