"""The comparison runs what is missing, and its table holds what the runs measured."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from experiments import compare, tables
from experiments.training import protocols
from preprocess import BadInput


@pytest.fixture(scope="module")
def arguments(dataroot, tmp_path_factory):
    out = tmp_path_factory.mktemp("compare")
    flags = ["--models", "b2igan", "pca", "rhythm", "--protocols", "beatgan", "--folds", "0", "1"]
    flags += ["--niter", "1", "--train-beats", "300", "--device", "cpu"]
    return [*flags, "--datadir", str(dataroot.parent), "--outf", str(out)]


@pytest.fixture(scope="module")
def compared(arguments):
    compare.main(arguments)
    return compare.Path(arguments[arguments.index("--outf") + 1])


def test_table_holds_every_model_and_context(compared):
    table = pd.read_csv(compared / "table.csv")
    found = set(zip(table["model"], table["context"]))
    ours = {("b2igan", context) for context in ("none", "rhythm", "record")}
    assert found == ours | {("pca", "none"), ("rhythm", "rhythm")}
    assert (table["runs"] == 2).all()


def test_means_are_those_of_the_runs(compared):
    table = pd.read_csv(compared / "table.csv").set_index("model")
    folders = [next(compared.glob(f"runs/pca/beatgan/fold{k}-seed0-*/none")) for k in (0, 1)]
    values = [json.loads((folder / "metrics.json").read_text())["auc"] for folder in folders]
    assert table.loc["pca", "auc"] == pytest.approx(sum(values) / 2, abs=1e-5)


def test_second_call_trains_nothing_and_a_smaller_one_keeps_all_rows(
    compared, arguments, monkeypatch
):
    monkeypatch.setattr(compare, "train", lambda *_: pytest.fail("this was done before"))
    before = (compared / "table.csv").read_text()
    compare.main([argument for argument in arguments if argument not in ("b2igan", "rhythm")])
    assert (compared / "table.csv").read_text() == before


def test_runs_in_workers_measure_what_runs_here_do(compared, arguments, tmp_path):
    compare.main([*arguments, "--models", "rhythm", "--outf", str(tmp_path), "--jobs", "1"])
    here, there = (pd.read_csv(folder / "runs.csv") for folder in (compared, tmp_path))
    here = here[here["model"] == "rhythm"].reset_index(drop=True)
    times = ["train_s", "us_per_beat"]
    pd.testing.assert_frame_equal(there.drop(columns=times), here.drop(columns=times))


def test_runs_of_other_settings_are_other_rows(compared, arguments, dataroot, tmp_path):
    """Neither skipped nor averaged: b2igan on 100 beats is not b2igan on all."""
    given = [*arguments, "--models", "knn", "--folds", "0", "--outf", str(tmp_path)]
    compare.main(given)
    compare.main([*given, "--train-beats", "100", "--jitter", "3"])
    runs = pd.read_csv(tmp_path / "runs.csv")
    assert sorted(runs["train_beats"]) == [100, 300]
    assert (runs["code_trained"].str.len() == 12).all()
    table = pd.read_csv(tmp_path / "table.csv")
    assert (table["runs"] == 1).all() and table["settings"].nunique() == 2
    text = (tmp_path / "table.md").read_text()
    assert "jitter 3" in text


def test_runs_of_other_code_are_neither_taken_nor_averaged(compared, monkeypatch, tmp_path):
    opt = compare.parse(["--datadir", str(tmp_path)])
    job = compare.job_of("pca", "beatgan", 0, 0, opt)
    folder = compare.folder_of(job, opt)
    monkeypatch.setattr(compare.source_digest, "code", lambda: "another")
    assert compare.folder_of(job, opt) != folder
    runs = pd.read_csv(compared / "runs.csv")
    runs.loc[runs["fold"] == 1, "code_trained"] = "another"
    runs.to_csv(tmp_path / "runs.csv", index=False)
    with pytest.raises(BadInput, match="versions of the code"):
        tables.summary(tmp_path)


def test_the_protocol_of_another_database_runs_whole(data, arguments, tmp_path, monkeypatch):
    """Trained on the cohort, tested on what has the same beats under other names of files."""
    records = {name: f"other {kept}" for name, kept in data.manifest["records"].items()}
    elsewhere = replace(data, manifest=data.manifest | {"records": records})
    monkeypatch.setattr(compare, "other_database", lambda *_: elsewhere)
    given = ["--models", "pca", "--protocols", "external", "--folds", "0", "--outf", str(tmp_path)]
    compare.main([*arguments, *given])
    (run,) = pd.read_csv(tmp_path / "runs.csv").to_dict("records")
    tested = protocols.split(data.index, "external", testing=True).test
    scores = pd.read_csv(next(tmp_path.glob("runs/*/*/*/*/scores.csv")))
    assert run["protocol"] == "external" and len(scores) == len(tested)
