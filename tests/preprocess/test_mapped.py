"""Arrays of files: the same rows however large they are, and memory that does not grow."""

from pathlib import Path

import numpy as np
import pytest

from preprocess import mapped


def resident_bytes():
    """Of files, of this process."""
    status = Path("/proc/self/status").read_text().split("RssFile:")[1]
    return int(status.split()[0]) * 1024


def test_rows_of_a_large_file_are_those_of_a_small_one(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", np.arange(20_000.0, dtype=np.float32).reshape(5000, 4))
    array = np.load(tmp_path / "a.npy", mmap_mode="r")
    rows = np.random.default_rng(0).integers(0, 5000, 4500)
    expected = mapped.taken(array, rows)
    monkeypatch.setattr(mapped, "LARGE", 1)
    np.testing.assert_array_equal(mapped.taken(array, rows), expected)
    np.testing.assert_array_equal(expected, np.asarray(array)[rows])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_what_was_read_of_a_large_file_is_let_go(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", np.zeros((64_000, 320), np.float32))  # 82 MB
    array = np.load(tmp_path / "a.npy", mmap_mode="r")
    monkeypatch.setattr(mapped, "LARGE", 1)
    before = resident_bytes()
    mapped.taken(array, np.arange(0, 64_000, 8))
    assert resident_bytes() - before < 10e6
