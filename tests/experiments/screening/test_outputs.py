"""The files that field tools open agree with each other; no recording is lost to its results."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from screening_runs import lead_of, run

from experiments.screening.rhythm.episodes import MEANINGS, Episode
from preprocess import BadInput

SCHEMA_FILE = Path(__file__).parents[3] / "docs/summary.schema.json"


@pytest.fixture(scope="module")
def written(screened, record):
    """The table as text, the annotations and the summary of one recording."""
    _, out = screened
    endings = sorted(path.name.removeprefix(record.name) for path in out.iterdir())
    assert endings == [".b2i", ".csv", ".html", ".json"]
    table = pd.read_csv(out / f"{record.name}.csv", keep_default_na=False)
    summary = json.loads((out / f"{record.name}.json").read_text())
    return table, wfdb.rdann(str(out / record.name), "b2i"), summary


def test_annotations_agree_with_the_table(written):
    table, found, _ = written
    is_beat, is_flagged = np.isin(found.symbol, list("NVSFQ")), table["flagged"] == 1
    np.testing.assert_array_equal(found.sample[is_beat], table["sample"])
    np.testing.assert_array_equal(np.array(found.symbol)[is_beat], table["kind"])
    assert (table["kind"][is_flagged] != "N").all()
    assert table["kind_confidence"].astype(float).between(0.2, 1).all()
    notes = np.array(found.aux_note)[is_beat][is_flagged]
    assert len(notes) and all("score" in note and "span" in note for note in notes)
    assert (table["tail_probability"].diff()[table["score"].diff() > 0.01] <= 0).all()


TYPES = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int}
TYPES |= {"boolean": bool, "null": type(None)}


def check_described(value, schema, name="summary"):
    """What of JSON Schema the file uses: types, keys, choices, bounds."""
    words = np.atleast_1d(schema.get("type", list(TYPES)))
    assert any(isinstance(value, TYPES[word]) for word in words), name
    assert value in schema.get("enum", [value]), name
    assert value == schema.get("const", value), name
    if isinstance(value, dict):
        assert set(schema["required"]) <= set(value) <= set(schema["properties"]), name
        for key, inner in value.items():
            check_described(inner, schema["properties"][key], f"{name}.{key}")
    elif isinstance(value, list):
        for inner in value:
            check_described(inner, schema["items"], f"{name}[]")
    elif isinstance(value, float | int):
        assert schema.get("minimum", value) <= value <= schema.get("maximum", value), name


def test_the_summary_agrees_with_the_table_and_the_rhythm_annotations(written):
    table, found, summary = written
    schema = json.loads(SCHEMA_FILE.read_text())
    check_described(summary, schema)
    of_alarms = schema["properties"]["alarms"]["items"]["properties"]["code"]["enum"]
    assert set(of_alarms) == {c for c in MEANINGS if Episode(0, 9999, c, 99, 200.0).is_alarm}
    for kind in "NVSFQ":
        assert summary["beats"][kind.lower()] == (table["kind"] == kind).sum()
    assert sum(hour["beats"] for hour in summary["hours"]) == len(table)
    codes = set(np.array(found.aux_note)[np.array(found.symbol) == "+"])
    assert codes - {"(N"} <= {episode["code"] for episode in summary["episodes"]}
    for episode in summary["episodes"]:
        inside = table["time_s"].between(episode["start_s"], episode["end_s"])
        assert all(episode["code"][1:] in of_beat.split() for of_beat in table["episode"][inside])


def test_a_recording_is_not_overwritten_by_its_results(record, weights, tmp_path):
    path = tmp_path / "night.csv"
    np.savetxt(path, lead_of(record, 100), header="MLII", comments="", fmt="%.3f")
    before = path.read_bytes()
    with pytest.raises(BadInput, match="overwritten"):
        run(path, weights, tmp_path, "--fs", 360)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
