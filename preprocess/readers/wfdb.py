"""Find and read WFDB records: one lead by name, in mV, at 360 Hz."""

from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import wfdb
from scipy.signal import resample_poly

from preprocess import BadInput
from preprocess.constants import FORMULA, FS_HZ, LEAD
from preprocess.files import check_is_file
from preprocess.readers import annotations, headers, physionet
from preprocess.readers.source import mv_of, plain_text

PACED = ("102", "104", "107", "217")  # left out, as AAMI EC57 recommends
COPY_ADU_PER_MV = 1000
SUMMED_AT_ONCE = 1 << 20  # samples
DIFFERENCES = "8"  # a storage format in which a sample is known when all before it were read
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
    if leads.count(lead) > 1:
        raise BadInput(
            f"record {path.name} has {leads.count(lead)} leads called {lead}: give them names of "
            "their own in its header"
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


def read_signals(path, channels, start=0, end=None, header=None, **how):
    """wfdb's record of some channels, samples start to end. header: of the record, where start is
    not 0; how: of wfdb.rdrecord."""
    summed = start and DIFFERENCES in (getattr(header, "fmt", None) or [])
    record = _read_or_explain(
        wfdb.rdrecord,
        Path(path),
        ".dat",
        sampfrom=0 if summed else start,
        sampto=end,
        channels=channels,
        **how,
    )
    for name in ("p_signal", "d_signal", "e_d_signal") if summed else ():
        values = getattr(record, name)
        if values is not None:
            cut = [v[start:] for v in values] if name == "e_d_signal" else values[start:]
            setattr(record, name, cut)
    return record


def check_sum(path, header, channel):
    """Raises BadInput where a signal is not the one that its header, or the one of each segment,
    sums up and gives the first value of. 0 is what writers put that do not sum."""
    path = Path(path)
    for name, length in zip(getattr(header, "seg_name", []), getattr(header, "seg_len", [])):
        if name == "~" or not length:
            continue
        part = _read_or_explain(wfdb.rdheader, path.with_name(name), ".hea")
        lead = lead_names(path, header)[channel]
        for k, own in enumerate(lead_names(path.with_name(name), part)):
            if own == lead:
                check_sum(path.with_name(name), part, k)
    told = (getattr(header, "checksum", None) or {channel: None})[channel]
    if not told or not header.sig_len:
        return
    total, first = 0, (getattr(header, "init_value", None) or {channel: None})[channel]
    for start in range(0, header.sig_len, SUMMED_AT_ONCE):
        end = min(start + SUMMED_AT_ONCE, header.sig_len)
        stored = _stored(path, header, channel, start, end)
        total += int(stored.sum(dtype=np.int64))
        if start == 0:
            moved = first is not None and int(stored[0]) != first
    # format 8 begins with a difference to the first value
    moved = moved and header.fmt[channel] != DIFFERENCES
    if moved or (total - told) % SUMS_DIFFER:
        raise BadInput(
            f"the signal of {path} is not the one its header sums up: one of the files is damaged, "
            "fetch both again (or, if it was changed on purpose, write its header anew)"
        )


def _stored(path, header, channel, start, end):
    """(n,) whole numbers as they lie in the file: every sample of a frame, no skew taken out."""
    exact = {"physical": False, "smooth_frames": False, "ignore_skew": True}
    return read_signals(path, [channel], start, end, header, **exact).e_d_signal[0]


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


def digest(path) -> str:
    """Short checksum of a record's header, annotations and signal's size: tells of changes. Of all
    its files where the header has no sum of the signals."""
    ending = lambda text: path.with_name(path.name + text)
    told, signal = [ending(".hea"), ending(".atr")], ending(".dat")
    if not headers.is_summed(path):
        told += headers.files(path)[1:]
    parts = [physionet.sha256(file)[:16] for file in told if file.exists()]
    return " ".join([*parts, str(signal.stat().st_size if signal.exists() else 0)])


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
