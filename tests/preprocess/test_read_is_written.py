"""What is accepted is right: of every format, what is read equals what was written.

Signals, rates, gaps, units and annotations, at rates from 100 to 2000 Hz, drawn by hypothesis.
"""

from tempfile import TemporaryDirectory

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from recordings import wave, write_csv, write_edf, write_interrupted_edf, write_ishne

from preprocess.constants import FS_HZ
from preprocess.readers import formats
from preprocess.readers import wfdb as records

EXAMPLES = 25
RATES = st.one_of(
    st.sampled_from((100, 128, 250, 256, 360, 500, 1000, 2000)), st.integers(100, 2000)
)
UNITS = st.sampled_from(("mV", "uV", "V"))
SCALES = {"mV": 1.0, "uV": 1000.0, "V": 1e-3}


def drawn(function):
    """The same examples in every run; a folder of its own for each."""
    kept = settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    return kept(function)


def assert_read(source, signal_mv, fs_hz, atol):
    """All of it, and any part of it, with NaN where nothing was written."""
    n = len(signal_mv)
    assert source.n == n and source.fs_hz == pytest.approx(fs_hz, rel=1e-6)
    np.testing.assert_allclose(source.read(0, n), signal_mv, atol=atol, equal_nan=True)
    a, b = n // 3, n // 3 + 57
    np.testing.assert_allclose(source.read(a, b), signal_mv[a:b], atol=atol, equal_nan=True)
    there = np.isfinite(signal_mv)
    assert source.stretch(0, source.length)[1].mean() == pytest.approx(there.mean(), abs=0.01)


@drawn
@given(
    fs_hz=st.one_of(RATES, st.sampled_from((257.5, 359.98, 128.25))),
    kind=st.sampled_from(("16", "24", "32", "212", "80")),
    unit=UNITS,
    lead=st.integers(0, 2),
    missing=st.booleans(),
    seed=st.integers(0, 99),
)
def test_wfdb(fs_hz, kind, unit, lead, missing, seed):
    n, baseline = round(3 * fs_hz), 17
    adu_per_mv = 50 if kind == "80" else 1000
    leads = np.stack([wave(n, fs_hz, seed + k) * (k + 1) / 2 for k in range(3)], 1)
    if kind == "80":
        leads = leads.clip(-2, 2)
    if missing and kind != "80":
        leads[n // 2 : n // 2 + 20, lead] = np.nan
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
        source = formats.open_source(f"{folder}/r1", lead=str(lead))
        assert source.lead == "ABC"[lead]
        assert_read(source, leads[:, lead], fs_hz, 0.6 / adu_per_mv)


@drawn
@given(fs_hz=RATES, n_beats=st.integers(2, 40), seed=st.integers(0, 99))
def test_annotations_of_a_record(fs_hz, n_beats, seed):
    rng = np.random.default_rng(seed)
    n = 20 * fs_hz
    samples = np.sort(rng.choice(n, n_beats, replace=False))
    symbols = rng.choice(list("NVSAFQ/+~"), n_beats)
    with TemporaryDirectory() as folder:
        wfdb.wrsamp(
            "r1",
            fs=fs_hz,
            units=["mV"],
            sig_name=["MLII"],
            fmt=["16"],
            p_signal=wave(n, fs_hz)[:, None],
            write_dir=folder,
        )
        wfdb.wrann("r1", "atr", samples, symbols.tolist(), write_dir=folder)
        found, codes = formats.open_source(f"{folder}/r1").annotated("atr")
        recording = records.read(f"{folder}/r1")
    np.testing.assert_array_equal(codes, symbols)
    np.testing.assert_array_equal(recording.symbols, symbols)
    for times in (found, recording.samples):
        assert np.abs(times / FS_HZ - samples / fs_hz).max() <= 0.5 / FS_HZ + 1e-9


@drawn
@given(fs_hz=RATES, unit=UNITS, seconds=st.integers(3, 9), seed=st.integers(0, 99))
def test_edf(fs_hz, unit, seconds, seed):
    signal = wave(seconds * fs_hz, fs_hz, seed)
    with TemporaryDirectory() as folder:
        source = formats.open_source(write_edf(folder, signal, fs_hz, unit=unit))
        assert_read(source, signal, fs_hz, 1e-4)


@drawn
@given(
    fs_hz=RATES,
    gaps_s=st.lists(st.sampled_from((0.0, 0.0, 0.5, 3.0, 61.0)), min_size=4, max_size=8),
    seed=st.integers(0, 99),
)
def test_interrupted_edf(fs_hz, gaps_s, seed):
    onsets_s = np.arange(len(gaps_s) + 1.0)
    onsets_s[1:] += np.cumsum(gaps_s)
    written = wave(len(onsets_s) * fs_hz, fs_hz, seed)
    expected = np.full(round(onsets_s[-1] * fs_hz) + fs_hz, np.nan)
    for k, onset_s in enumerate(onsets_s):
        at = int(np.round(onset_s * fs_hz))
        expected[at : at + fs_hz] = written[k * fs_hz : (k + 1) * fs_hz]
    with TemporaryDirectory() as folder:
        source = formats.open_source(write_interrupted_edf(folder, written, fs_hz, onsets_s))
        assert_read(source, expected, fs_hz, 1e-4)


@drawn
@given(
    fs_hz=RATES,
    unit=UNITS,
    layout=st.sampled_from(((",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","))),
    clock=st.sampled_from(("time_s", "time_ms", "n", None)),
    gap_s=st.sampled_from((0.0, 0.5, 120.0)),
    empty=st.booleans(),
    seed=st.integers(0, 99),
)
def test_csv(fs_hz, unit, layout, clock, gap_s, empty, seed):
    n = 4 * fs_hz
    signal, lost = wave(n, fs_hz, seed), round(gap_s * fs_hz) if clock else 0
    if empty:
        signal[n // 4 : n // 4 + 7] = np.nan
    at = np.arange(n) + lost * (np.arange(n) >= n // 2)
    times = {"time_s": at / fs_hz, "time_ms": 1000 * at / fs_hz, "n": at.astype(float)}
    columns = {clock: times[clock]} if clock else {}
    columns |= {"other": 0.5 * wave(n, fs_hz, seed + 1), f"II ({unit})": signal * SCALES[unit]}
    expected = np.r_[signal[: n // 2], np.full(lost, np.nan), signal[n // 2 :]]
    rate = {} if clock in ("time_s", "time_ms") else {"fs_hz": float(fs_hz)}
    with TemporaryDirectory() as folder:
        path = write_csv(folder, columns, "r1", *layout, digits=9)
        assert_read(formats.open_source(path, **rate), expected, fs_hz, 1e-6)


@drawn
@given(
    fs_hz=RATES,
    n_leads=st.integers(1, 12),
    lead=st.integers(0, 11),
    counts_all=st.booleans(),
    is_summed=st.booleans(),
    missing=st.booleans(),
    seed=st.integers(0, 99),
)
def test_ishne(fs_hz, n_leads, lead, counts_all, is_summed, missing, seed):
    lead, n = lead % n_leads, 3 * fs_hz
    leads = np.stack([wave(n, fs_hz, seed + k) for k in range(n_leads)], 1)
    if missing:
        leads[n // 2 : n // 2 + 20, lead] = np.nan
    more = {"codes": range(5, 17), "counts_all": counts_all, "is_summed": is_summed}
    with TemporaryDirectory() as folder:
        source = formats.open_source(write_ishne(folder, leads, fs_hz, **more), lead=str(lead))
        assert_read(source, leads[:, lead], fs_hz, 0.002)
