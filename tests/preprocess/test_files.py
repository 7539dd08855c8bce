"""A file is whole or not there at all; a folder has one writer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from preprocess import BadInput
from preprocess.files import LOCK, check_is_file, only_writer, temporary_folder, whole_file

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from preprocess.files import temporary_folder
with temporary_folder(sys.argv[1]) as part:
    (part / "half").touch()
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_failure_leaves_the_earlier_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("earlier")
    with pytest.raises(RuntimeError), whole_file(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "earlier" and list(tmp_path.iterdir()) == [path]


def test_a_folder_has_one_writer_and_a_killed_one_gives_it_back(tmp_path):
    path = tmp_path / "a"
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    for hold in (only_writer, temporary_folder):
        with pytest.raises(BadInput, match="another process"), hold(path):
            pass
    assert (path / "half").exists()
    process.kill()
    process.communicate()
    with temporary_folder(path):
        assert [p.name for p in path.iterdir()] == [LOCK]  # what it left is gone
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="a pipe"):
        check_is_file(tmp_path / "pipe")
    with pytest.raises(BadInput, match="no name"):
        check_is_file(tmp_path / "r1\0.dat")
    for name in ("nothing", "x" * 300):
        check_is_file(tmp_path / name)
