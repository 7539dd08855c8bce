"""The files that field tools open agree with each other; no recording is lost to its results."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
import wfdb
from screening_runs import lead_of, run

from experiments.screening import outputs
from preprocess import BadInput

SCHEMA_FILE = Path(__file__).parents[3] / "docs/summary.schema.json"


def test_annotations_read_back_agree_with_the_table(screened, record):
    findings, out = screened
    table = pd.read_csv(out / f"{record.name}.csv")
    found = wfdb.rdann(str(out / record.name), "b2i")
    is_beat, is_flagged = np.isin(found.symbol, list("NVSFQ")), table["flagged"] == 1
    assert sorted(out.iterdir()) == [
        out / f"{record.name}{e}" for e in (".b2i", ".csv", ".html", ".json")
    ]
    np.testing.assert_array_equal(found.sample[is_beat], table["sample"])
    np.testing.assert_array_equal(np.array(found.symbol)[is_beat], table["kind"])
    np.testing.assert_array_equal(table["kind"] != "N", is_flagged)
    assert table["kind_confidence"][is_flagged].between(0.25, 1).all()
    notes = np.array(found.aux_note)[is_beat][is_flagged]
    assert len(notes) and all("score" in note and "span" in note for note in notes)
    above = table["score"] > findings.patient_threshold.value - 1e-3
    assert above[is_flagged].all()
    assert (table["tail_probability"].diff()[table["score"].diff() > 0.01] <= 0).all()


def test_the_summary_agrees_with_the_table_and_the_rhythm_annotations(screened, record):
    findings, out = screened
    summary = json.loads((out / f"{record.name}.json").read_text())
    table = pd.read_csv(out / f"{record.name}.csv", keep_default_na=False)
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator(schema).validate(summary)
    assert summary["recording"]["name"] == record.name
    for kind in "NVSFQ":
        assert summary["beats"][kind.lower()] == (table["kind"] == kind).sum()
    assert sum(hour["beats"] for hour in summary["hours"]) == len(table)
    found = wfdb.rdann(str(out / record.name), "b2i")
    is_change = np.array(found.symbol) == "+"
    codes = {note for note in np.array(found.aux_note)[is_change]}
    assert codes - {"(N"} <= {episode["code"] for episode in summary["episodes"]}
    for episode in summary["episodes"]:
        inside = (table["time_s"] >= episode["start_s"]) & (table["time_s"] <= episode["end_s"])
        of_beat = table["episode"][inside]
        assert of_beat.str.split().map(lambda codes, e=episode: e["code"][1:] in codes).all()


def test_a_recording_is_not_overwritten_by_its_results(record, weights, tmp_path):
    path = tmp_path / "night.csv"
    np.savetxt(path, lead_of(record, 100), header="MLII", comments="", fmt="%.3f")
    before = path.read_bytes()
    with pytest.raises(BadInput, match="overwritten"):
        run(path, weights, tmp_path, "--fs", 360)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_annotations_written_in_parts_are_those_written_at_once(screened, tmp_path, monkeypatch):
    findings, _ = screened
    whole, parts = tmp_path / "whole.b2i", tmp_path / "parts.b2i"
    outputs.write_annotations(findings, whole)
    assert len(findings.table) < outputs.WRITTEN_AT_ONCE
    monkeypatch.setattr(outputs, "WRITTEN_AT_ONCE", 7)
    outputs.write_annotations(findings, parts)
    assert parts.read_bytes() == whole.read_bytes()
    assert set(tmp_path.iterdir()) == {whole, parts}


def test_the_terminal_says_how_long_how_many_and_where_the_files_are(screened):
    findings, out = screened
    lines = outputs.in_lines(findings, out).splitlines()
    assert lines[0].startswith("  0:06:00 long, ") and f"{len(findings.table)} beats" in lines[0]
    assert lines[1].startswith("  V ") and "fibrillation" in lines[1] and "pause" in lines[1]
    assert f"{findings.flagged.sum()} beats to look at" in lines[2]
    assert "shape 1: " in lines[3] and lines[-1].endswith(".html  .csv  .b2i  .json")


def test_bigeminy_is_said_where_there_was_any():
    assert outputs.alternating({"bigeminy_s": 75.0, "trigeminy_s": 0.0}) == "bigeminy 0:01:15"
    assert outputs.alternating({}) == ""
