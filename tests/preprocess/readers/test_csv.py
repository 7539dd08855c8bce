"""CSV: what was written is what is read, with its gaps; what is unclear is refused, with a line."""

import time

import numpy as np
import pytest
from recordings import wave, write_csv

from preprocess import BadInput
from preprocess.readers import formats


@pytest.mark.parametrize("fs_hz", [100, 128, 250, 360, 500, 1000, 2000])
@pytest.mark.parametrize("digits", [3, 6])
def test_what_is_read_was_written(fs_hz, digits, tmp_path):
    signal = wave(12 * fs_hz, fs_hz).round(digits)
    columns = {"time_s": np.arange(len(signal)) / fs_hz, "II": signal}
    source = formats.open_source(write_csv(tmp_path, columns, digits=digits))
    assert (source.fs_hz, source.n) == (fs_hz, len(signal))
    np.testing.assert_allclose(source.read(0, source.n), signal, atol=1e-6)


@pytest.mark.parametrize("unit, scale", [("mV", 1), ("uV", 1000), ("V", 1e-3)])
def test_units_and_decimal_commas(unit, scale, tmp_path):
    signal = wave(3000, 250)
    columns = {"time_ms": np.arange(3000) * 4.0, f"II ({unit})": signal * scale}
    path = write_csv(tmp_path, columns, separator=";", decimal=",", digits=9)
    source = formats.open_source(path)
    assert (source.fs_hz, source.lead) == (250, "II")
    np.testing.assert_allclose(source.read(0, 3000), signal, atol=1e-6)


def test_one_column_of_decimal_commas(tmp_path):
    signal = wave(3000, 250).round(3)
    path = write_csv(tmp_path, {"II": signal}, decimal=",", digits=3)
    source = formats.open_source(path, fs_hz=250.0)
    np.testing.assert_allclose(source.read(0, 3000), signal, atol=1e-6)
    path.write_text(path.read_text().split("\n", 1)[1])  # without its name
    source = formats.open_source(path, fs_hz=250.0)
    np.testing.assert_allclose(source.read(0, 3000), signal, atol=1e-6)


@pytest.mark.parametrize("row", [100, 2500, 400_000])
@pytest.mark.parametrize("gap_s", [0.04, 3600])
def test_gaps_are_kept(row, gap_s, tmp_path):
    signal = wave(row + 1000, 250).round(3)
    times = np.arange(len(signal)) / 250
    times[row:] += gap_s
    lost = round(gap_s * 250)
    source = formats.open_source(write_csv(tmp_path, {"time_s": times, "II": signal}, digits=3))
    assert source.n == len(signal) + lost
    around = source.read(row - 5, row + lost + 5)
    np.testing.assert_allclose(around[:5], signal[row - 5 : row], atol=1e-6)
    assert np.isnan(around[5:-5]).all()
    np.testing.assert_allclose(around[-5:], signal[row : row + 5], atol=1e-6)


def jump(times):
    times[3000:] -= 5


def stand(times):
    times[3000] = times[2999]


def faster(times):
    times[3000:] = times[3000] + np.arange(len(times) - 3000) / 500


def slower(times):
    times[3000:] = times[3000] + np.arange(len(times) - 3000) / 125


def a_little_slower(times):
    times[3000:] = times[3000] + np.arange(len(times) - 3000) / 249


def no_time(times):
    times[3000] = np.nan


@pytest.mark.parametrize(
    "change, words",
    [
        (jump, "goes back at line 3002"),
        (stand, "stands still at line 3002"),
        (faster, "changes after line 30|stands still"),
        (slower, "changes after line 30"),
        (a_little_slower, "changes after line"),
        (no_time, "line 3002 .* has no time"),
    ],
)
def test_times_that_do_not_go_on_evenly_are_refused(change, words, tmp_path):
    times = np.arange(9000) / 250
    change(times)
    path = write_csv(tmp_path, {"time_s": times, "II": wave(9000, 250)})
    with pytest.raises(BadInput, match=words):
        formats.open_source(path)


@pytest.mark.parametrize(
    "line, text, words",
    [
        (500, '"0.1', "quote without its pair"),
        (500, "0.1,0.2", "line 501 .* 2 cells"),
        (500, "abc", "line 501 .*'abc'"),
        (500, "1.234.5", "line 501"),
        (4000, "\0", "not a text file"),
        (0, "1,5", "2 cells|1 cells"),
    ],
)
def test_cells_that_are_no_numbers_are_refused(line, text, words, tmp_path):
    path = write_csv(tmp_path, {"II": wave(5000, 250)})
    lines = path.read_text().splitlines()
    lines[line] = text
    path.write_text("\n".join(lines))
    with pytest.raises(BadInput, match=words):
        formats.open_source(path, fs_hz=250.0)


def test_two_whole_numbers_or_a_decimal(tmp_path):
    path = tmp_path / "r1.csv"
    path.write_text("\n".join(f"{k % 7},{100 + k % 13}" for k in range(4000)))
    with pytest.raises(BadInput, match="decimal comma"):
        formats.open_source(path, fs_hz=250.0)


def test_a_ramp_is_no_lead(tmp_path):
    path = write_csv(tmp_path, {"stamp": np.arange(3000) * 4.0, "II": wave(3000, 250)})
    with pytest.raises(BadInput, match="rises evenly"):
        formats.open_source(path, lead="stamp", fs_hz=250.0)


def test_times_in_ms_under_another_name(tmp_path):
    path = write_csv(tmp_path, {"time": np.arange(3000) * 4.0, "II": wave(3000, 250)})
    with pytest.raises(BadInput, match="call the column time_ms"):
        formats.open_source(path)


def test_a_line_of_a_million_columns_is_refused_at_once(tmp_path):
    path, start = tmp_path / "r1.csv", time.monotonic()
    path.write_text(",".join(["0.123"] * 1_000_000))
    with pytest.raises(BadInput, match="letters"):
        formats.open_source(path, fs_hz=250.0)
    assert time.monotonic() - start < 2


def test_as_physionet_writes_them(tmp_path):
    rows = [f"{k / 360:.3f},{value:.3f}" for k, value in enumerate(wave(4000, 360))]
    path = tmp_path / "r1.csv"
    path.write_text("'Elapsed time','MLII'\n'seconds','mV'\n" + "\n".join(rows))
    source = formats.open_source(path)
    assert (source.fs_hz, source.lead, source.n) == (360, "MLII", 4000)


@pytest.mark.parametrize("name, unit", [("Zeit", 1.0), ("sample", 250.0), ("", 250.0)])
def test_a_counter_is_a_clock_whatever_it_is_called(name, unit, tmp_path):
    """It has holes and jumps as a column of times has."""
    signal = wave(5000, 250).round(3)
    counter = np.arange(5000) / 250 * unit
    holed = counter + 10 * unit * (counter >= 2 * unit)
    path = write_csv(tmp_path, {name: holed, "II": signal})
    source = formats.open_source(path, fs_hz=250.0)
    assert (source.fs_hz, source.lead, source.n) == (250, "II", 7500)
    np.testing.assert_allclose(source.read(3000, 7500), signal[500:], atol=1e-6)
    assert np.isnan(source.read(500, 3000)).all()
    back = counter - 10 * unit * (counter >= 15 * unit)
    with pytest.raises(BadInput, match="goes back"):
        formats.open_source(write_csv(tmp_path, {name: back, "II": signal}), fs_hz=250.0)


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_endless_lines_are_refused_at_once(rows, tmp_path):
    path = tmp_path / "r1.csv"
    path.write_text("\n".join([",".join(["1"] * 500_000)] * rows))
    started = time.monotonic()
    with pytest.raises(BadInput, match="line of more than"):
        formats.open_source(path, fs_hz=250.0)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "name, unit_s", [("time_min", 60), ("Time (h)", 3600), ("time [μs]", 1e-6), ("time_ns", 1e-9)]
)
def test_times_in_the_unit_that_their_name_says(name, unit_s, tmp_path):
    signal = wave(3000, 250).round(3)
    columns = {name: np.arange(3000) / 250 / unit_s, "II": signal}
    source = formats.open_source(write_csv(tmp_path, columns, digits=12))
    assert source.fs_hz == 250
    np.testing.assert_allclose(source.read(0, 3000), signal, atol=1e-6)


@pytest.mark.parametrize("name", ["II (adu)", "II [0.1uV]", "II (10 uV)", "II (counts)"])
def test_numbers_in_no_voltage_are_refused(name, tmp_path):
    path = write_csv(tmp_path, {"time_s": np.arange(3000) / 250, name: wave(3000, 250)})
    with pytest.raises(BadInput, match="choose another --lead"):
        formats.open_source(path)


def test_units_that_are_told_twice_must_agree(tmp_path):
    columns = {"time_s": np.arange(3000) / 250, "II (uV)": 1000 * wave(3000, 250)}
    path = write_csv(tmp_path, columns)
    assert formats.open_source(path, units="uV").n == 3000
    with pytest.raises(BadInput, match="--units says mV"):
        formats.open_source(path, units="mV")


@pytest.mark.parametrize("sign", [",", "."])
def test_thousands_are_no_decimals(sign, tmp_path):
    cells = [f"{3000 * value:,.0f}".replace(",", sign) for value in wave(3000, 250)]
    path = tmp_path / "r1.csv"
    path.write_text("t_ms;II (uV)\n" + "\n".join(f"{4 * k};{c}" for k, c in enumerate(cells)))
    with pytest.raises(BadInput, match="thousands"):
        formats.open_source(path)


def test_a_number_beyond_all_bounds_is_none(tmp_path):
    path = write_csv(tmp_path, {"II": wave(3000, 250)})
    lines = path.read_text().splitlines()
    lines[500] = "1e300"
    path.write_text("\n".join(lines))
    values = formats.open_source(path, fs_hz=250.0).read(0, 3000)
    assert np.flatnonzero(np.isnan(values)).tolist() == [499] and np.nanmax(values) < 2
