"""What preprocessing writes can be read back, is not made twice, is whole or not there."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from preprocess import BadInput, dataset, spectrogram


def test_rows_of_all_files_belong_together(data):
    rows = np.array([5, 900, 17])
    beats = data.beats(rows)
    expected = spectrogram.images(beats.beat_mv).numpy().astype(np.float16)
    np.testing.assert_array_equal(beats.image.astype(np.float16), expected)
    assert list(beats.record) == list(data.index["record"].iloc[rows])
    assert list(beats.sample) == list(data.index["sample"].iloc[rows])


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


def test_records_of_several_folders_are_called_by_both_names(cohort, data, tmp_path):
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        for file in cohort.glob("sim0[12].*"):
            shutil.copy(file, folder)
    dataset.make(folders, tmp_path / "out", lead="likely")
    index = dataset.load(tmp_path / "out").index
    assert sorted(index["record"].unique()) == ["one/sim01", "one/sim02", "two/sim01", "two/sim02"]
    both = [
        index[index["record"] == f"{name}/sim01"]["sample"].to_list() for name in ("one", "two")
    ]
    assert both[0] == both[1] == data.index[data.index["record"] == "sim01"]["sample"].to_list()
    with pytest.raises(BadInput, match="same name"):
        dataset.make([folders[0], folders[0]], tmp_path / "again")


def test_a_broken_record_leaves_earlier_results_untouched(cohort, tmp_path):
    folder = shutil.copytree(cohort, tmp_path / "records")
    dataset.make(folder, tmp_path / "out")
    before = {f.name: f.read_bytes() for f in (tmp_path / "out").iterdir()}
    (folder / "sim03.dat").write_bytes(b"short")
    with pytest.raises(BadInput, match="sim03"):
        dataset.make(folder, tmp_path / "out")
    assert {f.name: f.read_bytes() for f in (tmp_path / "out").iterdir()} == before
    assert not (tmp_path / ".out.part").exists()


def test_labels_beside_the_r_peaks_are_told_of(cohort, tmp_path, capsys):
    shutil.copytree(cohort, tmp_path / "records")
    dataset.make(tmp_path / "records", tmp_path / "out")
    assert "labelled beats" not in capsys.readouterr().out
    shutil.copy(cohort / "sim01.atr", tmp_path / "records/sim02.atr")
    dataset.make(tmp_path / "records", tmp_path / "out")
    assert "record sim02: only" in capsys.readouterr().out


@pytest.fixture
def copy(dataroot, tmp_path):
    return Path(shutil.copytree(dataroot, tmp_path / "copy"))


def with_index(folder, change):
    index = pd.read_csv(folder / "index.csv", dtype=str, keep_default_na=False)
    change(index).to_csv(folder / "index.csv", index=False)


def with_manifest(folder, **values):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def with_arrays(folder, name, change):
    np.save(folder / name, change(np.load(folder / name)))


CHANGES = {
    "edited labels": lambda f: with_index(f, lambda t: t.assign(**{"class": "V"})),
    "shuffled rows": lambda f: with_index(f, lambda t: t.sample(frac=1, random_state=0)),
    "other beats": lambda f: with_arrays(f, "beats.npy", np.negative),
    "missing beats": lambda f: (f / "beats.npy").unlink(),
    "empty manifest": lambda f: (f / "manifest.json").write_text("{}"),
    "settings that are none": lambda f: with_manifest(f, settings={"image": "complex"}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_was_changed_is_refused(change, copy):
    dataset.load(copy)
    change(copy)
    with pytest.raises(BadInput, match="python -m preprocess|preprocess again"):
        dataset.load(copy)


@pytest.mark.parametrize(
    "name, change, words",
    [
        ("beats.npy", lambda a: a[:, :100], "beats.npy is float32 of"),
        ("spectrograms.npy", lambda a: a.astype(float), "spectrograms.npy is float64 of"),
    ],
)
def test_without_checksums_shapes_are_looked_at(name, change, words, copy):
    """As of a data set that is too large for them."""
    with_arrays(copy, name, change)
    with_manifest(copy, sha256={})
    with pytest.raises(BadInput, match=words):
        dataset.load(copy)


def test_a_file_where_the_folder_should_be_is_refused_before_any_work(cohort, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(BadInput, match="is no folder"):
        dataset.make(cohort, tmp_path / "out")


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


def test_files_of_somebody_are_not_written_over(cohort, tmp_path):
    (tmp_path / "index.csv").write_text("mine")
    with pytest.raises(BadInput, match="no manifest.json"):
        dataset.make(cohort, tmp_path)
    assert (tmp_path / "index.csv").read_text() == "mine"
