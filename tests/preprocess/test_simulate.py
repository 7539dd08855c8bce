"""The simulated cohort reads back through wfdb and keeps time like a heart.

It knows where its abnormal beats differ from normal ones.
"""

import numpy as np
import pandas as pd
import pytest
import wfdb

from preprocess import BadInput
from preprocess.simulate import TRUTH, TRUTH_COLUMNS, simulate

SUBJECTS, MINUTES = 5, 2.0
NORMAL = ("N", "L", "R")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """(folder, {record name: (record, R samples, symbols, MLII in mV)})"""
    folder = tmp_path_factory.mktemp("cohort") / "records"
    names = simulate(folder, SUBJECTS, MINUTES, seed=3, progress=False)
    records = {}
    for name in names:
        record = wfdb.rdrecord(str(folder / name))
        annotation = wfdb.rdann(str(folder / name), "atr")
        assert annotation.symbol[0] == "+" and annotation.aux_note[0].rstrip("\x00") == "(N"
        mlii_mv = record.p_signal[:, record.sig_name.index("MLII")]
        records[name] = record, annotation.sample[1:], np.array(annotation.symbol[1:]), mlii_mv
    return folder, records


def truth_spans(folder):
    """{(record, sample): [(symbol, start_s, end_s), ...]}"""
    table, beats = pd.read_csv(folder / TRUTH), {}
    assert tuple(table) == TRUTH_COLUMNS
    for record, sample, *span in table.itertuples(index=False):
        beats.setdefault((record, sample), []).append(span)
    return beats


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_records_read_back_as_mit_bih_like(cohort):
    folder, records = cohort
    names = (folder / "RECORDS").read_text().split()
    assert names == list(records) == [f"sim{k:02d}" for k in range(1, 6)]
    for record, r_sample, symbols, mlii_mv in records.values():
        assert record.fs == 360 and record.sig_len == 360 * 60 * MINUTES
        assert set(record.sig_name) == {"MLII", "V1"} and record.units == ["mV", "mV"]
        assert record.fmt == ["212", "212"] and record.adc_gain == [200, 200]
        assert any("simulated" in comment for comment in record.comments)
        assert set(symbols) <= set("NLRAaJVF")
        assert np.all(np.diff(r_sample) > 0) and 0 <= r_sample[0] and r_sample[-1] < record.sig_len
        assert np.isfinite(mlii_mv).all()
    assert any(record.sig_name[1] == "MLII" for record, *_ in records.values())
    assert {"N", "L", "V", "A", "a", "F"} <= {
        symbol for _, _, symbols, _ in records.values() for symbol in symbols
    }


def test_same_seed_same_bytes(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate(tmp_path / name, 2, 0.5, seed, progress=False)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert files(tmp_path / "a")["sim01.dat"] != files(tmp_path / "c")["sim01.dat"]


def test_a_cohort_is_kept_and_no_other_file_touched(tmp_path):
    folder = tmp_path / "records"
    names = simulate(folder, 1, 0.5, progress=False)
    made = (folder / "sim01.dat").stat().st_mtime_ns
    assert simulate(folder, 1, 0.5, progress=False) == names
    assert (folder / "sim01.dat").stat().st_mtime_ns == made
    with pytest.raises(BadInput, match="other files"):
        simulate(folder, 2, 0.5, progress=False)
    # no working folder is left behind
    assert {path.name for path in tmp_path.iterdir()} == {"records"}


def test_the_annotation_is_on_the_largest_deflection_of_a_normal_qrs(cohort):
    for _, r_sample, symbols, mlii_mv in cohort[1].values():
        inside = (r_sample > 60) & (r_sample < len(mlii_mv) - 60)
        normal = r_sample[np.isin(symbols, NORMAL) & inside]
        mean_mv = mlii_mv[normal[:, None] + np.arange(-36, 37)].mean(0)
        assert abs(np.abs(mean_mv - mean_mv[0]).argmax() - 36) <= 2


def lone(symbols, wanted):
    """Indices of ectopic beats `wanted` with two normal beats before and one after."""
    normal = np.isin(symbols, NORMAL)
    k = np.flatnonzero(np.isin(symbols, list(wanted)))
    k = k[(k >= 3) & (k < len(symbols) - 1)]
    return k[normal[k - 1] & normal[k - 2] & normal[k + 1]]


def test_premature_beats_are_early_and_only_ventricular_pauses_compensate(cohort):
    compensatory, reset = [], []
    for record, r_sample, symbols, _ in cohort[1].values():
        rr_s = np.diff(r_sample, prepend=0) / record.fs
        median_s = np.median(rr_s[1:])
        early = lone(symbols, "AaJV")
        assert np.all(rr_s[early] < 0.92 * median_s)
        assert np.all(rr_s[early + 1] > 0.95 * median_s)
        for symbol, pairs in (("V", compensatory), ("A", reset)):
            k = lone(symbols, symbol)
            pairs.extend((rr_s[k] + rr_s[k + 1]) / (2 * rr_s[k - 1]))
    assert len(compensatory) > 5 and len(reset) > 5
    assert np.median(compensatory) == pytest.approx(1, abs=0.05) and np.ptp(compensatory) < 0.5
    assert np.median(reset) < 0.97


def test_truth_covers_every_abnormal_beat_and_no_normal_one(cohort):
    folder, records = cohort
    truth = truth_spans(folder)
    abnormal = {
        (name, int(sample)): symbol
        for name, (_, r_sample, symbols, _) in records.items()
        for sample, symbol in zip(r_sample, symbols, strict=True)
        if symbol not in NORMAL
    }
    assert {beat: spans[0][0] for beat, spans in truth.items()} == abnormal
    for spans in truth.values():
        assert all(-0.389 <= start_s < end_s <= 0.5 for *_, start_s, end_s in spans)
        starts_s, ends_s = np.array([span[1:] for span in spans]).T
        assert np.all(starts_s[1:] - ends_s[:-1] >= 0.0195)  # gaps shorter than 20 ms are bridged


def test_in_some_hearts_normal_beats_come_out_of_time(tmp_path):
    names = simulate(tmp_path / "records", 8, 2.0, seed=4, progress=False)
    deviation = {}
    for name in names:
        annotation = wfdb.rdann(str(tmp_path / "records" / name), "atr")
        normal = np.isin(annotation.symbol[1:], NORMAL)
        rr = np.diff(annotation.sample[1:])[normal[1:] & normal[:-1]]
        deviation[name] = np.std(rr) / np.mean(rr)
    assert max(list(deviation.values())[:5]) < 0.12
    assert deviation["sim06"] > 0.15  # fibrillates
    assert 0.08 < deviation["sim08"] < deviation["sim06"]  # sinus arrhythmia
