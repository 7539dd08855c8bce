"""Damaged inputs of every kind: a command ends well or says why not in one sentence with status 2,
and what was made earlier stays whole."""

import contextlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import drawn, wave, write_csv, write_edf, write_ishne, write_wfdb

import main
from preprocess import __main__ as preparation
from preprocess.commands import command

FS_HZ, SECONDS = 360, 20
NEAR = 600  # bytes of a beginning, which says how to read the rest
# What has broken readers of numbers and names.
ODD = ("", "0", "-1", "1e999", "nan", "1/0", "9" * 20, "²", "\x1b[31m", "\x00", ",", "x" * 300)
RECORDINGS = ("r1.dat", "r1.hea", "r2.edf", "r3.ecg", "r4.csv")
TEXTS = (".hea", ".csv", ".json")
DATASET = ("beats.npy", "spectrograms.npy", "index.csv", "manifest.json")
EXAMPLES = 10


@st.composite
def damaged(draw, content: bytes, is_text: bool) -> bytes:
    """Content with one or two things wrong."""
    for _ in range(draw(st.integers(1, 2))):
        last = max(0, len(content) - 1)
        at = draw(st.one_of(st.integers(0, min(last, NEAR)), st.integers(0, last)))
        end = at + draw(st.integers(1, 64))
        kinds = ("flip", "zero", "cut", "repeat", "insert", *(["word"] * 5 * is_text))
        kind = draw(st.sampled_from(kinds))
        if kind == "flip":
            bit = 1 << draw(st.integers(0, 7))
            content = (
                content[:at] + bytes(b ^ bit for b in content[at : at + 1]) + content[at + 1 :]
            )
        elif kind == "zero":
            content = content[:at] + bytes(len(content[at:end])) + content[end:]
        elif kind == "cut":
            content = content[:at]
        elif kind == "repeat":
            content = content[:end] + content[at:]
        elif kind == "insert":
            content = content[:at] + draw(st.binary(min_size=1, max_size=8)) + content[at:]
        else:
            words = content[:NEAR].replace(b",", b" ").split()
            word = draw(st.sampled_from(words or [b"0"]))
            odd = draw(st.one_of(st.sampled_from(ODD), st.text(max_size=6)))
            content = content.replace(word, odd.encode("utf-8", "replace"), 1)
    return content


def ends_well(function, *words) -> bool:
    """Whether a command did what it was asked for; else it has said why not."""
    said, status = io.StringIO(), 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            command(lambda: function(list(map(str, words))))
        except SystemExit as end:
            status = end.code
    assert status in (0, 2), said.getvalue()
    assert "Traceback" not in said.getvalue()
    if status == 2:
        error = said.getvalue()[said.getvalue().index("error: ") :]
        assert error.count("\n") == 1 and len(error) < 2000, error
    return status == 0


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A recording of every format."""
    made = tmp_path_factory.mktemp("recordings")
    truth_mv = wave(FS_HZ * SECONDS, FS_HZ)
    peaks = np.arange(FS_HZ // 2, len(truth_mv), FS_HZ)
    write_wfdb(made, truth_mv, samples=peaks, symbols=["N"] * len(peaks))
    write_edf(made, truth_mv, FS_HZ, "r2")
    write_ishne(made, truth_mv[:, None], FS_HZ, "r3", is_summed=True)
    times_s = np.arange(len(truth_mv)) / FS_HZ
    write_csv(made, {"time_s": times_s, "II": truth_mv, "V1": -truth_mv}, "r4", digits=3)
    return made


@contextlib.contextmanager
def in_place(path, content):
    """The file with another content, for a while."""
    whole = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_damaged_recording(name, folder, weights, tmp_path):
    path, out = folder / name, tmp_path
    recording = path.with_suffix("") if path.stem == "r1" else path
    words = ["--screen", recording, "--outf", out, "--checkpoint", weights, "--device", "cpu"]
    assert ends_well(main.main, *words)

    @drawn(EXAMPLES)
    @given(damaged(path.read_bytes(), path.suffix in TEXTS))
    def screen(content):
        earlier = contents(out)
        with in_place(path, content):
            done = ends_well(main.main, *words)
        assert done or contents(out) == earlier
        assert sorted(contents(out)) == [
            f"{path.stem}{e}" for e in (".b2i", ".csv", ".html", ".json")
        ]
        json.loads((out / f"{path.stem}.json").read_text())

    screen()


@pytest.mark.parametrize("name", ["r1.dat", "r1.hea", "r1.atr"])
def test_a_damaged_record_to_train_on(name, folder, tmp_path):
    words = ["--records", folder, "--dataroot", tmp_path / "out"]
    assert ends_well(preparation.main, *words)

    @drawn(EXAMPLES)
    @given(damaged((folder / name).read_bytes(), name.endswith(TEXTS)))
    def prepare(content):
        earlier = contents(tmp_path)
        with in_place(folder / name, content):
            done = ends_well(preparation.main, *words)
        assert done or contents(tmp_path) == earlier
        assert sorted(contents(tmp_path)) == sorted(DATASET)

    prepare()


def test_a_damaged_checkpoint(folder, weights, tmp_path):
    path, out = tmp_path / "weights.pt", tmp_path / "out"
    path.write_bytes(weights.read_bytes())
    words = ["--screen", folder / "r2.edf", "--outf", out, "--checkpoint", path, "--device", "cpu"]
    assert ends_well(main.main, *words)
    table = (out / "r2.csv").read_bytes()

    @drawn(EXAMPLES)
    @given(damaged(path.read_bytes(), False))
    def screen(content):
        with in_place(path, content):
            ends_well(main.main, *words)
        assert (out / "r2.csv").read_bytes() == table  # refused, or as if it were whole

    screen()


@pytest.mark.parametrize("name", DATASET)
def test_a_damaged_dataset(name, dataroot, tmp_path):
    there = tmp_path / "data"
    there.mkdir()
    for other in DATASET:
        os.link(dataroot / other, there / other)
    content = (there / name).read_bytes()
    (there / name).unlink()
    (there / name).write_bytes(content)
    words = ["--dataroot", there, "--outf", tmp_path / "out", "--model", "pca", "--device", "cpu"]
    assert ends_well(main.main, *words)

    @drawn(EXAMPLES)
    @given(damaged(content, Path(name).suffix in TEXTS))
    def train(content):
        is_changed = content != (there / name).read_bytes()
        with in_place(there / name, content):
            done = ends_well(main.main, *words)
        assert not (done and is_changed) or name == "manifest.json"

    train()
