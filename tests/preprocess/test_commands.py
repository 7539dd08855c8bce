"""Whatever happens to a command ends as one sentence, with a status that says what it was."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from preprocess import BadInput
from preprocess.commands import command

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "error, status, words",
    [
        (BadInput("no such record: give another"), 2, "no such record"),
        (KeyboardInterrupt(), 130, "--resume"),
        (MemoryError(), 2, "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 2, "not enough memory"),
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


@pytest.mark.parametrize("sent, status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_process_says_how_to_go_on(sent, status):
    code = (
        "import time\n"
        "from preprocess.commands import command\n"
        "command(lambda: (print('ready', flush=True), time.sleep(60)))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout.readline() == "ready\n"
    started = time.monotonic()
    process.send_signal(sent)
    _, said = process.communicate(timeout=20)
    assert process.returncode == status and time.monotonic() - started < 5
    assert "--resume" in said and "Traceback" not in said
