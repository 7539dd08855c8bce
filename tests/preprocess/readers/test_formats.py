"""Recordings of any kind: the same numbers however they are read, and the lead meant."""

import os
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
import wfdb

from preprocess import BadInput
from preprocess.readers import formats as sources


def write(folder, signals, leads=("MLII",), fs_hz=360, name="r1"):
    wfdb.wrsamp(
        name,
        fs=fs_hz,
        units=["mV"] * len(leads),
        sig_name=list(leads),
        fmt=["16"] * len(leads),
        p_signal=signals,
        adc_gain=[1000] * len(leads),
        baseline=[0] * len(leads),
        write_dir=str(folder),
    )
    return folder / name


@pytest.mark.parametrize("fs_hz", [100, 128, 250, 257.5, 360, 500, 1000, 2000])
def test_stretches_of_any_rate_put_together_are_the_whole(fs_hz, tmp_path):
    n = int(30 * fs_hz)
    signal = np.sin(2 * np.pi * 3 * np.arange(n) / fs_hz)[:, None]
    source = sources.open_source(write(tmp_path, signal, fs_hz=fs_hz))
    whole, _ = source.stretch(0, source.length)
    parts = [
        source.stretch(a, min(a + 1000, source.length))[0] for a in range(0, source.length, 1000)
    ]
    middle = slice(720, -720)  # at the very ends the resampling filter has half of what it needs
    np.testing.assert_allclose(np.concatenate(parts)[middle], whole[middle], atol=1e-9)
    np.testing.assert_allclose(
        whole[middle], np.sin(2 * np.pi * 3 * np.arange(source.length) / 360)[middle], atol=0.01
    )
    assert np.abs(source.to_own_sample([3600]) - 10 * fs_hz) <= 1


@pytest.mark.parametrize(
    "leads, wanted, found",
    [
        (("V1", "MLII"), None, 1),
        (("V1", "ECG II"), None, 1),
        (("Resp", "V5"), None, 1),
        (("A", "B"), None, 0),
        (("V1", "MLII"), "V1", 0),
        (("V1", "MLII"), "mlii", 1),
        (("V1", "MLII"), "0", 0),
        (("aVR", "Lead II"), "II", 1),
    ],
)
def test_the_lead_that_was_meant(leads, wanted, found):
    assert sources.choose_lead(list(leads), wanted, "r1") == found


def test_the_lead_that_weights_were_trained_on_comes_first():
    leads = ["V1", "ECG II", "V5"]
    assert [
        sources.choose_lead(leads, wanted, "r1", likely)
        for wanted, likely in ((None, "V5"), (None, "II"), (None, "aVF"), ("V1", "V5"))
    ] == [2, 1, 1, 0]


@pytest.mark.parametrize("wanted", ["V9", "2"])
def test_a_lead_that_is_not_there_names_those_that_are(wanted):
    with pytest.raises(BadInput, match="it has V1, MLII"):
        sources.choose_lead(["V1", "MLII"], wanted, "r1")


def test_a_name_of_two_leads_says_neither():
    with pytest.raises(BadInput, match="several leads"):
        sources.choose_lead(["II", "II"], "ii", "r1")
    assert sources.choose_lead(["II", "II"], "1", "r1") == 1


def test_gaps_are_bridged_and_marked(tmp_path):
    signal = np.linspace(-1, 1, 7200)
    signal[1000:1100] = np.nan
    values, there = sources.open_source(write(tmp_path, signal[:, None])).stretch(0, 7200)
    assert (~there).sum() == 100 and not there[1000:1100].any()
    np.testing.assert_allclose(values, np.linspace(-1, 1, 7200), atol=0.002)


@pytest.mark.parametrize(
    "columns, more, fs_hz, lead",
    [
        ({"time_s": None, "II": 1}, {}, 250, "II"),
        ({"time_ms": None, "ECG (uV)": 1000}, {}, 250, "ECG"),
        ({"V1": 0, "MLII [mV]": 1}, {"fs_hz": 500.0}, 500, "MLII"),
        ({"II": 1000}, {"fs_hz": 250.0, "units": "uV"}, 250, "II"),
    ],
)
def test_csv_files_of_many_kinds(columns, more, fs_hz, lead, tmp_path):
    n = 5000
    wave = np.sin(np.arange(n) / 40)
    table = {
        name: wave * scale
        if scale is not None
        else np.arange(n) * (1000 if "ms" in name else 1) / 250
        for name, scale in columns.items()
    }
    pd.DataFrame(table).to_csv(tmp_path / "a.csv", index=False, sep=";")
    source = sources.open_source(tmp_path / "a.csv", **more)
    assert (source.fs_hz, source.lead, source.n) == (fs_hz, lead, n)
    np.testing.assert_allclose(source.read(100, 400), wave[100:400], atol=1e-5)


def test_csv_without_names(tmp_path):
    np.savetxt(tmp_path / "a.csv", np.stack([np.arange(999), np.ones(999)], 1), delimiter=",")
    source = sources.open_source(tmp_path / "a.csv", lead="1", fs_hz=360.0)
    assert source.n == 999 and (source.read(0, 999) == 1).all()


def test_a_folder_stands_for_its_recordings(tmp_path):
    write(tmp_path, np.zeros((100, 1)))
    (tmp_path / "b.csv").write_text("II\n1\n")
    assert [p.name for p in sources.find(tmp_path)] == ["b.csv", "r1.hea"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="holds no recording"):
        sources.find(tmp_path / "empty")


def test_segments_are_one_recording_with_their_gap_and_start(tmp_path):
    signal = np.sin(np.arange(3000) / 30)
    for name, part in (("s1", signal[:1000]), ("s2", signal[2000:])):
        write(tmp_path, part[:, None], name=name, fs_hz=250)
    layout = ("r1_layout 1 250 0", "~ 0 1000(0)/mV 16 0 0 0 0 MLII")
    (tmp_path / "r1_layout.hea").write_text("\n".join(layout) + "\n")
    segments = ("r1_layout 0", "s1 1000", "~ 1000", "s2 1000")
    lines = ("r1/4 1 250 3000 22:30:00 02/01/2026", *segments)
    (tmp_path / "r1.hea").write_text("\n".join(lines) + "\n")
    source = sources.open_source(tmp_path / "r1")
    expected = signal.copy()
    expected[1000:2000] = np.nan
    assert (source.lead, source.n) == ("MLII", 3000)
    assert source.start == datetime(2026, 1, 2, 22, 30)
    np.testing.assert_allclose(source.read(0, 3000), expected, atol=0.002)
    np.testing.assert_allclose(source.read(900, 2100), expected[900:2100], atol=0.002)


@pytest.mark.parametrize("name", ["r1.edf", "r1.csv", "r1"])
def test_a_pipe_is_not_waited_for(name, tmp_path):
    os.mkfifo(tmp_path / name)
    with pytest.raises(BadInput, match="a pipe"):
        sources.open_source(tmp_path / name, fs_hz=360.0)


@pytest.mark.parametrize("name", ["\x1b[31mred.csv", "\udcff.csv"])
def test_names_that_would_colour_a_terminal_or_have_no_letters_are_refused(name, tmp_path):
    (tmp_path / name).write_text("II\n1\n2\n")
    with pytest.raises(BadInput, match="rename it"):
        sources.open_source(tmp_path / name, fs_hz=360.0)


def test_a_rate_or_a_unit_that_the_file_contradicts_is_refused(tmp_path):
    record = write(tmp_path, np.zeros((3600, 1)))
    assert sources.open_source(record, fs_hz=360.0).fs_hz == 360
    with pytest.raises(BadInput, match="--fs says 250 Hz, .* itself 360 Hz"):
        sources.open_source(record, fs_hz=250.0)
    with pytest.raises(BadInput, match="says its own"):
        sources.open_source(record, units="uV")
