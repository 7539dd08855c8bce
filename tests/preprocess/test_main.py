"""python -m preprocess: which records it takes, and what it says of them."""

import shutil

import pytest
import wfdb

import preprocess.__main__ as command
from preprocess import BadInput, dataset
from preprocess.readers import physionet


def test_command_without_data_or_network_says_simulated(tmp_path, monkeypatch, capsys, cohort):
    monkeypatch.delenv("MITDB_DIR", raising=False)
    monkeypatch.setattr(physionet, "reachable", lambda: False)
    monkeypatch.setattr(
        command.simulate, "simulate", lambda folder: shutil.copytree(cohort, folder)
    )
    command.main(["--datadir", str(tmp_path), "--dataroot", str(tmp_path / "out")])
    assert "SIMULATED DATA" in capsys.readouterr().out
    assert dataset.load(tmp_path / "out").manifest["source"] == "simulated"


def test_command_insisting_on_real_data_fails_without_it(tmp_path, monkeypatch):
    monkeypatch.delenv("MITDB_DIR", raising=False)
    monkeypatch.setattr(physionet, "reachable", lambda: False)
    with pytest.raises(BadInput, match="PhysioNet cannot be reached"):
        command.main(
            ["--data", "mitdb", "--datadir", str(tmp_path), "--dataroot", str(tmp_path / "out")]
        )
    assert not (tmp_path / "out").exists()


def test_an_earlier_download_is_used(tmp_path, monkeypatch):
    monkeypatch.delenv("MITDB_DIR", raising=False)
    (tmp_path / "mitdb").mkdir()
    for name in physionet.published_checksums():
        (tmp_path / "mitdb" / name).touch()
    monkeypatch.setattr(physionet, "reachable", lambda: pytest.fail("no need to ask PhysioNet"))
    opt = command.options.parse("preprocess", ["--datadir", str(tmp_path)])
    assert command.find_folders(opt) == [tmp_path / "mitdb"]


def test_what_may_be_a_beat_and_has_no_class_is_counted_aloud(tmp_path, cohort, capsys):
    """Flutter waves, say: they vanish from the index, and the user is told how many did."""
    records = tmp_path / "records"
    shutil.copytree(cohort, records)
    name = min(path.stem for path in records.glob("*.hea"))
    found = wfdb.rdann(str(records / name), "atr")
    symbols = ["!"] * 3 + ["r", "?"] + list(found.symbol[5:])
    wfdb.wrann(name, "atr", found.sample, symbols, fs=found.fs, write_dir=str(records))
    command.main(["--records", str(records), "--dataroot", str(tmp_path / "out")])
    assert "LEFT OUT        3 annotations '!'" in capsys.readouterr().out
    data = dataset.load(tmp_path / "out")
    assert data.manifest["left_out"] == {"!": 3}
    classes = data.index[data.index["record"] == name].set_index("symbol")["class"]
    assert classes["r"] == "V" and classes["?"] == "Q"
