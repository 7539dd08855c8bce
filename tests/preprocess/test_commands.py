"""Whatever happens to a command ends as one sentence, with a status that says what it was."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from preprocess import BadInput
from preprocess.commands import command, parser

ROOT = Path(__file__).parents[2]
WAIT = """
import time
from preprocess.commands import command
def main():
    try:
        print("ready", flush=True)
        time.sleep(600)
    finally:
        print("cleared", flush=True)
command(main)
"""


@pytest.mark.parametrize(
    "error, status, words",
    [
        (BadInput("no such record: give another"), 2, "no such record"),
        (BadInput("no record \x1b[31mred"), 2, "no record [31mred"),
        (KeyboardInterrupt(), 130, "--resume"),
        (MemoryError(), 2, "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 2, "not enough memory"),
        (OSError(28, "No space left on device", "out/checkpoint.pt"), 2, "out/checkpoint.pt: No s"),
        (FileNotFoundError(2, "No such file", "split.txt"), 2, "split.txt: No such file\n"),
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


def test_help_shows_a_default_as_it_is_typed():
    made = parser("command", "text")
    made.add_argument("--of", default=[1, 2], help="numbers")
    assert "numbers (default: 1 2)" in made.format_help()


def test_the_unexpected_names_a_log_with_the_traceback(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        command(lambda: {}["no such key"])
    said = capsys.readouterr().err
    (log,) = tmp_path.glob("*.log")
    assert ended.value.code == 70
    assert str(log) in said and "Traceback" not in said
    assert "no such key" in log.read_text() and "Traceback" in log.read_text()


@pytest.mark.parametrize(
    "sent, status, word",
    [(signal.SIGTERM, 143, "stopped"), (signal.SIGINT, 130, "interrupted")],
)
def test_a_stopped_process_clears_away_and_says_how_to_go_on(sent, status, word):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", WAIT], cwd=ROOT, **pipes)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(sent)
    out, said = process.communicate()
    assert process.returncode == status and out == "cleared\n"
    assert f"error: {word}" in said and "--resume" in said and "Traceback" not in said
