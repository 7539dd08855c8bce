"""Find and read WFDB records: one lead by name, in mV, at 360 Hz."""

from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import wfdb
from scipy.signal import resample_poly

from preprocess import BadInput, annotations, headers
from preprocess.constants import FORMULA, FS_HZ, LEAD
from preprocess.files import check_is_file
from preprocess.source import mv_of, plain_text

PACED = ("102", "104", "107", "217")  # left out, as AAMI EC57 recommends
COPY_ADU_PER_MV = 1000
SUMMED_AT_ONCE = 1 << 20  # samples
SUMS_DIFFER = 1 << 16  # a header keeps the lower 16 bits of a signal's sum


@dataclass
class Recording:
    """One lead of one recording.

    signal_mv: (n,) float32 in mV at FS_HZ; samples: (k,) beat and rhythm annotations, as indices
    into signal_mv; symbols: (k,) their WFDB codes; both empty when no annotation file was asked
    for.
    """

    name: str
    lead: str
    signal_mv: np.ndarray
    samples: np.ndarray
    symbols: np.ndarray
    native_fs_hz: float


def read(path, lead=LEAD, annotator="atr") -> Recording:
    """Read one lead of a WFDB record, resampled to FS_HZ.

    path: the record without its ending; lead: its name as in the header, wherever it stands;
    annotator: ending of the annotation file, or None to read the signal alone.
    Raises BadInput when a file is missing, truncated or not what its header sums up to, the lead
    is not there, or the signal is flat or has gaps.
    """
    path = Path(path)
    header = read_header(path)
    leads = lead_names(path, header)
    if lead not in leads:
        raise BadInput(
            f"record {path.name} has no lead {lead}; it has {', '.join(leads) or 'none'}: "
            "choose one with --lead"
        )
    channel = leads.index(lead)
    record = read_signals(path, [channel])
    check_sum(path, header, channel)
    scale = mv_of(record.units[0] or "mV", path, lead)
    signal_mv = _checked(record.p_signal[:, 0] * scale, path.name, lead)
    fs_hz = float(record.fs)
    samples, symbols = np.zeros(0, int), np.zeros(0, "<U1")
    if annotator:
        file = path.with_name(f"{path.name}.{annotator}")
        samples, symbols = annotations.read(file, fs_hz, len(signal_mv))
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
    path = Path(path)
    headers.check(path)
    return _read_or_explain(wfdb.rdheader, path, ".hea")


def lead_names(path, header) -> list[str]:
    """Of every signal, signal0 and so on where a header gives none."""
    names = getattr(header, "sig_name", None)
    if not names and hasattr(header, "seg_name"):
        whole = _read_or_explain(wfdb.rdheader, Path(path), ".hea", rd_segments=True)
        names = getattr(whole, "sig_name", None)
    return [plain_text(name or "") or f"signal{k}" for k, name in enumerate(names or [])]


def read_signals(path, channels, start=0, end=None, physical=True):
    """wfdb's record of some channels, samples start to end, as they are or in their units."""
    return _read_or_explain(
        wfdb.rdrecord,
        Path(path),
        ".dat",
        sampfrom=start,
        sampto=end,
        channels=channels,
        physical=physical,
    )


def check_sum(path, header, channel):
    """Raises BadInput where a signal is not the one that its header sums up and gives the first
    value of.

    Records of segments and frames have no sum of their own; 0 is what writers put that do not sum.
    """
    told = (getattr(header, "checksum", None) or {channel: None})[channel]
    frames = (getattr(header, "samps_per_frame", None) or {channel: 1})[channel]
    if not told or frames != 1 or not header.sig_len:
        return
    total, first = 0, (getattr(header, "init_value", None) or {channel: None})[channel]
    for start in range(0, header.sig_len, SUMMED_AT_ONCE):
        end = min(start + SUMMED_AT_ONCE, header.sig_len)
        part = read_signals(path, [channel], start, end, physical=False)
        total += int(part.d_signal.sum(dtype=np.int64))
        if start == 0:
            moved = first is not None and int(part.d_signal[0, 0]) != first
    if moved or (total - told) % SUMS_DIFFER:
        raise BadInput(
            f"the signal of {path} is not the one its header sums up: one of the files is damaged, "
            "fetch both again (or, if it was changed on purpose, write its header anew)"
        )


def write_copy(path, folder, signal_mv, fs_hz, lead):
    """A record of one lead, named as the one at path and with its annotations, but with another
    signal (n,) and rate."""
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
    own_hz = read_header(path).fs
    samples, symbols = annotations.read(path.with_name(path.name + ".atr"), own_hz)
    samples = np.round(samples * fs_hz / own_hz).astype(int)
    wfdb.wrann(path.name, "atr", samples, symbols.tolist(), fs=fs_hz, write_dir=str(folder))


def resample(signal_mv, fs_hz, to_hz=FS_HZ):
    """(n,) at fs_hz to to_hz by polyphase filtering (scipy.signal.resample_poly)."""
    # A header may say 359.98 Hz: thousandths keep the ratio exact enough for a day (under one
    # sample of drift).
    up, down = round(to_hz * 1000), round(fs_hz * 1000)
    if up == down:
        return signal_mv
    common = gcd(up, down)
    return resample_poly(signal_mv, up // common, down // common)


def find_records(folder) -> list[Path]:
    """Record paths (without ending) in a folder, in order; paced ones of MIT-BIH are left out."""
    folder = Path(folder)
    if not folder.is_dir():
        raise BadInput(
            f"there is no folder {folder}: give --records (or MITDB_DIR) a folder with WFDB records"
        )
    records = sorted(p.with_suffix("") for p in folder.glob("*.hea") if p.stem not in PACED)
    if not records:
        raise BadInput(
            f"{folder} holds no WFDB record (no .hea file): give --records (or MITDB_DIR) a folder "
            "with some"
        )
    for path in records:
        for ending in (".hea", ".atr"):
            check_is_file(path.with_name(path.name + ending))
        if path.name.startswith(FORMULA):
            raise BadInput(
                f"record {path.name} begins with {path.name[0]}, which tables take for a formula: "
                "rename it"
            )
    return records


def _read_or_explain(reader, path, ending, *args, **kwargs):
    """wfdb's own errors for a missing or broken file, as one sentence that names the file."""
    file = path.with_name(path.name + ending)
    try:
        return reader(str(path), *args, **kwargs)
    except FileNotFoundError as error:
        raise BadInput(
            f"{error.filename or file} is missing: every record needs its .hea and .dat file"
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # whatever numpy or struct did on a truncated or foreign file
        raise BadInput(
            f"{file} cannot be read as WFDB ({type(error).__name__}: {plain_text(str(error))}); "
            "is it truncated? fetch it again"
        ) from error


def _checked(signal_mv, name, lead):
    bad = np.flatnonzero(~np.isfinite(signal_mv))
    if len(bad):
        raise BadInput(
            f"record {name}, lead {lead}, has {len(bad)} missing samples (NaN), the first at "
            f"sample {bad[0]}: cut the gap out or leave the record out"
        )
    if len(signal_mv) == 0 or np.ptp(signal_mv) == 0:
        raise BadInput(
            f"record {name}, lead {lead}, is flat: choose another --lead or leave the record out"
        )
    return signal_mv
