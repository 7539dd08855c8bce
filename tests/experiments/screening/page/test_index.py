"""A folder of recordings: one row each, what needs looking at first."""

import pandas as pd
import pytest
from screening_runs import lead_of, options_for, write_record

from experiments.screening import pipeline
from experiments.screening.page import index
from preprocess import BadInput


def test_rows_come_by_urgency_with_links_and_names_of_what_failed(screened, tmp_path):
    calm = screened[0].summary
    grave = calm | {
        "recording": calm["recording"] | {"name": "a grave & one", "no_rhythm_s": 20.0},
        "alarms": [{"code": "(VF"}],
    }
    index.write([calm, grave], ["<b>bad.edf</b> cannot be read"], tmp_path)
    table = pd.read_csv(tmp_path / "index.csv")
    assert table["recording"].tolist() == ["a grave & one", calm["recording"]["name"]]
    assert table["alarms"].tolist() == [1, len(calm["alarms"])]
    assert table["beats"].iloc[1] == len(screened[0].table)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'href="a%20grave%20%26%20one.html"' in page and "&lt;b&gt;bad.edf" in page
    assert page.index("a grave") < page.index(calm["recording"]["name"] + "</a>")


def test_a_folder_gives_an_index_that_is_no_recording_itself(record, weights, tmp_path):
    for name in ("one", "two"):
        write_record(tmp_path, lead_of(record, 60), name)
    opt = options_for(weights, tmp_path, paths=[tmp_path])
    for _ in range(2):
        pipeline.screen_all(opt)
    table = pd.read_csv(tmp_path / "index.csv")
    assert sorted(table["recording"]) == ["one", "two"]


def test_one_recording_gives_no_index_and_failures_alone_neither(record, weights, tmp_path):
    path = write_record(tmp_path, lead_of(record, 60))
    pipeline.screen_all(options_for(weights, tmp_path / "out", paths=[path]))
    with pytest.raises(BadInput):
        pipeline.screen_all(options_for(weights, tmp_path / "out", paths=["x1", "x2"]))
    assert not list((tmp_path / "out").glob("index.*"))
