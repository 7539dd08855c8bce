"""A beat is explained in one command: drawn, with where it is abnormal and in which band."""

import numpy as np
import pytest

import main
from experiments.reports import explain
from preprocess.constants import FS_HZ


@pytest.fixture
def command(dataroot, weights, tmp_path):
    flags = {"--dataroot": dataroot, "--checkpoint": weights, "--outf": tmp_path, "--device": "cpu"}
    return [str(word) for pair in flags.items() for word in pair] + ["--explain"]


def test_band_is_where_the_error_of_the_segment_is():
    error = np.zeros((2, 32, 32))
    error[:, 10:13, 14:16], error[:, 0, 0] = 6, 9
    low_hz, high_hz = explain.band_hz(error, (0.0, 0.05), "complex")
    assert low_hz == pytest.approx(10 * FS_HZ / 256) and high_hz == pytest.approx(12 * FS_HZ / 256)


def test_the_beat_is_drawn_and_said_to_be_abnormal(command, data, tmp_path, capsys):
    beat = data.index[data.index["class"] == "V"].iloc[0]
    main.main([*command, beat["record"], str(beat["sample"] + 5)])
    printed = capsys.readouterr().out
    picture = tmp_path / f"explain_{beat['record']}_{beat['sample']}.png"
    assert picture.exists() and str(picture) in printed
    assert "abnormal, score" in printed
    assert "in it is marked" in printed or "marked from" in printed
