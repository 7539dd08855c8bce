"""Text files: what devices and people write is read, with its gaps; what is unclear is refused."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from recordings import wave, write_csv

from preprocess import BadInput
from preprocess.readers import open_source
from preprocess.readers.csv import read_layout

START = datetime(2024, 5, 23, 23, 59, 55)  # midnight is in it
N = 2600
PEAKS_MV = wave(N, 250).round(4)
OPEN_SIGNALS = (
    '# OpenSignals Text File Format\n# {"20:15": {"sensor": ["ECG", "RESP"], "column": ["nSeq", '
    '"DI", "A1", "A2"], "time": "23:59:55.0", "date": "2024-5-23", "sampling rate": 1000, '
    '"resolution": [4, 1, 10, 10]}}\n# EndOfHeader\n'
)
LAB_CHART = (
    "Interval=\t0.001 s\nExcelDateTime=\t4,54e+004\t23/05/2024 23:59:55,0\nTimeFormat=\tStart\n"
    "ChannelTitle=\tECG\tResp\nRange=\t10.000 mV\t5.000 V\nUnitName=\tmV\tV\n"
)
SHIMMER = (
    '"sep=\t"\nShimmer_5E_Timestamp_Unix_CAL\tShimmer_5E_ECG_Status1_CAL\tShimmer_5E_ECG_LL-RA_CAL'
    "\tShimmer_5E_ECG_LA-RA_CAL\t\nms\tno_units\tmV\tmV\t\n"
)
WATCH = (
    'Name,Nobody\nDate of Birth,"1 Jan 2000"\nRecorded Date,2024-05-23 23:59:55 +0200\n'
    'Classification,Sinus Rhythm\nDevice,"Watch5,1"\nSample Rate,512 hertz\n\n\nLead,Lead I\n'
    "Unit,µV\n\n"
)
MONTRE = (
    'Nom,X\nDate de naissance,"1 janv. 2000"\nDate d’enregistrement,2024-05-23 23:59:55 +0200\n'
    "Fréquence d’échantillonnage,512\u00a0hertz\n\nDérivation,Dérivation I\nUnité,µV\n\n"
)
ACQ_KNOWLEDGE = (
    "night.acq\n0.5 msec/sample\n2 channels\nECG\nmV\nRSP\nVolts\nsec\tCH1\tCH2\n\t2600\t2600\n"
)


def after(k, hz, form):
    return (START + timedelta(seconds=k / hz)).strftime(form)


LONG = "lead,n,value\n" + "".join(f"{'VI'[k % 2]},{k},{k**2 % 9}\n" for k in range(999))
WIDE = ",".join(f"V{k}" for k in range(256))  # of its rows the first bytes have fewer than columns
COUNTS = {"gain": 150.0, "baseline": 500.0}
# name: (lines before the rows, a row of its number and its mV, rate, lead, start; what is told)
DEVICES = {
    "watch": (WATCH, lambda k, mv: f"{1000 * mv:.3f}", (512, "I", START), {}),
    "montre": (MONTRE, lambda k, mv: f"{1000 * mv:.3f}".replace(".", ","), (512, "I", START)),
    "AcqKnowledge": (
        ACQ_KNOWLEDGE,
        lambda k, mv: f"{k / 2000:.6g}\t{mv:.4f}\t{k % 9 / 9:.4g}",
        (2000, "ECG CH1", None),
    ),
    "OpenSignals": (
        OPEN_SIGNALS,
        lambda k, mv: f"{k % 16}\t1\t{500 + 150 * mv:.2f}\t{500 + k % 99}\t",
        (1000, "ECG A1", START),
        COUNTS,
    ),
    "LabChart": (
        LAB_CHART,
        lambda k, mv: f"{k / 1000:.3f}\t{mv:.4f}\t{k % 9}" + "\t#* start" * (k == 700),
        (1000, "ECG", START),
    ),
    "Shimmer": (
        SHIMMER,
        lambda k, mv: f"{1714773386000 + k * 1000 / 512:.6f}\t128\t{mv:.6f}\t{mv / 2:.6f}\t",
        (512, "Shimmer_5E_ECG_LL-RA_CAL", None),
        {"lead": "Shimmer_5E_ECG_LL-RA_CAL"},
    ),
    "a clock of twelve hours": (
        "Time,ECG (mV),lead\n",
        lambda k, mv: f"{after(k, 250, '%d/%m/%Y %I:%M:%S.%f %p')},{mv:.4f},o{'nf'[k % 2]}",
        (250, "ECG", START),
    ),
    "chest strap": (
        "Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]\n",
        lambda k, mv: (
            f"{after(k, 130, '%Y-%m-%dT%H:%M:%S.%f')[:-3]};{768 * 10**15 + round(k * 1e9 / 130)};"
            f"{k * 1000 / 130:.6f};{1000 * mv:.1f}"
        ),
        (130, "ecg", START),
    ),
    "rdsamp": (
        "       sample #     MLII       V5\n            (units)  (units)\n",
        lambda k, mv: f"{k:12d}{500 + 150 * mv:8.2f}{500 + 50 * mv:8.2f}",
        (250, "MLII", None),
        {"fs_hz": 250.0, **COUNTS},
    ),
    "PhysioNet's export": (
        "'Elapsed time','MLII'\n'hh:mm:ss.mmm','mV'\n",
        lambda k, mv: f"'{k // 21600}:{k / 360 % 60:06.3f}',{mv:.4f}",
        (360, "MLII", None),
    ),
    "stamps of seconds": (
        "Date,Time,ECG\n",
        lambda k, mv: f"2024-05-23,{after(k // 130, 1, '%H:%M:%S')},{mv:.4f}",
        (130, "ECG", START.time()),
        {"fs_hz": 130.0},
    ),
    "comments": (
        # a day that may be read in two ways is none
        "# exported: 2025-05-23 10:00:00\n# Sprint, 3/5/2024 23:59:55\n# unit: uV\n# time_s,ecg\n",
        lambda k, mv: f"{k / 250:.4f},{1000 * mv:.1f}",
        (250, "ecg", START.time()),
    ),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("device", DEVICES)
def test_what_devices_write_is_read(device, encoding, tmp_path):
    before, row, (fs_hz, lead, start), *told = DEVICES[device]
    path = tmp_path / "r1.txt"
    text = before + "\n".join(row(k, mv) for k, mv in enumerate(PEAKS_MV)) + "\n"
    path.write_text(text, encoding=encoding)
    source = open_source(path, **dict(*told))
    assert (source.lead, source.n, source.start) == (lead, N, start)
    assert source.fs_hz == pytest.approx(fs_hz, rel=1e-4)
    np.testing.assert_allclose(source.read(0, N)[:, 0], PEAKS_MV, atol=2e-4)


@pytest.mark.parametrize("unit_s", [1, 1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("since_s", [0, 1_714_773_386])
@pytest.mark.parametrize("name", "time timestamp ts seconds unix_time datetime elapsed t".split())
def test_a_time_without_a_unit_has_the_one_that_makes_it_an_ecg(name, since_s, unit_s, tmp_path):
    unit_s = 1 if name == "seconds" else unit_s
    digits = 6 if unit_s == 1 else 3 if unit_s == 1e-3 else 0
    times = [f"{(since_s + k / 250) / unit_s:.{digits}f}" for k in range(N)]
    path = tmp_path / "r1.csv"
    path.write_text(f"{name},II\n" + "\n".join(f"{t},{mv}" for t, mv in zip(times, PEAKS_MV)))
    source = open_source(path)
    assert (source.fs_hz, source.lead, source.n) == (250, "II", N)


@pytest.mark.parametrize("row", [100, 2500, 400_000])
@pytest.mark.parametrize("gap_s", [0.04, 3600])
def test_gaps_are_kept(row, gap_s, tmp_path):
    signal = wave(row + 1000, 250).round(3)
    times = np.arange(len(signal)) / 250
    times[row:] += gap_s
    lost = round(gap_s * 250)
    source = open_source(write_csv(tmp_path, {"time_s": times, "II": signal}, digits=3))
    assert source.n == len(signal) + lost
    around = source.read(row - 5, row + lost + 5)[:, 0]
    np.testing.assert_allclose(around[:5], signal[row - 5 : row], atol=1e-6)
    assert np.isnan(around[5:-5]).all()
    np.testing.assert_allclose(around[-5:], signal[row : row + 5], atol=1e-6)


@pytest.mark.parametrize("fs_hz", [50, 130, 512, 700, 800, 900, 1000, 2048, 4000])
@pytest.mark.parametrize("step_s, slack_s", [(1e-3, 1e-3), (1, 1)])
def test_coarse_times_tell_the_rate_and_gaps_as_far_as_they_can(fs_hz, step_s, slack_s, tmp_path):
    times = np.arange(20 * fs_hz) / fs_hz + 3.2
    times[10 * fs_hz :] += 2.5
    signal = wave(len(times), fs_hz)
    columns = {"time_s": np.floor(times / step_s + 1e-6) * step_s, "II": signal}
    path = write_csv(tmp_path, columns, digits=3)
    source = open_source(path)
    assert source.fs_hz == fs_hz
    # exact at low rates; where a row is about a millisecond, within a row
    assert source.duration_s == pytest.approx(22.5, abs=max(slack_s, 1.01 / max(fs_hz, 700)))


@pytest.mark.parametrize("packet", [1, 73])
def test_stamps_that_come_late_are_no_gaps_and_lost_packets_are(packet, tmp_path):
    rows = np.arange(73 * 80)
    late = np.repeat(np.random.default_rng(0).uniform(0, 0.3, len(rows) // packet), packet)
    times_s = (rows // packet + late) * packet / 250
    signal = wave(len(rows), 250)
    kept = (rows < 73 * 40) | (rows >= 73 * 41)
    source = open_source(write_csv(tmp_path, {"time_s": times_s[kept], "II": signal[kept]}))
    assert (source.fs_hz, source.n) == (250, pytest.approx(len(rows), abs=0.3 * packet + 1))
    missing = np.isnan(source.read(0, source.n)).sum()
    assert missing == pytest.approx(73, abs=0.3 * packet + 1)


@pytest.mark.parametrize("first, turn", [(0, 16), (0, 100), (65000, 65536), (0, 10**9)])
def test_jumps_of_row_numbers_are_gaps_and_wraps_are_none(first, turn, tmp_path):
    rows, name = np.r_[0:1000, 1003:2000], "" if turn > 16 else "seq"
    path = write_csv(tmp_path, {name: (first + rows) % turn, "II": PEAKS_MV[rows]}, digits=4)
    source = open_source(path, fs_hz=250.0)
    assert (source.lead, source.n) == ("II", 2000)
    assert np.flatnonzero(np.isnan(source.read(0, 2000))).tolist() == [1000, 1001, 1002]


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda t: np.r_[t[:3000], t[3000:] - 5], "goes back, .* at line 3002"),
        (lambda t: np.r_[t[:3000], t[2999:-1]], "stands still .* at line 300"),
        (lambda t: np.maximum(t, 2 * t - t[3000]), "changes after line"),
        (lambda t: np.maximum(t, 1.004 * t - 0.004 * t[3000]), "changes after line"),
        (lambda t: np.where(np.arange(len(t)) == 3000, np.nan, t), "line 3002 .* has no time"),
        (lambda t: 4000 * t, "the unit that"),
    ],
)
def test_times_that_do_not_go_on_evenly_are_refused(change, words, tmp_path):
    columns = {"time_s": change(np.arange(9000) / 250), "II": wave(9000, 250)}
    with pytest.raises(BadInput, match=words):
        open_source(write_csv(tmp_path, columns))


@pytest.mark.parametrize("text", ["0.1,0.2", "abc", "1.234.5", "\0"])
def test_cells_that_are_no_numbers_are_refused(text, tmp_path):
    path = write_csv(tmp_path, {"II": wave(5000, 250)})
    lines = path.read_text().splitlines()
    lines[4000] = text
    path.write_text("\n".join(lines))
    with pytest.raises(BadInput, match="line 4001"):
        open_source(path, fs_hz=250.0)


@pytest.mark.parametrize(
    "name, scale, told, words",
    [
        ("II", 1e-3, {}, "--units V"),
        ("II", 1000, {}, "--units uV"),
        ("II (adu)", 200, {}, "--gain"),
        ("II [10 uV]", 1, {}, "mV, uV, V can be read"),
        ("II (uV)", 1000, {"gain": 200.0}, "leave --units and --gain out"),
        ("ECG V", 1e-3, {}, "--units V"),
        ("II", 1, {"fs_hz": 500.0}, "500 Hz was told"),
    ],
)
def test_units_are_told_or_asked_for(name, scale, told, words, tmp_path):
    columns = {"time": np.arange(N) / 250, name: PEAKS_MV * scale}
    with pytest.raises(BadInput, match=words):
        open_source(write_csv(tmp_path, columns), **told)


@pytest.mark.parametrize("text", ["1," * 500_000, ("1," * 2000 + "\n") * 9, "nan\n" * 99, LONG])
def test_what_is_no_row_a_sample_and_a_column_a_lead_is_refused(text, tmp_path):
    path = tmp_path / "r1.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match="no table of numbers|line of more|one below the other"):
        open_source(path, fs_hz=250.0)


@pytest.mark.parametrize("row", ['"{}","{}"\r\r', "{};{};", "{}|{}\n", "{}\t{}", "{} {}"])
def test_commas_in_numbers_ends_of_rows_and_leads_that_are_off_at_both_ends(row, tmp_path):
    mv = np.where(abs(np.arange(N) - N / 2) < 1000, PEAKS_MV, np.nan)
    lines = [row.format("I (mV)", "II (mV)").rstrip(";"), *(row.format(v, v) for v in mv)]
    path = tmp_path / "r1.csv"
    path.write_text("\n".join(lines).replace(".", "." if " " in row else ","), newline="")
    source = open_source(path, fs_hz=250.0)
    assert source.screened == ["II", "I"]
    np.testing.assert_array_equal(source.read(0, N)[:, 0], mv.astype(np.float32))


@pytest.mark.parametrize(
    "lines, fs_hz",
    [
        ("Notch: 50 Hz\nPowerLab sampling rate = 250\nADC sampling rate: 32000 Hz", 250),
        ("On-line rate: 250 Hz\nPower line: 50 Hz", 250),
        ("Frequency range: 0.05-150 Hz\nSampling frequency: 500 Hz", 500),
        ("Sampling period: 24 h, 1 s pages\nSample interval (in seconds): .004", 250),
        ("Mains: 60 Hz\nSample interval (us): 2e3", 500),
        ("High pass: 100 Hz\nLPF: 150 Hz\nSampling interval: 2000", None),
        ("ACC sampling rate: 50 Hz\nECG sampling rate: 250 Hz", None),
    ],
)
def test_only_the_sampling_rate_is_one(lines, fs_hz, tmp_path):
    (path := tmp_path / "r1.csv").write_text(f"{lines}\nII,V5\n" + "0.5,0.7\n" * 99)
    assert read_layout(path).rate_hz == fs_hz


@pytest.mark.parametrize(
    "before, row, names",
    [
        ("I,II", lambda k: f"{k},0.5," + "1" * (k < 99), ",I,II"),
        ("I,II,Note", lambda k: f"{k},0.5,0.7,", ",I,II,Note"),
        ("time,II", lambda k: f"{k},0.5,", "time,II,"),
        ("Type,Holter\nLead,II\nfs,250 Hz\n", lambda k: f"{k},0.5", "column0,II"),
        ("Holter\n\nt,II\ns,mV\n", lambda k: f"{k},0.5", "t,II"),
        ("Time,1,2", lambda k: f"{k / 250},0.5,0.7", "Time,1,2"),
        ("[Data]", lambda k: f"{k},0.5", "column0,column1"),
        ("t,II\n# begin", lambda k: f"{k},0.5" + "\n# button" * (k == 1), "t,II"),
        (WIDE, lambda k: WIDE.replace("V", "0." + "0" * 20), WIDE),
    ],
)
def test_names_stand_over_their_columns(before, row, names, tmp_path):
    (path := tmp_path / "r1.csv").write_text("\n".join([before, *map(row, range(300))]))
    layout = read_layout(path)
    assert (",".join(layout.names), layout.skip) == (names, before.count("\n") + 1)
