"""Small recordings of every format, for tests of what reads them."""

from binascii import crc_hqx
from pathlib import Path

import edfio
import numpy as np
import wfdb
from hypothesis import HealthCheck, Phase, settings

from preprocess.readers.ishne import HEADER, MAGIC


def drawn(examples):
    """Of a test: the same so many examples in every run; a folder of its own for each."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


def wave(n, fs_hz, seed=0):
    """(n,) mV: a beat a second and some noise."""
    t = np.arange(n) / fs_hz
    beats = np.exp(-0.5 * (((t + 0.5) % 1 - 0.5) / 0.02) ** 2)
    return beats + np.random.default_rng(seed).normal(0, 0.02, n)


def write_wfdb(
    folder, signal_mv, fs_hz=360, name="r1", lead="MLII", samples=(), symbols=()
) -> Path:
    wfdb.wrsamp(
        name,
        fs=fs_hz,
        units=["mV"],
        sig_name=[lead],
        fmt=["16"],
        p_signal=np.asarray(signal_mv)[:, None],
        adc_gain=[1000],
        baseline=[0],
        write_dir=str(folder),
    )
    if len(samples):
        wfdb.wrann(name, "atr", np.asarray(samples), list(symbols), write_dir=str(folder))
    return Path(folder) / name


def write_edf(folder, signal_mv, fs_hz=250, name="r1", unit="mV", record_s=1.0) -> Path:
    scale = {"mV": 1.0, "uV": 1000.0, "V": 1e-3}[unit]
    signal = edfio.EdfSignal(
        np.asarray(signal_mv) * scale, fs_hz, label="ECG II", physical_dimension=unit
    )
    path = Path(folder) / f"{name}.edf"
    edfio.Edf([signal], data_record_duration=record_s).write(path)
    return path


def write_interrupted_edf(folder, signal_mv, fs_hz, onsets_s, name="r1") -> Path:
    """EDF+D: data records of one second that begin at onsets_s."""
    signal = edfio.EdfSignal(signal_mv, fs_hz, label="ECG II", physical_dimension="mV")
    whole = edfio.Edf([signal], data_record_duration=1, annotations=[])
    times = [f"+{onset_s:g}\x14\x14\0".encode().ljust(32, b"\0") for onset_s in onsets_s]
    whole._signals[-1]._digital = np.frombuffer(b"".join(times), np.int16)
    whole._set_reserved("EDF+D")
    path = Path(folder) / f"{name}.edf"
    whole.write(path)
    return path


def write_ishne(
    folder,
    leads_mv,
    fs_hz=250,
    name="r1",
    codes=(6, 11),
    counts_all=False,
    day=(2, 1, 2026),
    is_summed=False,
    order="little",
) -> Path:
    """leads_mv: (n, leads); resolution 2,500 nV. is_summed, order: of the header's checksum."""
    n, leads = leads_mv.shape
    filled = lambda values, rest: [*values, *[rest] * (12 - leads)]
    fields = [0, n * leads if counts_all else n, 522, 522, 1, b"A", b"B", b"7", 0, 0]
    fields += [0, 0, 0, *day, 0, 0, 0, 3, 4, 5, leads]
    fields += [*filled(codes[:leads], -9), *filled([0] * leads, -9), *filled([2500] * leads, -9)]
    head = HEADER.pack(*fields, 0, b"maker", fs_hz).ljust(512, b"\0")
    told = crc_hqx(head, 0xFFFF) if is_summed else 0
    steps = np.where(np.isnan(leads_mv), -32768, np.round(leads_mv / 0.0025)).astype("<i2")
    path = Path(folder) / f"{name}.ecg"
    path.write_bytes(MAGIC + told.to_bytes(2, order) + head + steps.tobytes())
    return path


def write_csv(folder, columns, name="r1", separator=",", decimal=".", digits=6) -> Path:
    """columns: {name: values}."""
    lines = [separator.join(columns)]
    for row in zip(*columns.values()):
        cells = ("" if np.isnan(value) else f"{value:.{digits}f}" for value in row)
        lines.append(separator.join(cell.replace(".", decimal) for cell in cells))
    path = Path(folder) / f"{name}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path
