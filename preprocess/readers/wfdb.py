"""WFDB records and annotations, read by wfdb; what it does not look at is checked here.

A record is one header or a row of segments, each with a header of its own. For training a lead is
read whole and brought to 360 Hz (`read`), for screening it is a Source (`open_wfdb`).
"""

import re
import sys
from dataclasses import dataclass
from math import ceil, gcd
from pathlib import Path

import numpy as np
import wfdb
from scipy.signal import resample_poly
from tqdm import tqdm

from preprocess import BadInput
from preprocess.constants import FORMULA, FS_HZ, LEAD
from preprocess.files import check_is_file
from preprocess.readers import physionet, segment_names
from preprocess.readers.source import HIGHEST_HZ, Source, choose_lead, mv_of, plain_text

PACED = ("102", "104", "107", "217")  # left out, as AAMI EC57 recommends
COPY_ADU_PER_MV = 1000
AT_ONCE = 1 << 20  # samples that are summed
SUMS_DIFFER = 1 << 16  # a header keeps the lower 16 bits of a signal's sum
# Storage formats: in one a sample is known when all before it were read, the other is turned round.
DIFFERENCES, BIG_ENDIAN = "8", "61"
# Bytes a sample, by storage format; FLAC files (508, 516, 524) know their length.
SAMPLE_BYTES = {"80": 1, "8": 1, "16": 2, "61": 2, "160": 2, "212": 1.5, "24": 3, "32": 4}
SAMPLE_BYTES |= {"310": 4 / 3, "311": 4 / 3}
LARGEST_BYTES = {".hea": 1 << 20, "annotations": 1 << 26}
AFTER_THE_END_S = 1  # annotations so soon after the last sample are dropped, later ones refused


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


@dataclass
class Part:
    """A lead in one header. start: its first sample in the record; frames: samples a frame."""

    path: Path
    header: wfdb.Record
    channel: int
    start: int
    n: int

    @property
    def frames(self):
        return self.header.samps_per_frame[self.channel] or 1

    def read(self, start, end):
        """Samples start to end of this part in mV."""
        units = self.header.units[self.channel] or "mV"
        return self._stored(start, end, True) * mv_of(units, self.path, "")

    def _stored(self, start, end, physical):
        """In the header's unit; else as whole numbers as they lie in the file, skew left in."""
        kind, known = self.header.fmt[self.channel], self.header.sig_len
        first, last = start // self.frames, -(-end // self.frames)
        first = 0 if kind == DIFFERENCES else first
        convert = kind == BIG_ENDIAN and not physical  # wfdb cannot give its whole numbers
        record = _read_or_explain(
            wfdb.rdrecord,
            self.path,
            ".dat",
            sampfrom=first,
            sampto=last if known else None,  # wfdb reads to the end where a header has no length
            channels=[self.channel],
            physical=physical or convert,
            smooth_frames=False,
            ignore_skew=not physical,
        )
        whole = record.adc(expanded=True) if convert else record.e_d_signal
        values = record.e_p_signal[0] if physical else whole[0]
        return values[start - first * self.frames : end - first * self.frames]

    def check_sum(self):
        """Raises BadInput where a signal is not the one that its header sums up and gives the first
        value of. 0 is what writers put that do not sum."""
        told = self.header.checksum[self.channel]
        if not told:
            return
        total, first = 0, self.header.init_value[self.channel]
        for start in range(0, self.n, AT_ONCE):
            stored = self._stored(start, min(start + AT_ONCE, self.n), False)
            total += int(stored.sum(dtype=np.int64))
            if start == 0:
                moved = first is not None and int(stored[0]) != first
        # format 8 begins with a difference to the first value
        moved = moved and self.header.fmt[self.channel] != DIFFERENCES
        if moved or (total - told) % SUMS_DIFFER:
            raise BadInput(
                f"the signal of {self.path} is not the one its header sums up: one of the files is "
                "damaged, fetch both again (or, if it was changed on purpose, write its header "
                "anew)"
            )


class WfdbSource(Source):
    """parts: where the lead is; what lies between them is missing. frame_hz: frames a second, in
    which annotations count."""

    parts: list
    frame_hz: float

    def read(self, start, end):
        start, end = int(start), int(end)
        values = np.full(end - start, np.nan)
        for part in self.parts:
            first, last = max(start, part.start), min(end, part.start + part.n)
            if first < last:
                found = part.read(first - part.start, last - part.start)
                values[first - start : last - start] = found
        return values

    def annotated(self, annotator):
        file = self.path.with_name(f"{self.path.name}.{annotator}")
        n_frames = round(self.n * self.frame_hz / self.fs_hz)
        samples, symbols = read_annotations(file, self.frame_hz, n_frames)
        return np.round(samples * FS_HZ / self.frame_hz).astype(int), symbols


def open_wfdb(path, lead=None, likely=LEAD) -> WfdbSource:
    """A lead of the record at path (without its ending). Raises BadInput where header and signal do
    not agree, or the lead is not there."""
    path = Path(path)
    header = read_header(path)
    headers = _with_segments(path, header)
    leads = _leads_of(headers)
    if not leads:
        raise BadInput(f"{path}.hea describes no signal: fetch it again")
    chosen = choose_lead([name for name, _ in leads], lead, path, likely)
    parts = _parts(headers, leads[chosen])
    if not parts:
        raise BadInput(f"lead {leads[chosen][0]} of {path} is in none of its segments")
    frames = {part.frames for part in parts}
    if len(frames) > 1:
        raise BadInput(
            f"the segments of {path} give lead {leads[chosen][0]} at different rates: screen them "
            "one by one"
        )
    n = sum(length for _, _, length in headers) * parts[0].frames
    names = [name for name, _ in leads]
    fs_hz = header.fs * parts[0].frames
    source = WfdbSource(path.name, path, names, names[chosen], float(fs_hz), n)
    source.parts, source.frame_hz = parts, float(header.fs)
    source.start = header.base_datetime or header.base_time
    for part in parts:
        mv_of(part.header.units[part.channel] or "mV", path, source.lead)
        part.check_sum()
    return source


def read(path, lead=LEAD, annotator="atr") -> Recording:
    """Read one lead of a WFDB record, resampled to FS_HZ.

    path: the record without its ending; lead: its name as in the header, wherever it stands;
    annotator: ending of the annotation file, or None to read the signal alone.
    Raises BadInput when a file is missing, truncated or not what its header sums up to, the lead
    is not there, or the signal is flat or has gaps.
    """
    source = open_wfdb(path, lead)
    signal_mv = _checked(source.read(0, source.n), source.name, source.lead)
    samples, symbols = np.zeros(0, int), np.zeros(0, "<U1")
    if annotator:
        samples, symbols = source.annotated(annotator)
    return Recording(
        source.name,
        source.lead,
        resample(signal_mv, source.fs_hz).astype(np.float32),
        samples,
        symbols,
        source.fs_hz,
    )


def lead_names(path) -> list[str]:
    """Of every signal of a record, signal0 and so on where its header gives none."""
    return [name for name, _ in _leads_of(_with_segments(Path(path), read_header(path)))]


def files(path: Path) -> list[Path]:
    """Of a record: its header, those of its segments, and the signal files of all."""
    headers = _with_segments(path, read_header(path))
    parts = [(at, header) for at, header, _ in headers if header]
    found = [path.with_name(path.name + ".hea")]
    found += [at.with_name(at.name + ".hea") for at, _ in parts]
    found += [at.with_name(name) for at, header in parts for name in header.file_name]
    return [file for file in dict.fromkeys(found) if file.name != "~"]


# ------------------------------------------------------------------------------------ headers


def read_header(path):
    """wfdb's header of a record. Raises BadInput when it is missing, broken or says what cannot be:
    of a line that it does not understand wfdb takes the beginning."""
    path = Path(path)
    file = path.with_name(path.name + ".hea")
    _check_file(file, ".hea")
    header = _read_or_explain(wfdb.rdheader, path, ".hea")
    lines = [line.split() for line in file.read_text("latin-1").splitlines()]
    words = next(line for line in lines if line and not line[0].startswith("#"))
    told_hz = words[2].partition("/")[0] if len(words) > 2 else str(header.fs)
    if not re.fullmatch(r"\d*\.?\d+(e[-+]?\d+)?|\d+\.", told_hz) or float(told_hz) != header.fs:
        raise BadInput(
            f"{file} says {plain_text(told_hz)!r} Hz: correct it or leave the record out"
        )
    if not 0 < header.fs <= HIGHEST_HZ:
        raise BadInput(f"{file} says {header.fs:g} Hz: correct it or leave the record out")
    segments = getattr(header, "seg_name", None)
    described = len(segments or getattr(header, "sig_name", None) or [])
    announced = header.n_seg if segments else header.n_sig
    if announced != described:
        raise BadInput(
            f"{file} announces {announced} signals or segments and describes {described}"
        )
    for gain in [] if segments or not described else header.adc_gain:
        if not 0 < gain < np.inf:
            raise BadInput(f"{file} gives a gain of {gain:g}: correct it or fetch it again")
    return header


def _with_segments(path, header):
    """(record path, header or None in a gap, frames) of each header with signals, in order; the
    length of a record that does not say it is that of its file."""
    if not hasattr(header, "seg_name"):
        n = _length(path, header) if header.n_sig else 0
        return [(path, header, n)]
    found = []
    for name, length in zip(header.seg_name, header.seg_len):
        at, part = path.with_name(name), None
        if name != "~":
            part = read_header(at) if at != path else header
            if hasattr(part, "seg_name"):
                raise BadInput(f"segment {name} of {path} has segments itself: fetch it again")
            own = _length(at, part) if length else 0
            if length and (own != length or part.fs != header.fs):
                raise BadInput(
                    f"segment {name} has {own} samples at {part.fs:g} Hz, {path}.hea says "
                    f"{length} at {header.fs:g} Hz: fetch them again"
                )
        found.append((at, part, length))
    total = sum(header.seg_len)
    if header.sig_len not in (None, total):
        raise BadInput(
            f"the segments of {path} have {total} samples together, its header says "
            f"{header.sig_len}: fetch it again"
        )
    return found


def _leads_of(headers):
    """(name, how many of this name are before it) of every lead of all headers: the first one, of
    no length, is a layout that has them all."""
    found = {}
    for _, header, _ in headers:
        for lead in _named(header) if header else ():
            found.setdefault(lead)
    return list(found)


def _named(header):
    names = [plain_text(name or "") for name in getattr(header, "sig_name", None) or []]
    names = [name or f"signal{k}" for k, name in enumerate(names)]
    return [(name, names[:k].count(name)) for k, name in enumerate(names)]


def _parts(headers, lead):
    parts, at = [], 0
    for path, header, length in headers:
        leads = _named(header) if header and length else []
        if lead in leads:
            part = Part(path, header, leads.index(lead), 0, length)
            part.start, part.n = at * part.frames, length * part.frames
            parts.append(part)
        at += length
    return parts


def _length(path, header):
    """Frames of a record, which its signal files must have. Without checksums they have no more,
    either."""
    frames_of_files = {}
    for name in dict.fromkeys(header.file_name):
        channels = [k for k, other in enumerate(header.file_name) if other == name]
        file = path.with_name(name)
        if name != "~":
            check_is_file(file)
        if name == "~" or not file.exists():  # reading it says so
            continue
        summed = all(header.checksum[k] for k in channels)
        kind, offset = header.fmt[channels[0]], header.byte_offset[channels[0]] or 0
        per_frame = [header.samps_per_frame[k] or 1 for k in channels]
        if sum(per_frame) > HIGHEST_HZ:
            raise BadInput(f"{path}.hea has frames of {sum(per_frame)} samples: fetch it again")
        if kind in SAMPLE_BYTES:
            frame_bytes = sum(per_frame) * SAMPLE_BYTES[kind]
            there = int((file.stat().st_size - offset + 0.01) / frame_bytes)
            slack = 2 + ceil(4 / frame_bytes)
        else:
            there = (_flac_samples(file) - offset) // per_frame[0]
            slack = summed = 0
        frames_of_files[file] = there
        told = header.sig_len
        if told and (there < told or there > told + slack and not summed):
            raise BadInput(
                f"{file} has {there} samples a signal and {path.name}.hea says {told}: is it "
                "truncated, or of another record? fetch both again"
            )
    return header.sig_len or min(frames_of_files.values(), default=0)


def _flac_samples(file):
    import soundfile

    try:
        return soundfile.info(str(file)).frames
    except (RuntimeError, OSError) as error:
        raise BadInput(f"{file} cannot be read as FLAC ({error}): fetch it again") from error


# -------------------------------------------------------------------------------- annotations


def read_annotations(file: Path, fs_hz: float, length: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Samples (k,) int64 and symbols (k,) of an annotation file.

    fs_hz, length: of its signal, 0 where unknown; a file with a time resolution of its own is
    brought to it. Raises BadInput where it is damaged or goes beyond the signal.
    """
    file = Path(file)
    _check_file(file, "annotations")
    stored = file.read_bytes()
    if len(stored) % 2 or stored[-2:] != b"\0\0":
        raise _damaged(file, "its end is missing")
    found = _read_or_explain(
        wfdb.rdann,
        file.with_suffix(""),
        file.suffix,
        extension=file.suffix[1:],
        return_label_elements=["label_store", "symbol"],
    )
    samples = found.sample
    if len(samples) and (samples[0] < 0 or (np.diff(samples) < 0).any()):
        raise _damaged(file, "an annotation is before the one before it")
    if b"## time resolution: " in stored and found.fs and found.fs != fs_hz:
        samples = np.round(samples * (fs_hz / found.fs)).astype(np.int64)
    symbols = np.array(found.symbol or [], "<U8")
    if unknown := set(found.label_store[(symbols == "nan") | (symbols == "")].tolist()):
        # "?" would be a beat of class Q; 42 to 49 are free for the user
        if not unknown <= set(range(42, 50)):
            raise _damaged(file, f"code {min(unknown)} is none of the format's")
        symbols = np.where(
            symbols == "nan", np.char.add("[", found.label_store.astype(str)), symbols
        )
    if length and len(samples) and samples[-1] >= length:
        if samples[-1] >= length + AFTER_THE_END_S * fs_hz:
            raise BadInput(
                f"{file} goes on to sample {samples[-1]} and the signal ends at {length}: one of "
                "them is damaged or of another record; fetch both again"
            )
        inside = samples < length
        tqdm.write(f"  {file}: {(~inside).sum()} after the last sample dropped", file=sys.stderr)
        samples, symbols = samples[inside], symbols[inside]
    return samples, symbols


def _damaged(file, what):
    return BadInput(f"{file} is no whole annotation file ({what}): fetch it again")


# ------------------------------------------------------------------------------------ folders


def find_records(folder) -> list[Path]:
    """Record paths (without ending) in a folder, in order; paced ones of MIT-BIH and segments of
    others are left out."""
    folder = Path(folder)
    if not folder.is_dir():
        raise BadInput(
            f"there is no folder {folder}: give --records (or MITDB_DIR) a folder with WFDB records"
        )
    left_out = {*PACED, *segment_names(folder)}
    records = sorted(p.with_suffix("") for p in folder.glob("*.hea") if p.stem not in left_out)
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
    sums = getattr(read_header(path), "checksum", None)
    if not sums or not all(sums):
        told += files(path)[1:]
    parts = [physionet.sha256(file)[:16] for file in told if file.exists()]
    return " ".join([*parts, str(signal.stat().st_size if signal.exists() else 0)])


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
    samples, symbols = read_annotations(path.with_name(path.name + ".atr"), own_hz)
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


def _check_file(file, kind):
    check_is_file(file)
    if not file.exists():
        raise BadInput(
            f"{file} is missing: every record needs its .hea, .dat and (for training) .atr file"
        )
    if file.stat().st_size > LARGEST_BYTES[kind]:
        raise BadInput(f"{file} is too long for what it is: fetch it again")


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
            f"{file} cannot be read as WFDB: is it truncated, or something else? fetch it again"
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
