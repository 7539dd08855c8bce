"""Reading WFDB records: any lead, any rate, clear words about what is wrong."""

import numpy as np
import pytest
import wfdb

from preprocess import BadInput
from preprocess.readers import wfdb as records


def write(
    folder, name="r1", leads=("MLII", "V1"), fs_hz=360, seconds=20, signal=None, annotate=True
):
    """A small WFDB record: a 1 Hz train of beat-like bumps, annotated N."""
    n = int(fs_hz * seconds)
    t = np.arange(n) / fs_hz
    trace = np.exp(-0.5 * (((t + 0.5) % 1 - 0.5) / 0.02) ** 2) if signal is None else signal
    wfdb.wrsamp(
        name,
        fs=fs_hz,
        units=["mV"] * len(leads),
        sig_name=list(leads),
        fmt=["16"] * len(leads),
        p_signal=np.stack([trace * (i + 1) for i in range(len(leads))], 1),
        write_dir=str(folder),
    )
    if annotate:
        samples = (np.arange(1, seconds - 1) * fs_hz).astype(int)
        wfdb.wrann(name, "atr", samples, symbol=["N"] * len(samples), write_dir=str(folder))
    return folder / name


def test_reads_the_lead_by_name_in_any_channel(tmp_path):
    first = records.read(write(tmp_path, "a", ("MLII", "V1")))
    second = records.read(write(tmp_path, "b", ("V1", "MLII")))
    np.testing.assert_allclose(first.signal_mv.max(), 1, atol=0.01)
    np.testing.assert_allclose(second.signal_mv.max(), 2, atol=0.01)


@pytest.mark.parametrize("fs_hz", [128, 250, 360, 1000])
def test_any_rate_comes_to_360_hz_with_its_beats_in_place(tmp_path, fs_hz):
    recording = records.read(write(tmp_path, fs_hz=fs_hz))
    assert abs(len(recording.signal_mv) - 20 * 360) <= 3
    for sample in recording.samples[1:-1]:
        around = recording.signal_mv[sample - 20 : sample + 21]
        assert abs(around.argmax() - 20) <= 2


def test_missing_lead_names_those_that_are_there(tmp_path):
    with pytest.raises(BadInput, match="no lead MLII; it has II, V5"):
        records.read(write(tmp_path, leads=("II", "V5")))


@pytest.mark.parametrize("ending", [".dat", ".atr", ".hea"])
def test_missing_file_is_named(tmp_path, ending):
    path = write(tmp_path)
    path.with_suffix(ending).unlink()
    with pytest.raises(BadInput, match=f"r1{ending} is missing"):
        records.read(path)


def test_truncated_signal(tmp_path):
    path = write(tmp_path)
    data = path.with_suffix(".dat").read_bytes()
    path.with_suffix(".dat").write_bytes(data[: len(data) // 3])
    with pytest.raises(BadInput, match="truncated"):
        records.read(path)


def test_flat_and_missing_signal(tmp_path):
    with pytest.raises(BadInput, match="is flat"):
        records.read(write(tmp_path, "flat", signal=np.zeros(7200)))
    gap = np.sin(np.arange(7200) / 50)
    gap[100:120] = np.nan
    with pytest.raises(BadInput, match="20 missing samples"):
        records.read(write(tmp_path, "gap", signal=gap))


def test_find_explains_an_empty_folder(tmp_path):
    with pytest.raises(BadInput, match="no WFDB record"):
        records.find_records(tmp_path)
    with pytest.raises(BadInput, match="no folder"):
        records.find_records(tmp_path / "nowhere")


def test_paced_records_are_left_out(tmp_path):
    for name in ("100", "102", "217"):
        write(tmp_path, name)
    assert [p.name for p in records.find_records(tmp_path)] == ["100"]


def test_a_digest_tells_of_a_signal_that_its_header_does_not_sum_up(tmp_path):
    path = write(tmp_path, leads=("MLII",))
    earlier = records.digest(path)
    lines = path.with_suffix(".hea").read_text().splitlines()
    words = lines[1].split()
    words[6] = "0"
    path.with_suffix(".hea").write_text("\n".join([lines[0], " ".join(words)]) + "\n")
    unsummed = records.digest(path)
    stored = path.with_suffix(".dat").read_bytes()
    path.with_suffix(".dat").write_bytes(stored[2:] + stored[:2])
    assert len({earlier, unsummed, records.digest(path)}) == 3


def test_two_leads_of_one_name_are_refused(tmp_path):
    path = write(tmp_path, leads=("MLII",))
    header = path.with_suffix(".hea")
    first, line = [line for line in header.read_text().splitlines() if line]
    words = first.split()
    words[1] = "2"
    header.write_text("\n".join([" ".join(words), line, line]) + "\n")
    path.with_suffix(".dat").write_bytes(2 * path.with_suffix(".dat").read_bytes())
    with pytest.raises(BadInput, match="2 leads called"):
        records.read(path)
