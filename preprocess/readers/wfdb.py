"""WFDB records and annotations, read by wfdb; what it does not look at is checked here.

A record is one header or a row of segments, each with a header of its own. For training a lead is
read whole and brought to 360 Hz (`read`), for screening it is a Source (`open_file`).
"""

import sys
from dataclasses import dataclass
from functools import partial
from os.path import exists, getsize
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import wfdb
from scipy.signal import resample_poly
from tqdm import tqdm
from wfdb.io._signal import BYTES_PER_SAMPLE, INVALID_SAMPLE_VALUE, _rd_segment
from wfdb.io.header import parse_header_content

from preprocess import BadInput, plain_text
from preprocess.constants import FS_HZ, LEAD, LIKELY
from preprocess.files import check_is_file
from preprocess.readers import physionet, segment_names
from preprocess.readers.clock import start_of
from preprocess.readers.source import Source, mv_of, plain_names, read_leads

PACED = ("102", "104", "107", "217")  # left out, as AAMI EC57 recommends
AT_ONCE = 1 << 20  # samples that are summed
SUMS_DIFFER = 1 << 16  # a header keeps the lower 16 bits of a signal's sum
LAYOUT = "file_name fmt n_sig sig_len byte_offset samps_per_frame skew init_value".split()
DIFFERENCES = "8"  # the storage format in which a sample is known when all before it were read
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
class Segment:
    """A part of a record with a header of its own, None in a gap. start, n: frames; channels: of
    its leads, by name."""

    path: Path
    header: wfdb.Record | None
    start: int
    n: int

    def __post_init__(self):
        names = getattr(self.header, "sig_name", []) if self.n else []
        self.channels = {name: k for k, name in enumerate(names)}

    def of(self, lead, field):
        """What the header says of a lead."""
        return getattr(self.header, field)[self.channels[lead]]

    def unit_mv(self, lead):
        return mv_of(self.of(lead, "units"), f"{lead} of {self.path}")

    def stored(self, leads, first, last, **how):
        """Frames first to last of leads: of each (n,) whole numbers."""
        file = self.path.with_name(self.of(leads[0], "file_name"))
        known = 0 if DIFFERENCES in self.header.fmt else first
        how |= {field: getattr(self.header, field) for field in LAYOUT}
        how |= {"dir_name": str(self.path.parent), "pn_dir": None, "sampfrom": known}
        how |= {"sampto": last, "channels": [self.channels[lead] for lead in leads]}
        columns = _read_or_explain(file, _rd_segment, **how)
        skipped = [(first - known) * self.of(lead, "samps_per_frame") for lead in leads]
        return [column[k:] for column, k in zip(columns, skipped)]

    def read(self, leads, frame, start, end):
        """Samples start to end of leads, so many a frame, as (n, leads) mV, NaN where missing."""
        first, last = start // frame, -(-end // frame)
        here = [lead for lead in leads if lead in self.channels]
        columns = self.stored(here, first, last, ignore_skew=False)
        values = np.full(((last - first) * frame, len(leads)), np.nan)
        for lead, stored in zip(here, columns):
            mv = (stored - float(self.of(lead, "baseline"))) / self.of(lead, "adc_gain")
            mv[stored == INVALID_SAMPLE_VALUE[self.of(lead, "fmt")]] = np.nan
            values[:, leads.index(lead)] = mv * self.unit_mv(lead)
        return values[start - first * frame :][: end - start]

    def check_sums(self, leads):
        """Raises BadInput where a signal is not the one that its header sums up. 0 is what writers
        put that do not sum."""
        summed = [lead for lead in leads if self.of(lead, "checksum")]
        left = np.array([-self.of(lead, "checksum") % SUMS_DIFFER for lead in summed], int)
        for first in range(0, self.n if summed else 0, AT_ONCE):
            last = min(first + AT_ONCE, self.n)
            stored = self.stored(summed, first, last, ignore_skew=True)
            left += [int(values.sum(dtype=np.int64)) for values in stored]
        if (left % SUMS_DIFFER).any():
            raise BadInput(
                f"the signal of {self.path} is not the one its header sums up: fetch both again "
                "(or, if it was changed on purpose, write its header anew)"
            )


def open_file(path, asked) -> Source:
    """Leads of the record at path (without its ending). Raises BadInput where header and signal do
    not agree, or the lead is not there."""
    path = Path(path)
    header = read_header(path)
    segments = _segments(path, header)
    # the first segment, of no length, may be a layout that has them all
    headers = [segment.header for segment in segments if segment.header]
    leads = list(dict.fromkeys(name for each in headers for name in each.sig_name))
    if not leads:
        raise BadInput(f"{path}.hea describes no signal: fetch it again")
    where = [[part for part in segments if name in part.channels] for name in leads]
    frames = [{p.of(name, "samps_per_frame") for p in parts} for name, parts in zip(leads, where)]

    def size_mv(k):
        if len(frames[k]) != 1:
            raise BadInput(f"lead {leads[k]} of {path} is in no segment, or in several rates")
        return [part.unit_mv(leads[k]) for part in where[k]]

    rates_hz = [float(header.fs * max(found, default=0)) for found in frames]
    chosen = list(read_leads(leads, rates_hz, size_mv, path, **asked))
    frame, names = max(frames[chosen[0]]), [leads[k] for k in chosen]
    pieces = [
        (frame * part.start, frame * part.n, partial(part.read, names, frame))
        for part in segments
        if any(name in part.channels for name in names)
    ]
    n, fs_hz = sum(part.n for part in segments), rates_hz[chosen[0]]
    source = Source(path.name, path, leads, names, fs_hz, frame * n, pieces, header.start)
    for part in segments:
        part.check_sums([name for name in names if name in part.channels])

    def annotated(annotator):
        file = path.with_name(f"{path.name}.{annotator}")
        samples, symbols = read_annotations(file, header.fs, n)
        return np.round(samples * FS_HZ / header.fs).astype(int), symbols

    source.annotated = annotated
    return source


def read(path, lead=LEAD, annotator="atr") -> Recording:
    """Read one lead of a WFDB record, resampled to FS_HZ.

    path: the record without its ending; lead: its name or number as in the header, or LIKELY;
    annotator: ending of the annotation file, or None to read the signal alone.
    Raises BadInput when a file is missing, truncated or not what its header sums up to, the lead
    is not there, or the signal is flat or has gaps.
    """
    source = open_file(path, {"lead": None if lead == LIKELY else lead, "most": 1})
    signal_mv = source.read(0, source.n)[:, 0]
    missing = int(np.isnan(signal_mv).sum())
    if missing or not len(signal_mv) or not np.ptp(signal_mv) > 0:
        what = f"has {missing} missing samples" if missing else "is flat"
        raise BadInput(f"record {source.name}, lead {source.lead}, {what}: choose another --lead")
    signal_mv = resample_poly(signal_mv, *source.ratio.as_integer_ratio()).astype(np.float32)
    none = np.zeros(0, int), np.zeros(0, "<U1")
    marks = source.annotated(annotator) if annotator else none
    return Recording(source.name, source.lead, signal_mv, *marks)


def files(path: Path) -> list[Path]:
    """Of a record: its header, those of its segments, and the signal files of all."""
    parts = [segment for segment in _segments(path, read_header(path)) if segment.header]
    found = [Path(f"{path}.hea"), *(Path(f"{part.path}.hea") for part in parts)]
    found += [part.path.with_name(name) for part in parts for name in part.header.file_name]
    return [file for file in dict.fromkeys(found) if file.name != "~"]


def read_header(path):
    """wfdb's header of a record. Raises BadInput when it is missing or broken, or where wfdb takes
    another rate than it says."""
    file = Path(f"{path}.hea")
    header = _read_or_explain(file, wfdb.rdheader, str(path))
    words = parse_header_content(file.read_text("latin-1"))[0][0].split()
    told_hz = words[2].partition("/")[0] if len(words) > 2 else str(header.fs)
    if not 0 < pd.to_numeric(told_hz, errors="coerce") == header.fs:
        raise BadInput(f"{file} says {plain_text(told_hz)!r} Hz: correct it")
    header.start = header.base_datetime or header.base_time
    if len(words) > 4 and "-" in words[4]:  # the date first, as challenges of PhysioNet have it
        header.start = start_of(" ".join(words[4:]))
    is_row = isinstance(header, wfdb.MultiRecord)
    parts = (header.seg_name if is_row else header.sig_name) or []
    announced = header.n_seg if is_row else header.n_sig
    if announced != len(parts):
        raise BadInput(f"{file} announces {announced} signals or segments, it has {len(parts)}")
    if not is_row:
        header.sig_name = plain_names(parts)
        header.samps_per_frame = [number or 1 for number in header.samps_per_frame or []]
    return header


def _segments(path, header):
    """Of a record, itself where it has none."""
    if not isinstance(header, wfdb.MultiRecord):
        return [Segment(path, header, 0, _length(path, header))]
    found, start = [], 0
    for name, n in zip(header.seg_name, header.seg_len):
        at, part = path.with_name(name), None
        if name != "~":
            part = read_header(at)
            own = 0 if isinstance(part, wfdb.MultiRecord) else _length(at, part) if n else 0
            if own != n or part.fs != header.fs:
                raise BadInput(
                    f"segment {name} has {own} samples at {part.fs:g} Hz, {path}.hea says {n} at "
                    f"{header.fs:g} Hz: fetch them again"
                )
        found.append(Segment(at, part, start, n))
        start += n
    return found


def _length(path, header):
    """Frames of a record: as its header says, which its signal files must have (without checksums
    they have no more, either), else as they have."""
    found, told = [], header.sig_len
    for name in {*(header.file_name or [])} - {"~"}:
        channels = [k for k, other in enumerate(header.file_name) if other == name]
        file, sample_bytes = path.with_name(name), BYTES_PER_SAMPLE.get(header.fmt[channels[0]])
        a_frame = sum(header.samps_per_frame[k] for k in channels)
        if sample_bytes:
            size = _read_or_explain(file, getsize, file) - (header.byte_offset[channels[0]] or 0)
            found.append(int((size + 0.01) / (a_frame * sample_bytes)))
        else:  # FLAC files know their length
            info = _read_or_explain(file, soundfile.info, str(file))
            found.append(info.frames * len(channels) // a_frame)
        is_summed = sample_bytes and all(header.checksum[k] for k in channels)
        if told and (found[-1] < told or found[-1] > told + LEFT_OVER and not is_summed):
            raise BadInput(
                f"{file} has {found[-1]} samples a signal and {path.name}.hea says {told}: is it "
                "truncated, or of another record? fetch both again"
            )
    header.sig_len = told or min(found, default=0)
    return header.sig_len


def read_annotations(file: Path, fs_hz: float, length: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Samples (k,) int64 and symbols (k,) of an annotation file.

    fs_hz, length: of its signal, 0 where unknown; a file with a time resolution of its own is
    brought to it. Raises BadInput where it is damaged or goes beyond the signal.
    """
    found = _read_or_explain(file, wfdb.rdann, str(file.with_suffix("")), file.suffix[1:])
    stored = file.read_bytes()
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
        raise BadInput(f"no folder {folder} with WFDB records: give one, --records or MITDB_DIR")
    return records


def digest(path) -> str:
    """Short checksum of a record's header, annotations and signal's size: tells of changes. Of all
    its files where the header has no sum of the signals."""
    told, signal = [Path(f"{path}.hea"), Path(f"{path}.atr")], Path(f"{path}.dat")
    sums = getattr(read_header(path), "checksum", None)
    if not sums or not all(sums):
        told += files(path)[1:]
    parts = [physionet.sha256(file)[:16] for file in told if file.exists()]
    return " ".join([*parts, str(signal.stat().st_size if signal.exists() else 0)])


def _read_or_explain(file, reader, *args, **kwargs):
    """wfdb's own errors for a missing or broken file, as one sentence that names the file."""
    check_is_file(file)
    if not exists(file):
        raise BadInput(f"{file} is missing: a record needs its .hea, .dat and, to train, .atr file")
    try:
        return reader(*args, **kwargs)
    except MemoryError:
        raise
    except Exception as error:  # whatever numpy or struct did on a truncated or foreign file
        raise BadInput(f"{file} cannot be read as WFDB: is it cut? fetch it again") from error
