"""What is accepted is right: of every format, what is read equals what was written.

Signals of one to three leads, rates from 50 to 4000 Hz, gaps, units, starts and annotations, drawn
by hypothesis and written by the library of each format.
"""

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import edfio
import numpy as np
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st
from recordings import drawn, wave, write_csv, write_interrupted_edf, write_ishne, write_wfdb

from preprocess.constants import FS_HZ
from preprocess.readers import open_source
from preprocess.readers import wfdb as records

EXAMPLES = 25
RATES = st.one_of(st.sampled_from((50, 128, 250, 256, 360, 500, 1000, 4000)), st.integers(50, 4000))
UNITS = st.sampled_from(("mV", "uV", "V"))
WANTED = st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True)  # leads, in any order
SCALES = {"mV": 1.0, "uV": 1000.0, "V": 1e-3}


def assert_read(source, leads_mv, fs_hz, atol):
    """All of leads (n, leads), or of one (n,), and any part, with NaN where nothing was written."""
    n = len(leads_mv)
    leads_mv = leads_mv.reshape(n, -1)
    assert source.n == n and source.fs_hz == pytest.approx(fs_hz, rel=1e-6)
    np.testing.assert_allclose(source.read(0, n), leads_mv, atol=atol, equal_nan=True)
    a, b = n // 3, n // 3 + 57
    np.testing.assert_allclose(source.read(a, b), leads_mv[a:b], atol=atol, equal_nan=True)
    signal, there = source.stretch(0, source.length)
    assert signal.shape == there.shape == (source.length, len(source.screened))
    assert there.mean() == pytest.approx(np.isfinite(leads_mv).mean(), abs=0.01)


@drawn(EXAMPLES)
@given(
    fs_hz=st.one_of(RATES, st.sampled_from((257.5, 359.98, 128.25))),
    kind=st.sampled_from(("16", "24", "32", "212", "80", "516")),
    unit=UNITS,
    wanted=WANTED,
    missing=st.booleans(),
    seed=st.integers(0, 99),
)
def test_wfdb(fs_hz, kind, unit, wanted, missing, seed):
    n, baseline = round(3 * fs_hz), 17
    adu_per_mv = 50 if kind == "80" else 1000
    leads = np.stack([wave(n, fs_hz, seed + k) * (k + 1) / 2 for k in range(3)], 1)
    if kind == "80":
        leads = leads.clip(-2, 2)
    if missing and kind != "80":
        leads[n // 2 : n // 2 + 20, wanted[0]] = np.nan
    with TemporaryDirectory() as folder:
        wfdb.wrsamp(
            "r1",
            fs=fs_hz,
            units=[unit] * 3,
            sig_name=["A", "B", "C"],
            fmt=[kind] * 3,
            p_signal=leads * SCALES[unit],
            adc_gain=[adu_per_mv / SCALES[unit]] * 3,
            baseline=[baseline] * 3,
            write_dir=folder,
        )
        source = open_source(f"{folder}/r1", wanted)
        assert source.screened == ["ABC"[k] for k in wanted]
        assert_read(source, leads[:, wanted], fs_hz, 0.6 / adu_per_mv)


@pytest.mark.parametrize("fs_hz", [50, 128, 250, 1000, 4000])
def test_annotations_of_a_record(fs_hz, tmp_path):
    samples, symbols = np.sort(np.random.default_rng(0).choice(20 * fs_hz, 9)), list("NVSAFQ/+~")
    path = write_wfdb(tmp_path, wave(20 * fs_hz, fs_hz), fs_hz, samples=samples, symbols=symbols)
    recording = records.read(path)
    assert recording.symbols.tolist() == symbols
    assert np.abs(recording.samples / FS_HZ - samples / fs_hz).max() <= 0.5 / FS_HZ + 1e-9


@drawn(EXAMPLES)
@given(
    fs_hz=RATES,
    other_hz=RATES,
    kind=st.sampled_from(("edf", "bdf")),
    unit=UNITS,
    wanted=WANTED,
    seconds=st.integers(3, 6),
    is_plus=st.booleans(),
    is_told=st.booleans(),
    seed=st.integers(0, 99),
)
def test_edf(fs_hz, other_hz, kind, unit, wanted, seconds, is_plus, is_told, seed):
    rates = [fs_hz if k in wanted else other_hz for k in range(3)]
    leads = [wave(seconds * fs_hz, fs_hz, seed + k) for k, fs_hz in enumerate(rates)]
    signal, whole = (edfio.EdfSignal, edfio.Edf) if kind == "edf" else (edfio.BdfSignal, edfio.Bdf)
    said = {"physical_dimension": "" if is_told else unit}
    written = [
        signal(values * SCALES[unit], fs_hz, label=f"ECG {k}", **said)
        for k, (values, fs_hz) in enumerate(zip(leads, rates))
    ]
    start = datetime(2024, 5, 3, 21, 56, 26)
    more = {"recording": edfio.Recording(startdate=start.date()), "starttime": start.time()}
    more["annotations"] = [edfio.EdfAnnotation(1, None, "x")] if is_plus else None
    with TemporaryDirectory() as folder:
        whole(written, data_record_duration=1, **more).write(Path(folder) / f"r1.{kind}")
        source = open_source(f"{folder}/r1.{kind}", wanted, units=unit if is_told else None)
        assert_read(source, np.stack([leads[k] for k in wanted], 1), fs_hz, 1e-4)
    assert source.start == start


@drawn(EXAMPLES)
@given(
    fs_hz=RATES,
    gaps_s=st.lists(st.sampled_from((0.0, 0.0, 0.5, 3.0, 61.0)), min_size=4, max_size=8),
    seed=st.integers(0, 99),
)
def test_interrupted_edf(fs_hz, gaps_s, seed):
    onsets_s = np.arange(len(gaps_s) + 1.0)
    onsets_s[1:] += np.cumsum(gaps_s)
    written = wave(len(onsets_s) * fs_hz, fs_hz, seed)
    expected = np.full(int(onsets_s[-1] * fs_hz + 0.5) + fs_hz, np.nan)
    for k, onset_s in enumerate(onsets_s):
        at = int(onset_s * fs_hz + 0.5)
        expected[at : at + fs_hz] = written[k * fs_hz : (k + 1) * fs_hz]
    with TemporaryDirectory() as folder:
        source = open_source(write_interrupted_edf(folder, written, fs_hz, onsets_s))
        assert_read(source, expected, fs_hz, 1e-4)


@drawn(EXAMPLES)
@given(
    fs_hz=RATES,
    unit=UNITS,
    layout=st.sampled_from(((",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","))),
    clock=st.sampled_from(("time_s", "time_ms", "n", None)),
    gap_s=st.sampled_from((0.0, 0.5, 120.0)),
    empty=st.booleans(),
    is_told=st.booleans(),
    leads=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_csv(fs_hz, unit, layout, clock, gap_s, empty, is_told, leads, seed):
    n = 4 * fs_hz
    signal, lost = wave(n, fs_hz, seed), round(gap_s * fs_hz) if clock else 0
    other = {f"V{k}": 0.5 * wave(n, fs_hz, seed + k) for k in range(1, leads)}
    if empty:
        signal[n // 4 : n // 4 + 7] = np.nan
    at = np.arange(n) + lost * (np.arange(n) >= n // 2)
    times = {"time_s": at / fs_hz, "time_ms": 1000 * at / fs_hz, "n": at.astype(float)}
    columns = {clock: times[clock]} if clock else {}
    for name, values in {**other, "II": signal}.items():
        own = unit if is_told or name == "II" else "mV"
        columns[name if is_told else f"{name} ({own})"] = values * SCALES[own]
    written = np.stack([signal, *other.values()], 1)
    expected = np.insert(written, [n // 2] * lost, np.nan, 0)
    told = {} if clock in ("time_s", "time_ms") else {"fs_hz": float(fs_hz)}
    told |= {"units": unit} if is_told else {}
    with TemporaryDirectory() as folder:
        path = write_csv(folder, columns, "r1", *layout, digits=9)
        source = open_source(path, **told)
        assert len(source.notes) == empty
        assert source.screened == ["II", *other]
        assert_read(source, expected, fs_hz, 1e-6)


@drawn(EXAMPLES)
@given(
    fs_hz=RATES,
    n_leads=st.integers(3, 12),
    wanted=WANTED,
    counts_all=st.booleans(),
    is_summed=st.booleans(),
    missing=st.booleans(),
    seed=st.integers(0, 99),
)
def test_ishne(fs_hz, n_leads, wanted, counts_all, is_summed, missing, seed):
    n = 3 * fs_hz
    leads = np.stack([wave(n, fs_hz, seed + k) for k in range(n_leads)], 1)
    if missing:
        leads[n // 2 : n // 2 + 20, wanted[0]] = np.nan
    more = {"codes": range(5, 17), "counts_all": counts_all, "is_summed": is_summed}
    more["order"] = "little" if seed % 2 else "big"  # writers differ
    with TemporaryDirectory() as folder:
        source = open_source(write_ishne(folder, leads, fs_hz, **more), wanted)
        assert source.start == datetime(2026, 1, 2, 3, 4, 5)
        assert_read(source, leads[:, wanted], fs_hz, 0.002)
