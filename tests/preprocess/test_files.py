"""A file is whole or not there at all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from preprocess import BadInput
from preprocess.files import (
    check_is_file,
    only_writer,
    temporary_folder,
    whole_file,
    write_json,
)

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from preprocess.files import only_writer, whole_file
with {what}(sys.argv[1]) as part:
    {write}
    print("held", flush=True)
    time.sleep(60)
"""


def holder(what, path, write="pass"):
    """A process that holds a folder or a file until it is killed."""
    code = HOLD.format(what=what, write=write)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_a_file_appears_when_all_went_well(tmp_path):
    write_json({"a": 1}, tmp_path / "new" / "a.json")
    assert json.loads((tmp_path / "new" / "a.json").read_text()) == {"a": 1}
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.json"]


def test_a_failure_leaves_the_earlier_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("earlier")
    with pytest.raises(RuntimeError), whole_file(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "earlier" and list(tmp_path.iterdir()) == [path]


def test_a_folder_has_one_writer_and_a_killed_one_gives_it_back(tmp_path):
    process = holder("only_writer", tmp_path / "a")
    with pytest.raises(BadInput, match="another process"), only_writer(tmp_path / "a"):
        pass
    process.kill()
    process.wait()
    with only_writer(tmp_path / "a"):
        pass
    assert list((tmp_path / "a").iterdir()) == []


def test_what_a_killed_writer_left_is_written_over(tmp_path):
    path = tmp_path / "a.txt"
    for _ in range(2):
        process = holder("whole_file", path, "part.write_text('half of something long')")
        process.kill()
        process.wait()
    with whole_file(path) as part:
        part.write_text("whole")
    assert path.read_text() == "whole" and list(tmp_path.iterdir()) == [path]


def test_a_temporary_folder_is_empty_and_gone_afterwards(tmp_path):
    path = tmp_path / "a"
    (path / "left").mkdir(parents=True)
    (path / "left" / "b").touch()
    with pytest.raises(BadInput, match="holds other files"), temporary_folder(path):
        pass
    assert (path / "left" / "b").exists()
    (path / ".lock").touch()  # it is what a process leaves that was killed
    with temporary_folder(path) as part:
        assert [p.name for p in part.iterdir()] == [".lock"]
        (part / "c").touch()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(BadInput, match="is a folder"), whole_file(tmp_path / "a"):
        pass


def test_pipes_circles_and_endless_names_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    for name, words in (("pipe", "a pipe"), ("one", "levels"), ("x" * 300, "too long")):
        with pytest.raises(BadInput, match=words):
            check_is_file(tmp_path / name)
    check_is_file(tmp_path / "nothing")
