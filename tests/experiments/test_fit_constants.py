"""Each candidate of a constant is measured on databases that taught nothing, and is put back."""

import shutil

import pandas as pd
import pytest

from experiments import fit_constants
from models.b2igan import context, rhythm
from preprocess import BadInput, dataset


def folders_of(cohort, place, names):
    for name in names:
        (place / name).mkdir(parents=True)
        for file in cohort.glob("sim0[1-3].*"):
            shutil.copy(file, place / name)
    return [place / name for name in names]


def test_candidates_are_measured_and_the_constant_is_put_back(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(fit_constants, "DS1", ["sim01", "sim02", "sim03"])
    monkeypatch.setattr(fit_constants, "LEARNING_S", 30)
    monkeypatch.setattr(rhythm, "NETWORKS", 1)
    weights = {(context, "NEIGHBOURS_WEIGHT"): (0.0, 0.5)}
    monkeypatch.setattr(fit_constants, "CANDIDATES", weights)
    folders = folders_of(cohort, tmp_path, ["mitdb", "svdb", "qtdb"])
    dataset.make(folders, tmp_path / "data", lead="likely")
    before = context.NEIGHBOURS_WEIGHT
    fit_constants.main(["--dataroot", str(tmp_path / "data"), "--outf", str(tmp_path)])
    assert context.NEIGHBOURS_WEIGHT == before
    table = pd.read_csv(tmp_path / "constants.csv")
    assert table["used"].tolist() == [False, True]
    assert table["mean_ap"].between(0, 1).all() and table["mean_ap"].nunique() == 2


def test_a_missing_database_is_named(cohort, tmp_path):
    dataset.make(folders_of(cohort, tmp_path, ["mitdb", "svdb"]), tmp_path / "data", lead="likely")
    with pytest.raises(BadInput, match="no qtdb"):
        fit_constants.main(["--dataroot", str(tmp_path / "data"), "--outf", str(tmp_path)])
