"""A header says what it says, or it is refused: no word of it is guessed."""

import os

import numpy as np
import pytest
from recordings import wave, write_wfdb

from preprocess import BadInput
from preprocess.readers import formats, headers


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
        ("m/2 1 360 200\n~ 100\n~ 100\n", "no layout|no signal"),
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


def segments(folder, second=lambda text: text, stored=lambda values: values):
    """A record of two segments, each with its checksum; second, stored: change the other one."""
    for name, seed in (("s1", 1), ("s2", 2)):
        write_wfdb(folder, wave(3600, 360, seed), 360, name)
    header, signal = folder / "s2.hea", folder / "s2.dat"
    header.write_text(second(header.read_text()))
    signal.write_bytes(stored(signal.read_bytes()))
    (folder / "m.hea").write_text("m/2 1 360 7200\ns1 3600\ns2 3600\n")
    return folder / "m"


@pytest.mark.parametrize(
    "change, words",
    [
        ({"stored": lambda values: values[:-2] + b"\1\1"}, "sums up"),
        ({"second": lambda text: text.replace("MLII", "V1")}, "other leads"),
        ({"second": lambda text: text.replace("/mV", "/uV")}, "different units"),
        ({"second": lambda text: text.replace("s2.dat 16", "s2.dat 8")}, "format 8|length"),
    ],
)
def test_each_segment_is_what_its_own_header_says(change, words, tmp_path):
    assert formats.open_source(segments(tmp_path)).n == 7200
    with pytest.raises(BadInput, match=words):
        formats.open_source(segments(tmp_path, **change))


def test_a_gap_without_a_layout_is_a_sentence(tmp_path):
    path = segments(tmp_path)
    path.with_suffix(".hea").write_text("m/3 1 360 7300\ns1 3600\n~ 100\ns2 3600\n")
    with pytest.raises(BadInput, match="no layout"):
        formats.open_source(path)


def test_files_of_a_record(path):
    folder = path.parent
    assert headers.files(path) == [folder / "r1.hea", folder / "r1.dat"]
    names = [file.name for file in headers.files(segments(folder))]
    assert names == ["m.hea", "s1.hea", "s2.hea", "s1.dat", "s2.dat"]
    assert headers.is_summed(path) and not headers.is_summed(folder / "m")


def stored(folder, values, told):
    """A record of whole numbers that lie in its file as they are given."""
    (folder / "r9.dat").write_bytes(values.tobytes())
    (folder / "r9.hea").write_text(told)
    return formats.open_source(folder / "r9")


def test_first_differences_are_read_alike_from_anywhere(tmp_path):
    values = np.cumsum(np.random.default_rng(0).integers(-9, 10, 4000))
    told = f"r9 1 360 4000\nr9.dat 8 100 8 0 7 {told_sum(values + 7)} 0 MLII\n"
    source = stored(tmp_path, np.diff(values, prepend=0).astype("i1"), told)
    np.testing.assert_allclose(source.read(0, 4000), (values + 7) / 100)
    np.testing.assert_allclose(source.read(3000, 3500), (values[3000:3500] + 7) / 100)
    with pytest.raises(BadInput, match="sums up"):
        stored(tmp_path, np.diff(values, prepend=1).astype("i1"), told)


def test_several_samples_of_a_frame_have_a_sum_too(tmp_path):
    values = np.random.default_rng(0).integers(-900, 900, 4000).astype("<i2")
    told = f"r9 1 180 2000\nr9.dat 16x2 100 16 0 {values[0]} {told_sum(values)} 0 MLII\n"
    source = stored(tmp_path, values, told)
    assert (source.n, source.fs_hz) == (2000, 180)
    with pytest.raises(BadInput, match="sums up"):
        stored(tmp_path, values + np.int16(1), told)


def told_sum(values):
    """The lower 16 bits of the sum, with their sign."""
    return (int(values.sum(dtype=int)) + 32768) % 65536 - 32768
