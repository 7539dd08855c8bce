"""EDF, BDF and ISHNE: gaps and starts in their place; what does not fit is said or refused."""

from datetime import datetime, time

import edfio
import numpy as np
import pytest
from recordings import wave, write_edf, write_interrupted_edf, write_ishne

from preprocess import BadInput
from preprocess.readers import open_source


@pytest.mark.parametrize("onsets_s", [[0, 1, 0.5, 3], [0, 1, 90_000, 90_001]])
def test_impossible_times_are_refused(onsets_s, tmp_path):
    with pytest.raises(BadInput, match="begins .* s after"):
        open_source(write_interrupted_edf(tmp_path, wave(400, 100), 100, onsets_s))


def edited(path, field, text):
    stored = bytearray(path.read_bytes())
    stored[field] = text
    path.write_bytes(stored)
    return path


@pytest.mark.parametrize(
    "field, text, words",
    [
        (slice(244, 252), b"0       ", "cannot be read as EDF by its"),
        (slice(252, 256), b"9999", "cannot be read as EDF"),
        (slice(352, 360), b"mmHg    ", "in 'mmHg'"),
        (slice(352, 360), b" " * 8, "in 'no unit'.*--units"),
        (slice(360, 368), b"inf     ", "limits that cannot be"),
        (slice(472, 480), b"-250    ", "cannot be read as EDF by its"),
        (slice(0, 8), b"1       ", "first bytes"),
    ],
)
def test_headers_that_lie(field, text, words, tmp_path):
    path = edited(write_edf(tmp_path, wave(5000, 250)), field, text)
    with pytest.raises(BadInput, match=words):
        open_source(path)


@pytest.mark.parametrize("told, said", [(b"-1      ", 0), (b"20      ", 0), (b"30      ", 1)])
def test_whole_data_records_are_read_whatever_their_number(told, said, tmp_path):
    path = edited(write_edf(tmp_path, wave(5000, 250)), slice(236, 244), told)
    source = open_source(path)
    assert (source.n, len(source.notes)) == (5000, said)
    path.write_bytes(path.read_bytes()[:-10])
    source = open_source(path)
    assert source.n == 4750 and "the 19 whole ones are read" in source.notes[0]


@pytest.mark.parametrize(
    "day, of_day, name, start",
    [
        (b"02.01.26", b"22.30.00", b"", datetime(2026, 1, 2, 22, 30)),
        (b"02.01.yy", b"22.30.00", b"", time(22, 30)),
        (b"01.01.85", b"22.30.00", b"", time(22, 30)),
        (b"01.01.85", b"00.00.00", b"", None),
        (b"02.01.26", b"22.30.00", b"Startdate 02-JAN-1926 X", datetime(1926, 1, 2, 22, 30)),
    ],
)
def test_when_it_began(day, of_day, name, start, tmp_path):
    path = edited(write_edf(tmp_path, wave(1000, 250)), slice(168, 184), day + of_day)
    if name:
        edited(path, slice(88, 168), name.ljust(80))
    assert open_source(path).start == start


def test_the_ecg_among_other_signals_of_24_bits(tmp_path):
    ecg = wave(5120, 512)
    signals = [
        edfio.BdfSignal(values * 1000, hz, label=label, physical_dimension=unit)
        for values, hz, label, unit in (
            (ecg, 512, "ECG1-ECG2", "uV"),
            (ecg, 512, "ECG3-ECG4", "ohm"),  # is left out where nobody asks for it
            (wave(320, 32), 32, "Thorax", "uV"),
        )
    ]
    path = tmp_path / "r1.bdf"
    edfio.Bdf(signals).write(path)
    path.write_bytes(path.read_bytes().replace(b"uV      ", "µV".encode().ljust(8)))  # in UTF-8
    source = open_source(path)
    assert (source.screened, source.fs_hz, source.n) == (["ECG1-ECG2"], 512, 5120)
    with pytest.raises(BadInput, match="512, 32 Hz"):
        open_source(path, ["ECG1-ECG2", "Thorax"])


def test_ishne_may_not_say_leads_and_day(tmp_path):
    source = open_source(write_ishne(tmp_path, np.zeros((500, 2)), codes=(0, 0), day=(0, 0, 0)))
    assert source.leads == ["unknown1", "unknown2"] and source.start == time(3, 4, 5)


def test_damaged_ishne_is_refused(tmp_path):
    path = write_ishne(tmp_path, np.zeros((1000, 2)), is_summed=True)
    whole = path.read_bytes()
    damaged = [whole[:-2], whole[:300], whole[:100], b"", whole + b"\0\0", b"X" + whole[1:]]
    for stored in [*damaged, whole.replace(b"maker", b"mayor")]:
        path.write_bytes(stored)
        with pytest.raises(BadInput, match="ISHNE|truncated|fetch it again"):
            open_source(path)
