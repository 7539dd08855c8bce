"""EDF: what was written is what is read, gaps in their place; what does not fit is refused."""

from datetime import datetime, time

import numpy as np
import pytest
from recordings import wave, write_edf, write_interrupted_edf

from preprocess import BadInput
from preprocess.readers import formats


@pytest.mark.parametrize("fs_hz", [100, 128, 250, 360, 512, 1000, 2000])
@pytest.mark.parametrize("unit", ["mV", "uV", "V"])
def test_what_is_read_was_written(fs_hz, unit, tmp_path):
    signal = wave(12 * fs_hz, fs_hz)
    source = formats.open_source(write_edf(tmp_path, signal, fs_hz, unit=unit))
    assert (source.fs_hz, source.n, source.lead) == (fs_hz, len(signal), "ECG II")
    np.testing.assert_allclose(source.read(0, source.n), signal, atol=1e-4)
    np.testing.assert_allclose(source.read(37, 3 * fs_hz), signal[37 : 3 * fs_hz], atol=1e-4)


def test_a_cut_file_is_refused(tmp_path):
    path = write_edf(tmp_path, wave(5000, 250))
    whole = path.read_bytes()
    for end in (len(whole) - 1, len(whole) // 2, 600, 300, 100, 0):
        path.write_bytes(whole[:end])
        with pytest.raises(BadInput, match="truncated|EDF"):
            formats.open_source(path)
    path.write_bytes(whole + b"\0\0")
    with pytest.raises(BadInput, match="longer than its header says"):
        formats.open_source(path)


def test_gaps_of_an_interrupted_recording_are_gaps(tmp_path):
    signal, onsets_s = wave(1000, 100), [0, 1, 2, 3, 43, 44, 45, 46.5, 47.5, 48.5]
    source = formats.open_source(write_interrupted_edf(tmp_path, signal, 100, onsets_s))
    whole = np.full(4950, np.nan)
    for k, onset_s in enumerate(onsets_s):
        at = round(onset_s * 100)
        whole[at : at + 100] = signal[k * 100 : k * 100 + 100]
    assert source.n == 4950
    np.testing.assert_allclose(source.read(0, 4950), whole, atol=1e-4)
    for start, end in ((0, 50), (350, 4350), (500, 600), (4320, 4640), (4949, 4950)):
        np.testing.assert_allclose(source.read(start, end), whole[start:end], atol=1e-4)


@pytest.mark.parametrize("onsets_s", [[0, 1, 0.5, 3], [0, 1, 90_000, 90_001]])
def test_impossible_times_are_refused(onsets_s, tmp_path):
    with pytest.raises(BadInput, match="begins .* s after"):
        formats.open_source(write_interrupted_edf(tmp_path, wave(400, 100), 100, onsets_s))


@pytest.mark.parametrize(
    "field, text, words",
    [
        (slice(236, 244), b"-1      ", "shorter than its header"),
        (slice(244, 252), b"0       ", "holds no signal"),
        (slice(244, 252), b"1e99    ", "sampled at"),
        (slice(244, 252), b"nan     ", "duration"),
        (slice(252, 256), b"9999", "holds no signal"),
        (slice(352, 360), b"mmHg    ", "in 'mmHg'"),
        (slice(360, 368), b"inf     ", "physical min"),
        (slice(376, 384), b"40000   ", "digital limits"),
        (slice(472, 480), b"-250    ", "-250"),
    ],
)
def test_headers_that_lie(field, text, words, tmp_path):
    path = write_edf(tmp_path, wave(5000, 250))
    stored = bytearray(path.read_bytes())
    stored[field] = text
    path.write_bytes(stored)
    with pytest.raises(BadInput, match=words):
        formats.open_source(path)


@pytest.mark.parametrize(
    "day, of_day, name, start",
    [
        (b"02.01.26", b"22.30.00", b"", datetime(2026, 1, 2, 22, 30)),
        (b"02.01.yy", b"22.30.00", b"", None),
        (b"01.01.85", b"22.30.00", b"", time(22, 30)),
        (b"01.01.85", b"00.00.00", b"", None),
        (b"02.01.26", b"22.30.00", b"Startdate 02-JAN-1926 X", datetime(1926, 1, 2, 22, 30)),
    ],
)
def test_when_it_began(day, of_day, name, start, tmp_path):
    path = write_edf(tmp_path, wave(2500, 250))
    stored = bytearray(path.read_bytes())
    stored[88:168], stored[168:176], stored[176:184] = name.ljust(80), day, of_day
    path.write_bytes(stored)
    assert formats.open_source(path).start == start


def test_a_unit_that_the_header_contradicts_is_refused(tmp_path):
    path = write_edf(tmp_path, wave(2500, 250), unit="uV")
    assert formats.open_source(path, units="uV").n == 2500
    with pytest.raises(BadInput, match="--units says mV, .* uV"):
        formats.open_source(path, units="mV")
