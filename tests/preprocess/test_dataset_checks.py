"""A dataset that is not as it was written is refused; nothing of it is used without a word."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from preprocess import BadInput, dataset
from preprocess.readers import physionet

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(dataroot, tmp_path):
    return Path(shutil.copytree(dataroot, tmp_path / "copy"))


def index_with(change):
    def apply(folder):
        index = pd.read_csv(folder / "index.csv", dtype=str, keep_default_na=False)
        change(index).to_csv(folder / "index.csv", index=False)

    return apply


def array_with(name, change):
    def apply(folder):
        array = np.load(folder / name)
        np.save(folder / name, change(array))

    return apply


def manifest_with(**values):
    def apply(folder):
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return apply


CHANGES = {
    "edited labels": index_with(lambda t: t.assign(**{"class": "V"})),
    "shuffled rows": index_with(lambda t: t.sample(frac=1, random_state=0)),
    "cut index": index_with(lambda t: t[:-100]),
    "missing column": index_with(lambda t: t.drop(columns="rr_local_s")),
    "a byte of beats": lambda f: _flip(f / "beats.npy"),
    "a byte of images": lambda f: _flip(f / "spectrograms.npy"),
    "no beats": lambda f: (f / "beats.npy").write_bytes(b""),
    "empty manifest": lambda f: (f / "manifest.json").write_text("{}"),
    "a list for a manifest": lambda f: (f / "manifest.json").write_text("[1]"),
    "another number of beats": manifest_with(beats=3),
    "settings that are none": manifest_with(settings={"image": "complex"}),
}


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_was_changed_is_refused(change, copy):
    dataset.load(copy)
    change(copy)
    with pytest.raises(BadInput, match="python -m preprocess|preprocess again"):
        dataset.load(copy)


@pytest.mark.parametrize(
    "change, words",
    [
        (array_with("beats.npy", lambda a: a * np.nan), "no numbers"),
        (array_with("beats.npy", lambda a: a[:, :100]), "shape"),
        (array_with("spectrograms.npy", lambda a: a.astype(float)), "float64"),
        (index_with(lambda t: t.assign(symbol="?!")), "symbol"),
        (index_with(lambda t: t.assign(rr_local_s="")), "rr_local_s"),
        (index_with(lambda t: t.assign(record="other")), "record"),
    ],
)
def test_without_checksums_contents_are_looked_at(change, words, copy):
    """As of a dataset whose manifest knows fewer of them."""
    change(copy)
    manifest_with(sha256={})(copy)
    with pytest.raises(BadInput, match=words):
        dataset.load(copy)


def test_processes_that_write_one_folder_take_turns(cohort, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for file in sorted(cohort.glob("sim01.*")):
        shutil.copy(file, few)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "preprocess", "--records", few, "--dataroot", out]
    made = [subprocess.Popen(list(map(str, command)), cwd=ROOT) for _ in range(3)]
    assert [process.wait(120) for process in made] == [0, 0, 0]
    found = dataset.load(out)
    sums = {name: physionet.sha256(out / name) for name in found.manifest["sha256"]}
    assert sums == found.manifest["sha256"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["few", "out"]


def test_what_a_killed_process_left_is_cleared_away(cohort, tmp_path):
    left = tmp_path / "out.part"
    left.mkdir()
    (left / "beats.npy").write_bytes(b"half")
    (left / ".lock").touch()
    dataset.make(cohort, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_file_where_the_folder_should_be_is_refused_before_any_work(cohort, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(BadInput, match="is a file"):
        dataset.make(cohort, tmp_path / "out")
