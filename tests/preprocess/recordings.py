"""Small recordings of every format, for tests of what reads them."""

from pathlib import Path

import edfio
import numpy as np
import wfdb


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
    path = write_edf(folder, signal_mv, fs_hz, name)
    plain = path.read_bytes()
    head, fields, data = plain[:256], plain[256:512], plain[512:]
    widths, at, both = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32), 0, b""
    marks = ("EDF Annotations", "", "", "-1", "1", "-32768", "32767", "", "16", "")
    for width, mark in zip(widths, marks):
        both += fields[at : at + width] + mark.encode().ljust(width)
        at += width
    head = head[:184] + b"768     " + b"EDF+D".ljust(44) + head[236:252] + b"2   "
    rows = np.frombuffer(data, "u1").reshape(len(onsets_s), -1)
    times = [f"+{onset_s:g}\x14\x14\0".encode().ljust(32, b"\0") for onset_s in onsets_s]
    body = b"".join(row.tobytes() + time for row, time in zip(rows, times))
    path.write_bytes(head + both + body)
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
