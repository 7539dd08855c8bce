"""A file is whole or not there at all."""

import json

import pytest

from preprocess.files import whole_file, write_json


def test_a_file_appears_when_all_went_well(tmp_path):
    write_json({"a": 1}, tmp_path / "new" / "a.json")
    assert json.loads((tmp_path / "new" / "a.json").read_text()) == {"a": 1}
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.json"]


def test_a_failure_leaves_the_earlier_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("earlier")
    with pytest.raises(RuntimeError), whole_file(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "earlier" and list(tmp_path.iterdir()) == [path]
