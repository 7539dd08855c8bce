"""Accidents: what was finished is whole, a sentence says how to go on, nothing accumulates."""

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import main
from experiments.screening.outputs import OUTPUTS
from preprocess import __main__ as preparation
from preprocess import commands

ROOT = Path(__file__).parents[1]
FEW_BYTES = 20_000  # less than any of the outputs that are written
CHECKPOINT = "autoencoder/beatgan/fold0/checkpoint.pt"


def words_of(name, cohort, dataroot, weights, out):
    """Of a command, for main.py or python -m preprocess."""
    device, records = ["--device", "cpu"], sorted(cohort.glob("sim0[12].hea"))
    words = {
        "train": ["--dataroot", dataroot, "--outf", out, "--model", "autoencoder", "--niter", 2]
        + ["--train-beats", 256, "--no-error-map", "--resume", *device],
        "screen": ["--screen", *records, "--outf", out, "--checkpoint", weights, *device],
        "preprocess": ["--records", cohort, "--dataroot", out],
    }[name]
    return list(map(str, words))


MADE = {  # by a command, beside or in its folder `out`, before it is done
    "train": f"out/{CHECKPOINT}",
    "screen": "out/sim01.html",
    "preprocess": ".out.part/beats.npy",
}


def start(name, *where):
    program = ["-m", "preprocess"] if name == "preprocess" else ["main.py"]
    command = [sys.executable, *program, *words_of(name, *where)]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes)


def main_of(name):
    """The same command within this process."""
    return preparation.main if name == "preprocess" else main.main


def started(name, *where):
    """A process that has begun to write."""
    process = start(name, *where)
    while not (where[-1].parent / MADE[name]).exists() and process.poll() is None:
        time.sleep(0.01)
    return process


def names(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("name", MADE)
def test_what_was_killed_is_finished_by_the_same_command(name, cohort, dataroot, weights, tmp_path):
    where = [(cohort, dataroot, weights, tmp_path / kind / "out") for kind in ("killed", "whole")]
    for folder in ("killed", "whole"):
        (tmp_path / folder).mkdir()
    process = started(name, *where[0])
    process.kill()
    process.communicate()
    process = start(name, *where[0])
    _, said = process.communicate()
    assert process.returncode == 0, said
    main_of(name)(words_of(name, *where[1]))
    assert names(tmp_path / "killed") == names(tmp_path / "whole")
    if name == "train":
        found = [tmp_path / kind / "out" / CHECKPOINT for kind in ("killed", "whole")]
        killed, whole = (torch.load(path, weights_only=True) for path in found)
        assert killed["finished"] and killed["epoch"] == whole["epoch"]
        torch.testing.assert_close(killed["state"], whole["state"])


@pytest.mark.parametrize("name", MADE)
def test_what_is_stopped_says_how_to_go_on(name, cohort, dataroot, weights, tmp_path):
    process = started(name, cohort, dataroot, weights, tmp_path / "out")
    process.terminate()
    _, said = process.communicate()
    assert process.returncode in (0, 143) and "Traceback" not in said  # 0: it was just over
    assert process.returncode == 0 or "does the rest" in said
    left = names(tmp_path)
    assert not [name for name in left if ".part" in name or ".lock" in name]
    if name == "screen":
        assert len(left) % len(OUTPUTS) == 0 or process.returncode == 0
    if name == "preprocess":
        assert process.returncode == 0 or not left


def run(name, *where):
    with pytest.raises(SystemExit) as ended:
        commands.command(lambda: main_of(name)(words_of(name, *where)))
    return ended.value.code


@pytest.mark.parametrize("name", MADE)
def test_a_disk_that_is_full_is_a_sentence(name, cohort, dataroot, weights, tmp_path, capsys):
    """The limit on the size of a file stands for it: the system refuses to write."""
    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FEW_BYTES, earlier[1]))
    try:
        status = run(name, cohort, dataroot, weights, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, earlier)
        signal.signal(signal.SIGXFSZ, ignored)
    said = capsys.readouterr().err
    assert status == 2 and "error: " in said and "Traceback" not in said
    assert not [name for name in names(tmp_path) if ".part" in name or ".lock" in name]
