"""WFDB records: a header says what it says, or the record is refused; annotations are whole."""

from datetime import datetime

import numpy as np
import pytest
import wfdb
from recordings import wave, write_wfdb

from preprocess import BadInput
from preprocess.readers import open_source
from preprocess.readers import wfdb as records


@pytest.fixture
def path(tmp_path):
    return write_wfdb(
        tmp_path, wave(3600, 360), 360, samples=np.arange(360, 3600, 360), symbols="N" * 9
    )


def edit(path, old, new):
    file = path.with_suffix(".hea")
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    "old, new, words",
    [
        (" 360 ", " -360 ", "'-360' Hz"),
        (" 360 ", " 36 ", "36 Hz"),
        (" 360 ", " 36O ", "Hz"),
        (" 3600", " 7200", "truncated"),
        (" 3600", " 1800", "sums up"),
        ("r1 1 ", "r1 2 ", "announces 2 signals"),
        ("r1 1 ", "r1/1 1 ", "cannot be read as WFDB"),
        ("r1.dat 16", "r1.dat 212", "sums up|truncated"),
        ("r1.dat 16", "r1.dat 999", "cannot be read as WFDB"),
        ("/mV", "/mmHg", "in 'mmHg'"),
    ],
)
def test_what_lies_is_refused(path, old, new, words):
    with pytest.raises(BadInput, match=words):
        open_source(edit(path, old, new))


def test_what_a_header_may_leave_out(path):
    whole = open_source(path).read(0, 3600)
    source = open_source(edit(edit(path, " 3600", ""), "MLII", "").with_suffix(".mat"))
    assert (source.lead, source.n) == ("signal0", 3600)
    np.testing.assert_array_equal(source.read(1000, 1100), whole[1000:1100])


def stored(folder, values, told, name="r9"):
    """A record of whole numbers that lie in its file as they are given."""
    (folder / f"{name}.dat").write_bytes(values.tobytes())
    (folder / f"{name}.hea").write_text(told)
    return open_source(folder / name)


def test_first_differences_are_read_alike_from_anywhere(tmp_path):
    values = np.cumsum(np.random.default_rng(0).integers(-9, 10, 4000))
    told = f"r9 1 360 4000\nr9.dat 8 100 8 0 7 {np.sum(values + 7).astype(np.int16)} 0 MLII\n"
    source = stored(tmp_path, np.diff(values, prepend=0).astype("i1"), told)
    np.testing.assert_allclose(source.read(3000, 3500)[:, 0], (values[3000:3500] + 7) / 100)
    with pytest.raises(BadInput, match="sums up"):
        stored(tmp_path, np.diff(values, prepend=1).astype("i1"), told)


@pytest.mark.parametrize("kind", ["16", "61"])
def test_a_lead_has_all_samples_of_its_frames(kind, tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.integers(-900, 900, (1000, 5))  # four of an ECG, one of another signal
    ecg = frames[:, :4].reshape(-1)
    sums = np.array([ecg.sum(), frames[:, 4].sum()]).astype(np.int16)
    told = (
        f"r9 2 62.4725 1000 2-Jan-2026 22:30:00\nr9.dat {kind}x4 100 16 0 {ecg[0]} {sums[0]} 0 II\n"
        f"r9.dat {kind} 100/NU 16 0 {frames[0, 4]} {sums[1]} 0 RESP\n"
    )
    letters = "<i2" if kind == "16" else ">i2"
    source = stored(tmp_path, frames.astype(letters), told)
    assert (source.lead, source.n, source.fs_hz) == ("II", 4000, 249.89)
    assert source.start == datetime(2026, 1, 2, 22, 30)
    np.testing.assert_allclose(source.read(0, 4000)[:, 0], ecg / 100)
    np.testing.assert_allclose(source.read(1001, 1502)[:, 0], ecg[1001:1502] / 100)
    with pytest.raises(BadInput, match="sums up"):
        stored(tmp_path, frames.astype(letters) + np.int16(1), told)


def test_a_compressed_signal_has_the_length_that_its_header_says(tmp_path):
    values = np.random.default_rng(0).integers(-900, 900, 4000).astype(np.int16)
    how = {"sig_name": ["II"], "units": ["mV"], "adc_gain": [100], "baseline": [0]}
    wfdb.wrsamp("r9", 360, fmt=["516"], d_signal=values[:, None], write_dir=str(tmp_path), **how)
    with pytest.raises(BadInput, match="4000 samples a signal and r9.hea says 2000"):
        open_source(edit(tmp_path / "r9", " 4000", " 2000"))


def segments(folder, text="m/2 1 360 7200 22:30:00 02/01/2026\ns1 3600\ns2 3600\n", second=str):
    """A record of two segments, each with its checksum; second: changes the other's header."""
    for name, seed in (("s1", 1), ("s2", 2)):
        write_wfdb(folder, wave(3600, 360, seed), 360, name)
    (folder / "s2.hea").write_text(second((folder / "s2.hea").read_text()))
    (folder / "m.hea").write_text(text)
    return folder / "m"


def test_segments_are_one_recording_with_their_gaps(tmp_path):
    both = [wave(3600, 360, seed) for seed in (1, 2)]
    source = open_source(segments(tmp_path))
    assert source.start == datetime(2026, 1, 2, 22, 30)
    np.testing.assert_allclose(source.read(0, 7200)[:, 0], np.concatenate(both), atol=0.001)
    layout = "m_layout 1 360 0\n~ 0 1000(0)/mV 16 0 0 0 0 MLII\n"
    (tmp_path / "m_layout.hea").write_text(layout)
    for first in ("", "m_layout 0\n"):
        count = 4 if first else 3
        text = f"m/{count} 1 360 8200 02-Jan-2026 22:30:00\n{first}s1 3600\n~ 1000\ns2 3600\n"
        source = open_source(segments(tmp_path, text))
        expected = np.concatenate([both[0], np.full(1000, np.nan), both[1]])
        assert (source.n, source.start) == (8200, datetime(2026, 1, 2, 22, 30))
        np.testing.assert_allclose(source.read(0, 8200)[:, 0], expected, atol=0.001)
        np.testing.assert_allclose(source.read(3500, 4700)[:, 0], expected[3500:4700], atol=0.001)


def test_each_segment_is_read_as_its_own_header_says(tmp_path):
    first = wave(3600, 360, 1)
    uv = open_source(segments(tmp_path, second=lambda text: text.replace("/mV", "/uV")))
    np.testing.assert_allclose(uv.read(0, 3600)[:, 0], first, atol=0.001)
    assert np.abs(uv.read(3600, 7200)).max() < 0.002
    other = open_source(segments(tmp_path, second=lambda text: text.replace("MLII", "V1")))
    assert other.screened == ["MLII", "V1"]
    assert np.isnan(other.read(3600, 7200)).mean(0).tolist() == [1, 0]


@pytest.mark.parametrize(
    "text, words",
    [
        ("m/2 1 360 200\nm 100\nm 100\n", "has 0 samples"),
        ("m/2 1 360 7200\ns1 3600\ns2 3500\n", "has 3600 samples"),
        ("m/99999999 1 360 200\n~ 100\n", "announces 99999999"),
        ("m/2 1 360 200\n~ 100\n~ 100\n", "no signal"),
    ],
)
def test_segments_that_lie_are_refused(text, words, tmp_path):
    with pytest.raises(BadInput, match=words):
        open_source(segments(tmp_path, text))


def test_files_of_a_record_and_its_digest(path):
    folder = path.parent
    assert records.files(path) == [folder / "r1.hea", folder / "r1.dat"]
    names = [file.name for file in records.files(segments(folder))]
    assert names == ["m.hea", "s1.hea", "s2.hea", "s1.dat", "s2.dat"]
    summed = records.digest(path)
    words = path.with_suffix(".hea").read_text().split()
    edit(path, f" {words[10]} ", " 0 ")
    unsummed = records.digest(path)
    content = path.with_suffix(".dat").read_bytes()
    path.with_suffix(".dat").write_bytes(content[2:] + content[:2])
    assert len({summed, unsummed, records.digest(path)}) == 3


@pytest.mark.parametrize("ending", [".dat", ".atr", ".hea"])
def test_a_missing_file_is_named(path, ending):
    path.with_suffix(ending).unlink()
    with pytest.raises(BadInput, match=f"r1{ending} is missing"):
        records.read(path)


def test_flat_and_missing_signal(tmp_path):
    gap = np.sin(np.arange(7200) / 50)
    gap[100:120] = np.nan
    for signal, words in ((np.zeros(7200), "is flat"), (gap, "20 missing samples")):
        with pytest.raises(BadInput, match=words):
            records.read(write_wfdb(tmp_path, signal), annotator=None)


def test_records_of_a_folder(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(BadInput, match="no folder .* with WFDB records"):
            records.find_records(folder)
    segments(tmp_path)
    for name in ("100", "102", "217"):  # two are paced
        write_wfdb(tmp_path, wave(360, 360), name=name)
    assert [p.name for p in records.find_records(tmp_path)] == ["100", "m"]


def test_annotations_of_any_distance_and_of_a_rate_of_their_own(tmp_path):
    samples, symbols = np.cumsum([5, 1023, 1024, 70_000, 3, 5_000_000]), list("NVNAFN")
    notes = ["", "(VT", "", "(N", "", "x"]
    for name, fs_hz in (("r1", None), ("r2", 125)):
        how = {"aux_note": notes, "fs": fs_hz, "write_dir": str(tmp_path)}
        wfdb.wrann(name, "atr", samples, symbols, **how)
        found, codes = records.read_annotations(tmp_path / f"{name}.atr", 250)
        np.testing.assert_array_equal(found, samples * (250 / (fs_hz or 250)))
        assert codes.tolist() == symbols


def test_no_part_of_an_annotation_file_passes_for_it(path):
    file = path.with_suffix(".atr")
    whole = file.read_bytes()
    for size in range(len(whole) - 1):
        file.write_bytes(whole[:size])
        with pytest.raises(BadInput):
            records.read_annotations(file, 360, 3600)
    for content in (b"\xff" * 100_000, b"\x00\xec\xff\xff\xff\x7f" * 10_000, b"\x01\x00" * 9):
        file.write_bytes(content)
        with pytest.raises(BadInput):
            records.read_annotations(file, 360, 3600)


def test_an_annotation_after_the_last_sample_is_dropped_and_said(path, capsys):
    file = path.with_suffix(".atr")
    assert len(records.read_annotations(file, 360, 3240)[0]) == 8
    assert "1 after the last sample dropped" in capsys.readouterr().err
    with pytest.raises(BadInput, match="the signal ends"):
        records.read_annotations(file, 360, 1800)
