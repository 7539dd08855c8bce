"""A folder of recordings: one row each, what needs looking at first."""

import pandas as pd
import pytest
from screening_runs import lead_of, options_for, write_record

from experiments.screening import pipeline
from experiments.screening.page import index
from preprocess import BadInput


def test_rows_come_by_urgency_with_links_and_names_of_what_failed(screened, tmp_path):
    harmless = screened[0].summary
    name = harmless["recording"]["name"]
    grave = harmless | {
        "recording": harmless["recording"] | {"name": "a grave & one", "no_rhythm_s": 20.0},
        "alarms": [{"code": "(VF"}],
    }
    index.write([harmless, grave], ["<b>bad.edf</b> cannot be read"], tmp_path)
    table = pd.read_csv(tmp_path / "index.csv")
    assert table["recording"].tolist() == ["a grave & one", name]
    assert table["alarms"].tolist() == [1, len(harmless["alarms"])]
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'href="a%20grave%20%26%20one.html"' in page and "&lt;b&gt;bad.edf" in page
    assert page.index("a grave") < page.index(name + "</a>")


def test_only_several_recordings_give_an_index_that_is_no_recording_itself(
    record, weights, tmp_path
):
    path = write_record(tmp_path, lead_of(record, 60))
    screen = lambda *paths: pipeline.screen_all(options_for(weights, tmp_path, paths=paths))
    screen(path)
    with pytest.raises(BadInput):
        screen("x1", "x2")
    assert not list(tmp_path.glob("index.*"))
    write_record(tmp_path, lead_of(record, 60), "r2")
    for _ in range(2):
        screen(tmp_path)
    assert sorted(pd.read_csv(tmp_path / "index.csv")["recording"]) == ["r1", "r2"]
