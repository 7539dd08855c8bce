"""Find and read WFDB records: one lead by name, in mV, at 360 Hz."""

from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import wfdb
from scipy.signal import resample_poly

from preprocess import BadInput
from preprocess.constants import FS_HZ, LEAD

PACED = ("102", "104", "107", "217")  # left out, as AAMI EC57 recommends
COPY_ADU_PER_MV = 1000


@dataclass
class Recording:
    """One lead of one recording.

    signal_mv: (n,) float32 in mV at FS_HZ; samples: (k,) beat and rhythm annotations, as indices into signal_mv;
    symbols: (k,) their WFDB codes; both empty when no annotation file was asked for.
    """

    name: str
    lead: str
    signal_mv: np.ndarray
    samples: np.ndarray
    symbols: np.ndarray
    native_fs_hz: float


def read(path, lead=LEAD, annotator="atr"):
    """Read one lead of a WFDB record, resampled to FS_HZ.

    path: the record without its ending; lead: its name as in the header, wherever it stands;
    annotator: ending of the annotation file, or None to read the signal alone.
    Raises BadInput when a file is missing or truncated, the lead is not there, or the signal is flat or has gaps.
    """
    path = Path(path)
    header = read_header(path)
    if lead not in (header.sig_name or []):
        raise BadInput(
            f"record {path.name} has no lead {lead}; it has {', '.join(header.sig_name or ['none'])}: "
            "choose one with --lead"
        )
    record = _read_or_explain(wfdb.rdrecord, path, ".dat", channel_names=[lead])
    signal_mv = _checked(record.p_signal[:, 0] * _to_mv(record.units[0]), path.name, lead)
    samples, symbols = np.zeros(0, int), np.zeros(0, "<U1")
    if annotator:
        annotation = _read_or_explain(wfdb.rdann, path, "." + annotator, annotator)
        samples, symbols = np.asarray(annotation.sample), np.asarray(annotation.symbol)
    fs_hz = float(record.fs)
    return Recording(
        path.name,
        lead,
        resample(signal_mv, fs_hz).astype(np.float32),
        np.round(samples * FS_HZ / fs_hz).astype(int),
        symbols,
        fs_hz,
    )


def read_header(path):
    """wfdb's header of a record. Raises BadInput when it is missing or broken."""
    return _read_or_explain(wfdb.rdheader, Path(path), ".hea")


def write_copy(path, folder, signal_mv, fs_hz, lead):
    """A record of one lead, named as the one at path and with its annotations, but with another signal (n,) and rate."""
    path = Path(path)
    adu = np.clip(np.round(signal_mv * COPY_ADU_PER_MV), -32767, 32767).astype(int)
    wfdb.wrsamp(
        path.name,
        fs_hz,
        ["mV"],
        [lead],
        d_signal=adu[:, None],
        fmt=["16"],
        adc_gain=[COPY_ADU_PER_MV],
        baseline=[0],
        write_dir=str(folder),
    )
    annotation = _read_or_explain(wfdb.rdann, path, ".atr", "atr")
    samples = np.round(np.asarray(annotation.sample) * fs_hz / read_header(path).fs).astype(int)
    wfdb.wrann(path.name, "atr", samples, annotation.symbol, fs=fs_hz, write_dir=str(folder))


def resample(signal_mv, fs_hz, to_hz=FS_HZ):
    """(n,) at fs_hz to to_hz by polyphase filtering (scipy.signal.resample_poly), unchanged when already there."""
    # A header may say 359.98 Hz: thousandths keep the ratio exact enough for a day (under one sample of drift).
    up, down = round(to_hz * 1000), round(fs_hz * 1000)
    if up == down:
        return signal_mv
    common = gcd(up, down)
    return resample_poly(signal_mv, up // common, down // common)


def find(folder):
    """Record paths (without ending) in a folder, in order; paced records of MIT-BIH are left out."""
    folder = Path(folder)
    if not folder.is_dir():
        raise BadInput(
            f"there is no folder {folder}: give --records (or MITDB_DIR) a folder with WFDB records"
        )
    records = sorted(p.with_suffix("") for p in folder.glob("*.hea") if p.stem not in PACED)
    if not records:
        raise BadInput(
            f"{folder} holds no WFDB record (no .hea file): give --records (or MITDB_DIR) a folder with some"
        )
    return records


def _read_or_explain(reader, path, ending, *args, **kwargs):
    """wfdb's own errors for a missing or broken file, as one sentence that names the file."""
    file = path.with_name(path.name + ending)
    if ending != ".dat" and not file.exists():
        raise BadInput(
            f"{file} is missing: every record needs its .hea, .dat and (for training) .atr file"
        )
    try:
        return reader(str(path), *args, **kwargs)
    except FileNotFoundError as error:
        raise BadInput(
            f"{error.filename or file} is missing: every record needs its .hea and .dat file"
        ) from error
    except (
        Exception
    ) as error:  # wfdb raises whatever numpy or struct did on a truncated or foreign file
        raise BadInput(
            f"{file} cannot be read as WFDB ({type(error).__name__}: {error}); "
            "is it truncated? fetch it again"
        ) from error


def _to_mv(units):
    scale = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "v": 1e3}
    return scale.get((units or "mV").lower(), 1.0)


def _checked(signal_mv, name, lead):
    bad = np.flatnonzero(~np.isfinite(signal_mv))
    if len(bad):
        raise BadInput(
            f"record {name}, lead {lead}, has {len(bad)} missing samples (NaN), the first at sample "
            f"{bad[0]}: cut the gap out or leave the record out"
        )
    if len(signal_mv) == 0 or np.ptp(signal_mv) == 0:
        raise BadInput(
            f"record {name}, lead {lead}, is flat: choose another --lead or leave the record out"
        )
    return signal_mv
