"""What preprocessing writes can be read back, is not made twice, is whole or not there."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import wfdb

from preprocess import BadInput, dataset, spectrogram
from preprocess.readers import physionet


def test_rows_of_all_files_belong_together(data):
    rows = np.array([5, 900, 17])
    beats = data.beats(rows)
    expected = spectrogram.images(beats.beat_mv).numpy().astype(np.float16)
    np.testing.assert_array_equal(beats.image.astype(np.float16), expected)
    assert list(beats.record) == list(data.index["record"].iloc[rows])
    assert list(beats.sample) == list(data.index["sample"].iloc[rows])


def test_images_open_as_a_memory_map(dataroot):
    images = np.load(dataroot / "spectrograms.npy", mmap_mode="r")
    assert isinstance(images, np.memmap) and images.shape[1:] == (2, 32, 32)


def test_manifest_says_where_the_beats_came_from(dataroot, data):
    manifest = json.loads((dataroot / "manifest.json").read_text())
    assert manifest["source"] == "simulated"
    assert manifest["beats"] == len(data.index) and manifest["settings"]["image"] == "complex"
    assert manifest["sha256"]["index.csv"] == physionet.sha256(dataroot / "index.csv")


def test_second_run_does_nothing_and_a_changed_record_does(cohort, tmp_path, monkeypatch):
    folder = shutil.copytree(cohort, tmp_path / "records")
    dataset.make(folder, tmp_path / "out")
    made = (tmp_path / "out" / "beats.npy").stat().st_mtime_ns
    dataset.make(folder, tmp_path / "out")
    assert (tmp_path / "out" / "beats.npy").stat().st_mtime_ns == made
    found = wfdb.rdann(str(folder / "sim01"), "atr")
    symbols = ["F" if symbol == "V" else symbol for symbol in found.symbol]
    wfdb.wrann("sim01", "atr", found.sample, symbols, fs=found.fs, write_dir=str(folder))
    dataset.make(folder, tmp_path / "out")
    assert (tmp_path / "out" / "beats.npy").stat().st_mtime_ns != made


def test_a_broken_record_leaves_earlier_results_untouched(cohort, tmp_path):
    folder = shutil.copytree(cohort, tmp_path / "records")
    dataset.make(folder, tmp_path / "out")
    before = {f.name: f.read_bytes() for f in (tmp_path / "out").iterdir()}
    (folder / "sim03.dat").write_bytes(b"short")
    with pytest.raises(BadInput, match="sim03"):
        dataset.make(folder, tmp_path / "out")
    assert {f.name: f.read_bytes() for f in (tmp_path / "out").iterdir()} == before
    assert not (tmp_path / "out.part").exists()


def test_incomplete_folder_is_explained(dataroot, tmp_path):
    with pytest.raises(BadInput, match="python -m preprocess"):
        dataset.load(tmp_path)
    folder = shutil.copytree(dataroot, tmp_path / "data")
    (folder / "beats.npy").unlink()
    with pytest.raises(BadInput, match="incomplete"):
        dataset.load(folder)


def test_real_records_become_the_published_classes(mitdb, tmp_path):
    folder = tmp_path / "records"
    folder.mkdir()
    for name in ("114", "208"):  # the lead in the second channel; S, V, F and Q beats
        for ending in (".hea", ".dat", ".atr"):
            shutil.copy(mitdb / f"{name}{ending}", folder)
    manifest = dataset.make(folder, tmp_path / "out")
    index = pd.read_csv(tmp_path / "out" / "index.csv", dtype={"record": str})
    assert manifest["source"] == "mitdb"
    counts = index[index["record"] == "208"]["class"].value_counts().to_dict()
    assert counts == {"N": 1585, "V": 992, "F": 372, "S": 2, "Q": 2}
    assert (index["record"] == "114").sum() > 1800


def test_a_dataset_says_which_filter_its_beats_had(cohort, tmp_path):
    """And is made anew when another is asked for."""
    first = dataset.make(cohort, tmp_path / "out")
    beats_mv = np.load(tmp_path / "out" / "beats.npy")
    second = dataset.make(cohort, tmp_path / "out", filter_name="published")
    assert first["settings"]["band_hz"] != second["settings"]["band_hz"]
    assert np.ptp(np.load(tmp_path / "out" / "beats.npy") - beats_mv) > 0.1


@pytest.mark.parametrize("name", ["beats.npy", "index.csv"])
def test_files_of_somebody_are_not_written_over(name, cohort, tmp_path):
    (tmp_path / name).write_text("mine")
    with pytest.raises(BadInput, match="no manifest.json"):
        dataset.make(cohort, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        dataset.make(cohort, tmp_path)


def test_a_manifest_that_is_none_is_made_anew(tmp_path):
    (tmp_path / "manifest.json").write_text("[" * 100_000)
    assert dataset.read_manifest(tmp_path) is None
