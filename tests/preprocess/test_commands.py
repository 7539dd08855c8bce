"""Whatever happens to a command ends as one sentence, with a status that says what it was."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from preprocess import BadInput, commands
from preprocess.commands import command

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "error, status, words",
    [
        (BadInput("no such record: give another"), 2, "no such record"),
        (KeyboardInterrupt(), 130, "--resume"),
        (MemoryError(), 2, "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 2, "not enough memory"),
        (RuntimeError("could not create a primitive"), 2, "not enough memory"),
        (OSError(28, "No space left on device", "out/checkpoint.pt"), 2, "out/checkpoint.pt: No s"),
    ],
)
def test_what_can_happen_is_a_sentence(error, status, words, capsys):
    def main():
        raise error

    with pytest.raises(SystemExit) as ended:
        command(main)
    said = capsys.readouterr().err
    assert ended.value.code == status
    assert said.startswith("error: ") and words in said and said.count("\n") == 1


def test_the_unexpected_names_a_log_with_the_traceback(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def main():
        return {}["no such key"]

    with pytest.raises(SystemExit) as ended:
        command(main)
    said = capsys.readouterr().err
    (log,) = tmp_path.glob("*.log")
    assert ended.value.code == 70
    assert str(log) in said and "Traceback" not in said
    assert "no such key" in log.read_text() and "Traceback" in log.read_text()


def start(code):
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("sent, status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_process_says_how_to_go_on(sent, status):
    code = (
        "import time\n"
        "from preprocess.commands import command\n"
        "command(lambda: (print('ready', flush=True), time.sleep(60)))"
    )
    process = start(code)
    started = time.monotonic()
    process.send_signal(sent)
    _, said = process.communicate(timeout=20)
    assert process.returncode == status and time.monotonic() - started < 5
    assert "--resume" in said and "Traceback" not in said


@pytest.mark.parametrize("sent, status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_while_libraries_load_a_signal_ends_it_at_once(sent, status):
    process = start(
        "import sys, time\n"
        "sys.argv = ['-m']\n"  # what Python says while it looks for a module to run
        "import preprocess\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    process.send_signal(sent)
    _, said = process.communicate(timeout=20)
    assert process.returncode == status
    assert said == "error: stopped before anything was done\n"


def test_who_presses_twice_does_not_break_into_the_clearing_away():
    process = start(
        "import time\n"
        "from preprocess.commands import command\n"
        "def main():\n"
        "    try:\n"
        "        print('ready', flush=True)\n"
        "        time.sleep(60)\n"
        "    finally:\n"
        "        print('clearing', flush=True)\n"
        "        time.sleep(1)\n"
        "        print('cleared', flush=True)\n"
        "command(main)"
    )
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "clearing\n"
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=20)
    assert process.returncode == 130 and "Traceback" not in said and out == "cleared\n"


def test_a_signal_that_python_drops_comes_again():
    process = start(
        "import time\n"
        "from preprocess.commands import command\n"
        "class Slow:\n"
        "    def __del__(self):\n"
        "        print('ready', flush=True)\n"
        "        time.sleep(60)\n"
        "def main():\n"
        "    slow = Slow()\n"
        "    del slow\n"
        "    time.sleep(60)\n"
        "command(main)"
    )
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130 and "Traceback" not in said


@pytest.mark.parametrize("given", [[""], ["a", " "]])
def test_nothing_is_no_name(given, capsys):
    made = commands.parser("x", "")
    made.add_argument("--there", nargs="+", metavar="PATH")
    with pytest.raises(SystemExit) as ended:
        made.parse_args(["--there", *given])
    assert ended.value.code == 2 and "give a name" in capsys.readouterr().err


def test_an_object_that_was_half_made_when_a_signal_came_adds_nothing_to_the_sentence():
    code = """
import os, signal, sys
sys.argv = ["-m"]
from preprocess.commands import command
class Half:
    def __init__(self):
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(10**7))
        self.whole = True
    def __del__(self):
        self.whole
command(Half)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 130 and done.stderr.startswith("error: interrupted")
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
