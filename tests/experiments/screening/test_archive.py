"""Many recordings: the same bytes however they are screened, nothing twice, nothing lost."""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import worker_tasks
from screening_runs import lead_of, options_for, write_record

from experiments.screening import archive, pipeline
from experiments.screening.page import trace
from preprocess import BadInput
from preprocess.files import only_writer

ROOT = Path(__file__).parents[3]
NAMES = ("one", "two", "three")


@pytest.fixture(scope="module")
def recordings(record, tmp_path_factory):
    """Three minutes of one patient, each a recording."""
    folder = tmp_path_factory.mktemp("recordings")
    signal_mv = lead_of(record, 180)
    for name, start in zip(NAMES, (0, 60, 120)):
        write_record(folder, signal_mv[start * 360 : (start + 60) * 360], name)
    return folder


@pytest.fixture(scope="module")
def one_by_one(recordings, weights, tmp_path_factory):
    """{name: bytes} of the outputs of one process."""
    out = tmp_path_factory.mktemp("one_by_one")
    pipeline.screen_all(options_for(weights, out, paths=[recordings]))
    return contents(out)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@contextmanager
def cluster_of(n_workers, folder):
    """Address of a scheduler with workers, each a process started as docs/scale.md says."""
    file = folder / "scheduler.json"
    paths = (ROOT, ROOT / "tests/experiments/screening")
    environment = os.environ | {"PYTHONPATH": ":".join(map(str, paths))}
    dask = [sys.executable, "-m", "dask"]
    scheduler = ["scheduler", "--port", "0", "--dashboard-address", ":0"]
    worker = ["worker", "--nthreads", "1", "--memory-limit", "0", "--dashboard-address", ":0"]
    commands = [scheduler] + [worker] * n_workers
    with ExitStack() as stack, open(folder / "log", "w") as log:
        for command in commands:
            process = subprocess.Popen(
                [*dask, *command, "--scheduler-file", str(file)],
                env=environment,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
        while not file.exists():  # the test's own time limit is the only one
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"]


def test_a_cluster_with_a_worker_killed_gives_the_bytes_of_one_process(
    recordings, weights, one_by_one, tmp_path, monkeypatch
):
    monkeypatch.setattr(pipeline, "attempt", worker_tasks.attempt_or_die_once)
    out = tmp_path / "out"
    with cluster_of(2, tmp_path) as address:
        flags = ("--cluster", address)
        pipeline.screen_all(options_for(weights, out, *flags, paths=[recordings]))
    assert (out / ".died").exists()
    assert contents(out) == one_by_one | {".died": b""}


def test_resume_does_what_is_missing_or_was_made_otherwise_and_nothing_else(
    recordings, weights, one_by_one, tmp_path, capsys, monkeypatch
):
    for name, content in one_by_one.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "two.json").unlink()
    resume = lambda *more: pipeline.screen_all(
        options_for(weights, tmp_path, "--resume", *more, paths=[recordings])
    )
    resume()
    assert "1 recordings to screen, 2 done before" in capsys.readouterr().out
    assert contents(tmp_path) == one_by_one  # the index too
    for ending in (".csv", ".html", ".b2i"):  # cut where it might have ended
        output = tmp_path / f"one{ending}"
        content = output.read_bytes()
        output.write_bytes(content[: content.rindex(content[-1:], 0, -1) + 1])
        resume()
        assert "1 recordings to screen, 2 done before" in capsys.readouterr().out
        assert contents(tmp_path) == one_by_one
    resume("--jobs", "1")
    assert "0 recordings to screen, 3 done before" in capsys.readouterr().out
    monkeypatch.setattr(trace, "MOST_INSIDE_S", 0)
    resume("--pause", "3")
    assert "3 recordings to screen, 0 done before" in capsys.readouterr().out
    (tmp_path / "one.trace/0.js").unlink()
    resume("--pause", "3")
    assert "1 recordings to screen, 2 done before" in capsys.readouterr().out


def test_two_runs_into_one_folder_are_one_too_many(recordings, weights, tmp_path):
    opt = options_for(weights, tmp_path, "--jobs", "1", paths=[recordings])
    with only_writer(tmp_path), pytest.raises(BadInput, match="another process is writing"):
        pipeline.screen_all(opt)
    assert not list(tmp_path.iterdir())


def test_a_recording_for_which_memory_lacked_is_tried_again_in_a_fresh_process(
    recordings, weights, tmp_path, monkeypatch
):
    def fails(*_, **__):
        raise MemoryError

    monkeypatch.setattr(pipeline, "screen", fails)  # here, and not in the fresh process
    pipeline.screen_all(options_for(weights, tmp_path, paths=[recordings / "one"]))
    assert (tmp_path / "one.html").exists()


def test_a_worker_that_does_not_see_the_outputs_says_so(recordings, weights, tmp_path):
    opt = archive.for_workers(options_for(weights, tmp_path, "--cluster", "tcp://host:1"))
    with pytest.raises(BadInput, match="--outf must lie where"):
        pipeline.attempt(recordings / "one", opt, in_worker=True)
    with only_writer(tmp_path):
        assert pipeline.attempt(recordings / "one", opt, in_worker=True).summary


@pytest.mark.parametrize("ending", [".edf", ".ecg", ".csv", ".dat"])
def test_another_recording_of_the_same_name_is_not_done(ending, tmp_path):
    """Whatever its format, and wherever the header says that its signals lie."""
    path, signal = tmp_path / f"r1{ending}", tmp_path / f"r1{ending}"
    if ending == ".dat":
        path, signal = tmp_path / "r1", tmp_path / "signals.bin"
        (tmp_path / "r1.hea").write_text("r1 1 360 50\nsignals.bin 16 1000 16 0 0 0 0 MLII\n")
    signal.write_bytes(bytes(100))
    earlier = archive._facts(path, None)
    signal.write_bytes(bytes(102))
    assert None not in earlier and archive._facts(path, None) != earlier
