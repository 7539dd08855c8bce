"""WFDB records and annotations, read by wfdb; what it does not look at is checked here.

A record is one header or a row of segments, each with a header of its own. For training a lead is
read whole and brought to 360 Hz (`read`), for screening it is a Source (`open_wfdb`).
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import wfdb
from scipy.signal import resample_poly
from tqdm import tqdm
from wfdb.io._signal import BYTES_PER_SAMPLE

from preprocess import BadInput
from preprocess.constants import FS_HZ, LEAD, MOST_LEADS
from preprocess.files import check_is_file
from preprocess.readers import physionet, segment_names
from preprocess.readers.source import (
    HIGHEST_HZ,
    Source,
    choose_leads,
    mv_of,
    numbered,
    plain_text,
    read_together,
)

PACED = ("102", "104", "107", "217")  # left out, as AAMI EC57 recommends
AT_ONCE = 1 << 20  # samples that are summed
SUMS_DIFFER = 1 << 16  # a header keeps the lower 16 bits of a signal's sum
# Storage formats: in one a sample is known when all before it were read, the other is turned round.
DIFFERENCES, BIG_ENDIAN = "8", "61"
LEFT_OVER = 4  # samples that a file may have beyond its header's: some formats fill words up
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

    @property
    def unit(self):
        return self.header.units[self.channel] or "mV"

    def read(self, start, end):
        """Samples start to end of this part in mV."""
        return self._stored(start, end, True) * mv_of(self.unit, self.path, "")

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
        """Raises BadInput where a signal is not the one that its header sums up. 0 is what writers
        put that do not sum."""
        told = self.header.checksum[self.channel]
        if not told:
            return
        total = 0
        for start in range(0, self.n, AT_ONCE):
            stored = self._stored(start, min(start + AT_ONCE, self.n), False)
            total += int(stored.sum(dtype=np.int64))
        if (total - told) % SUMS_DIFFER:
            raise BadInput(
                f"the signal of {self.path} is not the one its header sums up: one of the files is "
                "damaged, fetch both again (or, if it was changed on purpose, write its header "
                "anew)"
            )


class WfdbSource(Source):
    """parts: of each lead, where it is; what lies between them is missing. frame_hz: frames a
    second, in which annotations count."""

    parts: list
    frame_hz: float

    def read(self, start, end):
        start, end = int(start), int(end)
        values = np.full((end - start, len(self.parts)), np.nan)
        for k, parts in enumerate(self.parts):
            for part in parts:
                first, last = max(start, part.start), min(end, part.start + part.n)
                if first < last:
                    found = part.read(first - part.start, last - part.start)
                    values[first - start : last - start, k] = found
        return values

    def annotated(self, annotator):
        file = self.path.with_name(f"{self.path.name}.{annotator}")
        n_frames = round(self.n * self.frame_hz / self.fs_hz)
        samples, symbols = read_annotations(file, self.frame_hz, n_frames)
        return np.round(samples * FS_HZ / self.frame_hz).astype(int), symbols


def open_wfdb(path, lead=None, likely=LEAD, most=MOST_LEADS) -> WfdbSource:
    """Leads of the record at path (without its ending). Raises BadInput where header and signal do
    not agree, or the lead is not there."""
    path = Path(path)
    header = read_header(path)
    headers = _with_segments(path, header)
    leads = _leads_of(headers)
    if not leads:
        raise BadInput(f"{path}.hea describes no signal: fetch it again")
    parts = [_parts(headers, name) for name in leads]
    chosen = choose_leads(leads, lead, path, likely)
    if len({part.frames for part in parts[chosen[0]]}) != 1:
        name = leads[chosen[0]]
        raise BadInput(f"lead {name} of {path} is in none of its segments, or at different rates")
    rates_hz = [header.fs * (p[0].frames if p else 0) for p in parts]
    units = [p[0].unit if p else "" for p in parts]
    chosen = read_together(chosen, rates_hz, units, lead, path, most)
    frames = parts[chosen[0]][0].frames
    n = sum(length for _, _, length in headers) * frames
    names = [leads[k] for k in chosen]
    source = WfdbSource(path.name, path, leads, names, float(header.fs * frames), n)
    source.parts, source.frame_hz = [parts[k] for k in chosen], float(header.fs)
    source.start = header.base_datetime or header.base_time
    for part in (part for found in source.parts for part in found):
        mv_of(part.unit, path, source.lead)
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
    signal_mv = _checked(source.read(0, source.n)[:, 0], source.name, source.lead)
    samples, symbols = np.zeros(0, int), np.zeros(0, "<U1")
    if annotator:
        samples, symbols = source.annotated(annotator)
    return Recording(
        source.name,
        source.lead,
        resample_poly(signal_mv, *source.ratio.as_integer_ratio()).astype(np.float32),
        samples,
        symbols,
    )


def lead_names(path) -> list[str]:
    """Of every signal of a record, signal0 and so on where its header gives none."""
    return _leads_of(_with_segments(Path(path), read_header(path)))


def files(path: Path) -> list[Path]:
    """Of a record: its header, those of its segments, and the signal files of all."""
    headers = _with_segments(path, read_header(path))
    parts = [(at, header) for at, header, _ in headers if header]
    found = [_with(path, ".hea"), *(_with(at, ".hea") for at, _ in parts)]
    found += [at.with_name(name) for at, header in parts for name in header.file_name]
    return [file for file in dict.fromkeys(found) if file.name != "~"]


def read_header(path):
    """wfdb's header of a record. Raises BadInput when it is missing or broken, or where wfdb takes
    another rate than it says."""
    path = Path(path)
    file = _with(path, ".hea")
    _check_file(file)
    header = _read_or_explain(wfdb.rdheader, path, ".hea")
    lines = [line.split() for line in file.read_text("latin-1").splitlines()]
    words = next(line for line in lines if line and not line[0].startswith("#"))
    told_hz = words[2].partition("/")[0] if len(words) > 2 else str(header.fs)
    try:
        is_told = 0 < float(told_hz) == header.fs <= HIGHEST_HZ
    except ValueError:
        is_told = False
    if not is_told:
        raise BadInput(
            f"{file} says {plain_text(told_hz)!r} Hz: correct it or leave the record out"
        )
    segments = getattr(header, "seg_name", None)
    described = len(segments or getattr(header, "sig_name", None) or [])
    announced = header.n_seg if segments else header.n_sig
    if announced != described:
        raise BadInput(
            f"{file} announces {announced} signals or segments and describes {described}"
        )
    return header


def _with_segments(path, header):
    """(record path, header or None in a gap, frames) of each header with signals, in order; the
    length of a record that does not say it is that of its file."""
    if not hasattr(header, "seg_name"):
        return [(path, header, _length(path, header) if header.n_sig else 0)]
    found = []
    for name, length in zip(header.seg_name, header.seg_len):
        at, part = path.with_name(name), None
        if name != "~":
            part = read_header(at)
            own = 0 if hasattr(part, "seg_name") else _length(at, part) if length else 0
            if own != length or part.fs != header.fs:
                raise BadInput(
                    f"segment {name} has {own} samples at {part.fs:g} Hz, {path}.hea says "
                    f"{length} at {header.fs:g} Hz: fetch them again"
                )
        found.append((at, part, length))
    if header.sig_len not in (None, sum(header.seg_len)):
        raise BadInput(
            f"the segments of {path} have {sum(header.seg_len)} samples together, its header says "
            f"{header.sig_len}: fetch it again"
        )
    return found


def _leads_of(headers):
    """Names of the leads of all headers: the first one, of no length, may be a layout that has them
    all."""
    return list(dict.fromkeys(name for _, header, _ in headers for name in _named(header)))


def _named(header):
    names = getattr(header, "sig_name", None) or []
    return numbered([plain_text(name or "") or f"signal{k}" for k, name in enumerate(names)])


def _parts(headers, lead):
    parts, at = [], 0
    for path, header, length in headers:
        leads = _named(header) if length else []
        if lead in leads:
            part = Part(path, header, leads.index(lead), 0, length)
            part.start, part.n = at * part.frames, length * part.frames
            parts.append(part)
        at += length
    return parts


def _length(path, header):
    """Frames of a record, which its signal files must have. Without checksums they have no more,
    either."""
    found, told = [], header.sig_len
    for name in set(header.file_name) - {"~"}:
        channels = [k for k, other in enumerate(header.file_name) if other == name]
        file, kind = path.with_name(name), header.fmt[channels[0]]
        _check_file(file)
        size = file.stat().st_size - (header.byte_offset[channels[0]] or 0)
        per_frame = sum(header.samps_per_frame[k] or 1 for k in channels)
        # FLAC files know their length
        sample_bytes = BYTES_PER_SAMPLE[kind]
        if sample_bytes:
            n = int((size + 0.01) / (per_frame * sample_bytes))
        else:
            n = _read_or_explain(soundfile.info, file, "").frames * len(channels) // per_frame
        found.append(n)
        is_summed = sample_bytes and all(header.checksum[k] for k in channels)
        if told and (n < told or n > told + LEFT_OVER and not is_summed):
            raise BadInput(
                f"{file} has {n} samples a signal and {path.name}.hea says {told}: is it "
                "truncated, or of another record? fetch both again"
            )
    return told or min(found, default=0)


def read_annotations(file: Path, fs_hz: float, length: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Samples (k,) int64 and symbols (k,) of an annotation file.

    fs_hz, length: of its signal, 0 where unknown; a file with a time resolution of its own is
    brought to it. Raises BadInput where it is damaged or goes beyond the signal.
    """
    file = Path(file)
    _check_file(file)
    stored = file.read_bytes()
    found = _read_or_explain(wfdb.rdann, file.with_suffix(""), file.suffix, file.suffix[1:])
    samples, symbols = found.sample, np.array(found.symbol or [], "<U8")
    if stored[-2:] != b"\0\0" or np.diff(samples, prepend=0).min(initial=0) < 0:
        raise BadInput(f"{file} is no whole annotation file: fetch it again")
    if b"## time resolution: " in stored and found.fs and found.fs != fs_hz:
        samples = np.round(samples * (fs_hz / found.fs)).astype(np.int64)
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


def find_records(folder) -> list[Path]:
    """Record paths (without ending) in a folder, in order; paced ones of MIT-BIH and segments of
    others are left out."""
    folder = Path(folder)
    left_out = {*PACED, *segment_names(folder)}
    records = sorted(p.with_suffix("") for p in folder.glob("*.hea") if p.stem not in left_out)
    if not records:
        raise BadInput(
            f"there is no folder {folder} with WFDB records (.hea files): give --records (or "
            "MITDB_DIR) one"
        )
    return records


def digest(path) -> str:
    """Short checksum of a record's header, annotations and signal's size: tells of changes. Of all
    its files where the header has no sum of the signals."""
    told, signal = [_with(path, ".hea"), _with(path, ".atr")], _with(path, ".dat")
    sums = getattr(read_header(path), "checksum", None)
    if not sums or not all(sums):
        told += files(path)[1:]
    parts = [physionet.sha256(file)[:16] for file in told if file.exists()]
    return " ".join([*parts, str(signal.stat().st_size if signal.exists() else 0)])


def _with(path, ending):
    return path.with_name(path.name + ending)


def _check_file(file):
    check_is_file(file)
    if not file.exists():
        raise BadInput(
            f"{file} is missing: every record needs its .hea, .dat and (for training) .atr file"
        )


def _read_or_explain(reader, path, ending, *args, **kwargs):
    """wfdb's own errors for a missing or broken file, as one sentence that names the file."""
    try:
        return reader(str(path), *args, **kwargs)
    except MemoryError:
        raise
    except Exception as error:  # whatever numpy or struct did on a truncated or foreign file
        raise BadInput(
            f"{_with(path, ending)} cannot be read as WFDB: is it truncated, or something else? "
            "fetch it again"
        ) from error


def _checked(signal_mv, name, lead):
    bad = int((~np.isfinite(signal_mv)).sum())
    if bad or not len(signal_mv) or not np.ptp(signal_mv) > 0:
        what = f"has {bad} missing samples" if bad else "is flat"
        raise BadInput(
            f"record {name}, lead {lead}, {what}: choose another --lead or leave the record out"
        )
    return signal_mv
