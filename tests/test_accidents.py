"""Accidents, as real processes: what was finished is whole, a sentence says how to go on, and
nothing accumulates."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import main
from experiments import compare
from preprocess import __main__ as preparation
from preprocess import commands, simulate

ROOT = Path(__file__).parents[1]
FEW_BYTES = 20_000  # less than any of the outputs that are written
SENTENCES = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "stopped")}


def start(*words, **more):
    command = [sys.executable, *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes, **more)


def when(process, path, seconds=60):
    """Waits until a process has made a file (or ended)."""
    until = time.monotonic() + seconds
    while not list(path.parent.glob(path.name)) and process.poll() is None:
        assert time.monotonic() < until, f"no {path}"
        time.sleep(0.01)


def names(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def training(dataroot, out, *more):
    flags = ("--model", "autoencoder", "--niter", 3, "--device", "cpu", "--train-beats", 256)
    return ("main.py", "--dataroot", dataroot, "--outf", out, *flags, *more)


@pytest.fixture(scope="module")
def trained(dataroot, tmp_path_factory):
    """The folder of a training that nothing happened to."""
    out = tmp_path_factory.mktemp("trained")
    assert start(*training(dataroot, out)).wait(300) == 0
    return out


def test_a_training_that_was_killed_ends_as_if_it_had_not(dataroot, trained, tmp_path):
    found = Path("autoencoder/beatgan/fold0/checkpoint.pt")
    for _ in range(2):
        process = start(*training(dataroot, tmp_path, "--resume"))
        when(process, tmp_path / found)
        time.sleep(0.1)
        process.kill()
        process.communicate()
    process = start(*training(dataroot, tmp_path, "--resume"))
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    ours, theirs = (torch.load(f / found, weights_only=True) for f in (tmp_path, trained))
    assert ours["finished"] and ours["reference"] == theirs["reference"]
    assert all(torch.equal(ours["state"][name], value) for name, value in theirs["state"].items())
    assert names(tmp_path) == names(trained)


@pytest.mark.parametrize("sent", SENTENCES, ids=lambda number: number.name)
def test_a_training_that_is_stopped_says_how_to_go_on(sent, dataroot, tmp_path):
    process = start(*training(dataroot, tmp_path, "--niter", 1000))
    when(process, tmp_path / "autoencoder/beatgan/fold0/checkpoint.pt")
    process.send_signal(sent)
    _, said = process.communicate(timeout=60)
    status, word = SENTENCES[sent]
    assert process.returncode == status and "Traceback" not in said
    assert f"error: {word}" in said and "--resume" in said
    assert not [name for name in names(tmp_path) if name.endswith((".part", ".lock"))]


def test_two_trainings_into_one_folder(dataroot, tmp_path):
    """The second says so, and the first goes on."""
    first = start(*training(dataroot, tmp_path, "--niter", 1000))
    when(first, tmp_path / "autoencoder/beatgan/fold0/checkpoint.pt")
    second = start(*training(dataroot, tmp_path, "--resume"))
    _, said = second.communicate(timeout=60)
    assert second.returncode == 2 and "another process is writing" in said
    assert first.poll() is None
    first.kill()
    first.communicate()


@pytest.mark.parametrize("sent", SENTENCES, ids=lambda number: number.name)
def test_preparation_that_is_stopped_leaves_nothing_behind(sent, cohort, tmp_path):
    process = start("-m", "preprocess", "--records", cohort, "--dataroot", tmp_path / "out")
    when(process, tmp_path / "out.part" / "beats.npy")
    process.send_signal(sent)
    _, said = process.communicate(timeout=60)
    assert process.returncode in (0, SENTENCES[sent][0]) and "Traceback" not in said
    assert process.returncode == 0 or names(tmp_path) == []


def test_kills_while_records_are_simulated_accumulate_nothing(tmp_path):
    command = ("-m", "preprocess", "--data", "simulated", "--datadir", tmp_path)
    for _ in range(2):
        process = start(*command, "--dataroot", tmp_path / "out")
        when(process, tmp_path / ".simulated.part" / "new" / "*.hea")
        process.kill()
        process.communicate()
    assert sorted(p.name for p in tmp_path.iterdir()) == [".simulated.part"]
    simulate.simulate(tmp_path / "simulated", subjects=2, minutes=0.5, progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["simulated"]


def test_kills_while_screening_accumulate_nothing(cohort, weights, tmp_path):
    flags = ("--outf", tmp_path, "--checkpoint", weights, "--device", "cpu")
    process = start("main.py", "--screen", cohort / "sim01", *flags)
    when(process, tmp_path / ".screening-sim01")
    process.kill()
    process.communicate()
    process = start("main.py", "--screen", cohort / "sim01", *flags)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert names(tmp_path) == [f"sim01.{ending}" for ending in ("b2i", "csv", "html", "json")]


@pytest.mark.parametrize("sent", SENTENCES, ids=lambda number: number.name)
def test_screening_that_is_stopped_says_where(sent, cohort, weights, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(40):
        for file in cohort.glob("sim01.[hd]*"):
            text = file.read_bytes().replace(b"sim01", b"r%03d" % k)
            (folder / f"r{k:03d}{file.suffix}").write_bytes(text)
    flags = ("--outf", tmp_path / "out", "--checkpoint", weights, "--device", "cpu")
    process = start("main.py", "--screen", folder, *flags)
    when(process, tmp_path / "out" / "r000.html")
    process.send_signal(sent)
    _, said = process.communicate(timeout=60)
    status, word = SENTENCES[sent]
    assert process.returncode == status and "Traceback" not in said and f"error: {word}" in said
    whole = {Path(name).stem for name in names(tmp_path / "out")}
    assert len(names(tmp_path / "out")) == 4 * len(whole)


def flags_of(name, cohort, dataroot, weights, out):
    data = ["--dataroot", dataroot, "--device", "cpu"]
    return {
        "train": [*data, "--outf", out, "--model", "knn"],
        "test": [*data, "--outf", out, "--istest", "--checkpoint", weights, "--context", "none"],
        "screen": ["--screen", cohort / "sim01", "--outf", out, "--checkpoint", weights],
        "explain": [*data, "--explain", "sim01", "4000", "--checkpoint", weights, "--outf", out],
        "preprocess": ["--records", cohort, "--dataroot", out],
        "simulate": ["--data", "simulated", "--datadir", out, "--dataroot", out / "data"],
        "compare": ["--datadir", dataroot.parent, "--outf", out, "--models", "knn", "--folds", "0"],
    }[name]


COMMANDS = ("train", "test", "screen", "explain", "preprocess", "simulate", "compare")


def run(name, *more):
    function = {"compare": compare.main, "simulate": preparation.main}.get(name, main.main)
    function = preparation.main if name == "preprocess" else function
    words = [str(word) for word in flags_of(name, *more)]
    with pytest.raises(SystemExit) as ended:
        commands.command(lambda: function(words))
    return ended.value.code


@pytest.mark.parametrize("name", COMMANDS)
def test_a_disk_that_is_full_is_a_sentence(name, cohort, dataroot, weights, tmp_path, capsys):
    """The limit on the size of a file stands for it: the system refuses to write."""
    out = tmp_path / "out"
    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FEW_BYTES, earlier[1]))
    try:
        status = run(name, cohort, dataroot, weights, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, earlier)
        signal.signal(signal.SIGXFSZ, ignored)
    said = capsys.readouterr().err
    assert status == 2 and "error: " in said and "Traceback" not in said
    left = names(tmp_path) if out.exists() else []
    assert not [name for name in left if ".part" in name or ".lock" in name or ".screen" in name]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_where_outputs_should_go_is_a_sentence(
    name, cohort, dataroot, weights, tmp_path, capsys
):
    out = tmp_path / "out"
    out.write_text("a file of somebody's")
    assert run(name, cohort, dataroot, weights, out) == 2
    said = capsys.readouterr().err
    assert "error: " in said and "Traceback" not in said
    assert out.read_text() == "a file of somebody's"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_that_is_read_only_is_a_sentence(
    name, cohort, dataroot, weights, tmp_path, capsys
):
    tmp_path.chmod(0o500)
    try:
        assert run(name, cohort, dataroot, weights, tmp_path / "out") == 2
    finally:
        tmp_path.chmod(0o700)
    assert "Traceback" not in capsys.readouterr().err


def test_a_recording_too_large_for_the_memory_does_not_cost_the_others(cohort, weights, tmp_path):
    """A limit of the address space stands for it: some memory beside what the libraries take."""
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for file in cohort.glob("sim0[12].*"):
        shutil.copy(file, folder)
    minutes = 400
    signal_file = (cohort / "sim01.dat").read_bytes() * (minutes // 6)
    (folder / "aa.dat").write_bytes(signal_file)
    header = (cohort / "sim01.hea").read_text().replace("sim01", "aa").splitlines()
    rows = [line.split() for line in header if not line.startswith("#")]
    rows[0][3] = str(len(signal_file) // 3)
    for row in rows[1:]:
        row[6] = "0"  # no checksum
    (folder / "aa.hea").write_text("\n".join(" ".join(row) for row in rows) + "\n")
    limit = (
        "import re, resource, runpy, sys\n"
        "import experiments.screening.screener, experiments.training.checkpoint\n"
        "status = open('/proc/self/status').read()\n"
        "taken = int(re.search(r'VmSize:\\s+(\\d+)', status).group(1)) * 1024\n"
        "resource.setrlimit(resource.RLIMIT_AS, (taken + 400_000_000,) * 2)\n"
        "sys.argv = ['main.py', *sys.argv[1:]]\n"
        "runpy.run_path('main.py', run_name='__main__')"
    )
    flags = ("--screen", folder, "--outf", out, "--checkpoint", weights, "--device", "cpu")
    process = start("-c", limit, *flags, env=os.environ | {"OMP_NUM_THREADS": "1"})
    _, said = process.communicate(timeout=300)
    assert process.returncode in (0, 2) and "Traceback" not in said
    for name in ("sim01", "sim02"):
        assert json.loads((out / f"{name}.json").read_text())["beats"]["total"] > 100
