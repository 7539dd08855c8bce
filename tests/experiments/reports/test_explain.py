"""A beat is explained in one command: drawn, with where it is abnormal."""

import pytest

import main
from preprocess import BadInput


@pytest.fixture
def command(dataroot, weights, tmp_path):
    flags = {"--dataroot": dataroot, "--checkpoint": weights, "--outf": tmp_path, "--device": "cpu"}
    return [str(word) for pair in flags.items() for word in pair] + ["--explain"]


def test_the_beat_is_drawn_and_said_to_be_abnormal(command, data, tmp_path, capsys):
    beat = data.index[data.index["class"] == "V"].iloc[0]
    main.main([*command, beat["record"], str(beat["sample"] + 5)])
    printed = capsys.readouterr().out
    picture = tmp_path / f"explain_{beat['record']}_{beat['sample']}.png"
    assert picture.exists() and str(picture) in printed
    assert "abnormal, score" in printed
    assert "in it is marked" in printed or "marked from" in printed


def test_what_is_wrong_with_the_input_is_told(command, data):
    record, last = data.index["record"].iloc[0], data.index["sample"].max()
    for asked, words in (
        ((record, str(last + 5000)), "no beat within"),
        ((record, "soon"), "whole number"),
        (("nobody", "1000"), "holds no record nobody"),
    ):
        with pytest.raises(BadInput, match=words):
            main.main([*command, *asked])
