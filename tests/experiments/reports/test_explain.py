"""A beat is explained in one command: drawn, with where it is abnormal."""

import pytest

import main


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
