"""Annotation files: whole ones are read as wfdb reads them, damaged ones are refused, at once."""

import os
import time

import numpy as np
import pytest
import wfdb
from recordings import wave, write_wfdb

from preprocess import BadInput
from preprocess.readers import annotations

FS_HZ, N = 360, 36_000


@pytest.fixture
def record(tmp_path):
    rng = np.random.default_rng(0)
    samples = np.sort(rng.choice(N, 120, replace=False))
    symbols = rng.choice(list("NVALFQ/+~|"), 120)
    path = write_wfdb(tmp_path, wave(N, FS_HZ), FS_HZ)
    notes = [f"({k}" if symbol == "+" else "" for k, symbol in enumerate(symbols)]
    wfdb.wrann("r1", "atr", samples, symbols.tolist(), aux_note=notes, write_dir=str(tmp_path))
    return path, samples, symbols


def test_what_is_read_was_written(record):
    path, samples, symbols = record
    found, codes = annotations.read(path.with_suffix(".atr"), FS_HZ, N)
    np.testing.assert_array_equal(found, samples)
    np.testing.assert_array_equal(codes, symbols)


@pytest.mark.parametrize("fs_hz", [100, 250, 360, 1000, 2000])
def test_pauses_of_any_length_and_files_with_a_rate_of_their_own(fs_hz, tmp_path):
    samples = np.cumsum([5, 1023, 1024, 70_000, 3, 5_000_000])
    symbols = list("NVNAFN")
    wfdb.wrann("r1", "atr", samples, symbols, write_dir=str(tmp_path))
    found, codes = annotations.read(tmp_path / "r1.atr", fs_hz)
    np.testing.assert_array_equal(found, samples)
    assert codes.tolist() == symbols
    wfdb.wrann("r2", "atr", samples, symbols, fs=fs_hz / 2, write_dir=str(tmp_path))
    np.testing.assert_array_equal(annotations.read(tmp_path / "r2.atr", fs_hz)[0], 2 * samples)


def test_no_part_of_a_file_passes_for_it(record):
    path = record[0].with_suffix(".atr")
    whole = path.read_bytes()
    for size in range(len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(BadInput, match="no whole annotation file"):
            annotations.read(path, FS_HZ, N)


def test_labels_of_a_longer_recording_are_refused(record):
    with pytest.raises(BadInput, match="the signal ends"):
        annotations.read(record[0].with_suffix(".atr"), FS_HZ, N // 2)


def test_nothing_takes_long(tmp_path):
    path = tmp_path / "r1.atr"
    started = time.monotonic()
    for content in (b"\xff" * 1_000_000, b"\x00\xec\xff\xff\xff\x7f" * 100_000, b"\x01\x00" * 9):
        path.write_bytes(content)
        with pytest.raises(BadInput):
            annotations.read(path, FS_HZ, N)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BadInput, match="a pipe"):
        annotations.read(path, FS_HZ, N)
    assert time.monotonic() - started < 5
