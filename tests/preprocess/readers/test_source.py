"""Recordings of any kind: read alike in any parts, the lead meant, what a folder stands for."""

import numpy as np
import pytest
from recordings import wave, write_csv, write_edf, write_ishne, write_wfdb

from preprocess import BadInput
from preprocess.readers import find, open_source
from preprocess.readers.source import choose_leads

ECGS = (
    "ECG1-ECG2|ECG L|EKG2|ECG V1|DII|ecg2|ECG I-ECG II|II,|V,|ECG lead II|Lead II|lead_2|D3|CM5"
    "|mod.V1|V2-V3|ML5|A-S|MLIII|aVF|LL-RA|Vx-RL|EKG R1-R2|Elektrokardiogramm|MDC_ECG_LEAD_II|V5R"
    "|ECG offset removed"
).split("|")
OTHERS = (
    "EEG C4-M1|C4-M1|Resp|RESP,|PLETH,|ABP|SpO2|EOG(L)|EMG chin|Thorax|ART|T3|O1|A2|acc_x|X|HR"
    "|ecg_hr|BP|Flow|SCG|Marker|ECG_Rpeaks|ECG_Phases|ECG lead off"
).split("|")


@pytest.mark.parametrize("fs_hz", [50, 100, 128, 250, 257.5, 360, 500, 1000, 4000])
def test_stretches_of_any_rate_put_together_are_the_whole(fs_hz, tmp_path):
    n = int(30 * fs_hz)
    signal = np.sin(2 * np.pi * 3 * np.arange(n) / fs_hz)
    source = open_source(write_wfdb(tmp_path, signal, fs_hz))
    whole, _ = source.stretch(0, source.length)
    starts = range(0, source.length, 1000)
    parts = [source.stretch(a, min(a + 1000, source.length))[0] for a in starts]
    middle = slice(720, -720)  # at the very ends the resampling filter has half of what it needs
    np.testing.assert_allclose(np.concatenate(parts)[middle], whole[middle], atol=1e-9)
    np.testing.assert_allclose(
        whole[middle, 0], np.sin(2 * np.pi * 3 * np.arange(source.length) / 360)[middle], atol=0.02
    )
    assert np.abs(source.to_own_sample([3600]) - 10 * fs_hz) <= 1


def test_gaps_are_bridged_and_marked_but_for_a_lost_sample(tmp_path):
    signal = np.linspace(-1, 1, 7200)
    signal[1000:1100] = signal[2000] = np.nan
    values, there = open_source(write_wfdb(tmp_path, signal)).stretch(0, 7200)
    assert (~there).sum() == 100 and not there[1000:1100].any()
    np.testing.assert_allclose(values[:, 0], np.linspace(-1, 1, 7200), atol=0.002)


@pytest.mark.parametrize("ecg", ECGS)
def test_the_ecg_is_found_among_others(ecg):
    assert choose_leads([*OTHERS, ecg], None, "r1") == [len(OTHERS)]


def test_without_an_ecg_it_asks(tmp_path):
    for leads in (OTHERS, ["A", "B"], ["Resp"]):
        with pytest.raises(BadInput, match="choose one with --lead"):
            choose_leads(leads, None, "r1")
    assert choose_leads(["signal0"], None, "r1") == [0]
    assert choose_leads(["unknown1", "unknown2"], None, "r1", all_ecg=True) == [0, 1]


@pytest.mark.parametrize(
    "leads, wanted, likely, found",
    [
        (["V1", "ECG II", "V5"], None, "V5", [2, 1, 0]),
        (["V1", "ECG II", "V5"], None, "aVF", [1, 2, 0]),
        (["V1", "MLII"], "mlii", "V1", [1]),
        (["V1", "MLII"], "0", "MLII", [0]),
        (["aVR", "Lead II"], "II", "MLII", [1]),
        (["II", "II"], "1", "MLII", [1]),
        (["V1", "II", "Resp"], ["v1", "1"], "MLII", [0, 1]),
    ],
)
def test_the_leads_that_were_meant(leads, wanted, likely, found):
    assert choose_leads(leads, wanted, "r1", likely) == found


def test_a_folder_is_its_recordings_and_says_what_it_passes_over(tmp_path):
    signal = wave(1000, 250)
    for name in ("holter_2023", "s_0001"):
        write_wfdb(tmp_path, signal, name=name, samples=[100], symbols="N")
    (tmp_path / "s.hea").write_text("s/1 1 360 1000\ns_0001 1000\n")
    write_edf(tmp_path, signal, name="e")
    write_ishne(tmp_path, signal[:, None], name="i")
    write_csv(tmp_path, {"II": signal}, "index")
    write_csv(tmp_path, {"II": signal}, "ours")
    (tmp_path / "ours.b2i").touch()
    (tmp_path / "notes.txt").write_text("nothing\nbut words\n")
    (tmp_path / "other.ecg").write_text("no ISHNE")
    (tmp_path / "scan.pdf").touch()
    (tmp_path / "more").mkdir()
    found, line = find(tmp_path)
    names = ["e.edf", "holter_2023.hea", "i.ecg", "index.csv", "s.hea"]
    assert [path.name for path in found] == names
    assert "5 recordings found; 5 files passed over" in line
    for part in ("1 .pdf", "1 texts without", "1 segments", "1 folders", "1 .ecg files of another"):
        assert part in line
    with pytest.raises(BadInput, match="holds no recording"):
        find(tmp_path / "more")
    assert find(tmp_path / "e.edf") == ([tmp_path / "e.edf"], "")


@pytest.mark.parametrize("name", ["\x1b[31mred.csv", "\udcff.csv"])
def test_names_that_would_colour_a_terminal_or_have_no_letters_are_refused(name, tmp_path):
    (tmp_path / name).write_text("II\n1\n2\n")
    with pytest.raises(BadInput, match="rename it"):
        open_source(tmp_path / name, fs_hz=360.0)


def test_what_the_file_contradicts_is_refused(tmp_path):
    record = write_wfdb(tmp_path, wave(3600, 360))
    assert open_source(record, fs_hz=360.0).fs_hz == 360
    for told in ({"fs_hz": 250.0}, {"units": "uV"}, {"gain": 200.0}):
        with pytest.raises(BadInput, match="leave .* out"):
            open_source(record, **told)
    for name in ("none", "x" * 300):
        with pytest.raises(BadInput, match="there is no recording"):
            open_source(tmp_path / name)
