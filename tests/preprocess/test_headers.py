"""A header says what it says, or it is refused: no word of it is guessed."""

import os

import pytest
from recordings import wave, write_wfdb

from preprocess import BadInput, formats, headers


@pytest.fixture
def path(tmp_path):
    return write_wfdb(tmp_path, wave(3600, 360), 360)


def edit(path, old, new):
    file = path.with_suffix(".hea")
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "old, new, words",
    [
        (" 360 ", " -360 ", "-360 Hz"),
        (" 360 ", " 36 ", "36 Hz"),
        (" 360 ", " 3e9 ", "Hz"),
        (" 360 ", " 36O ", "no record line"),
        (" 3600", " 7200", "truncated"),
        (" 3600", " 1800", "length is wrong|sums up"),
        ("r1 1 ", "r1 2 ", "announces 2 signals"),
        ("r1 1 ", "r1/1 1 ", "names itself|no segment"),
        ("r1.dat 16", "r1.dat 212", "sums up|truncated|length"),
        ("1000(0)", "-200(0)", "gain"),
        ("MLII", "", None),
    ],
)
def test_what_lies_is_refused(path, old, new, words):
    edit(path, old, new)
    if words is None:  # a lead without a name is a legal one
        assert formats.open_source(path).lead == "signal0"
        return
    with pytest.raises(BadInput, match=words):
        formats.open_source(path)


def test_one_sample_more_or_less_is_seen(path):
    signal = path.with_suffix(".dat")
    whole = signal.read_bytes()
    for content in (whole[:-2], whole[2:] + whole[:2], b"\1" + whole[1:]):
        signal.write_bytes(content)
        with pytest.raises(BadInput, match="truncated|sums up"):
            formats.open_source(path).read(0, 3600)


@pytest.mark.parametrize(
    "text, words",
    [
        ("m/2 1 360 200\nm 100\nm 100\n", "names itself"),
        ("m/2 1 360 200\nn 100\nn 100\n", "has segments itself"),
        ("m/2 1 360 7200\nr1 3600\nr1 3500\n", "has 3600 samples"),
        ("m/2 1 360 9999\nr1 3600\nr1 3600\n", "together"),
        ("m/99999999 1 360 200\n~ 100\n", "announces 99999999"),
        ("m/2 1 360 200\n~ 100\n~ 100\n", "WFDB|no signal"),
    ],
)
def test_segments_that_lie_are_refused(path, text, words):
    (path.parent / "m.hea").write_text(text)
    (path.parent / "n.hea").write_text(text.replace("m/2", "n/2"))
    with pytest.raises(BadInput, match=words):
        formats.open_source(path.parent / "m")


@pytest.mark.parametrize("name", ["r1.hea", "r1.dat"])
def test_a_pipe_is_not_waited_for(path, name):
    file = path.parent / name
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(BadInput, match="a pipe"):
        formats.open_source(path)
    with pytest.raises(BadInput, match="a pipe"):
        headers.check(path)
