"""EDF, EDF+ and BDF recordings (edfplus.info): edfio reads the header, samples are read part by
part, with the gaps of EDF+D in their place."""

import re
import warnings
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

import edfio
import numpy as np

from preprocess import BadInput
from preprocess.constants import LONGEST_GAP_S
from preprocess.readers.source import Source, choose_lead, mv_of, plain_text

FORMATS = {b"0       ": (edfio.read_edf, 2), b"\xffBIOSEMI": (edfio.read_bdf, 3)}  # bytes a sample
MOST_SIGNALS = 512
MOST_DRIFT_S = 0.5
ONSET = re.compile(rb"([+-]\d{1,9}(?:\.\d{1,9})?)\x14")


@dataclass
class Layout:
    """Where samples are. signals: of edfio, by the byte in a data record where theirs begin;
    times_at: that of the annotations, None without any; n: whole data records in the file."""

    signals: dict
    width: int
    data_at: int
    record_bytes: int
    record_s: float
    n: int
    times_at: int | None


class EdfSource(Source):
    """starts: (records,) first sample of each data record; None where they follow each other."""

    layout: Layout
    at: int
    mv: float
    starts = None

    def read(self, start, end):
        size = self.layout.signals[self.at].samples_per_data_record
        if self.starts is None:
            first, last = start // size, -(-end // size)
            return self._records(first, last)[start - first * size : end - first * size]
        values = np.full(end - start, np.nan)
        first = max(0, np.searchsorted(self.starts, start, "right") - 1)
        last = np.searchsorted(self.starts, end, "left")
        found = self._records(first, last).reshape(-1, size)
        for begin, samples in zip(self.starts[first:last] - start, found):
            lost = max(0, -begin)
            part = samples[lost : max(0, len(values) - begin)]
            values[begin + lost : begin + lost + len(part)] = part
        return values

    def _records(self, first, last):
        """Samples in mV of data records first to last, as one row."""
        layout, signal = self.layout, self.layout.signals[self.at]
        with open(self.path, "rb") as file:
            file.seek(layout.data_at + first * layout.record_bytes)
            stored = file.read((last - first) * layout.record_bytes)
        rows = np.frombuffer(stored, np.uint8).reshape(last - first, layout.record_bytes)
        rows = rows[:, self.at : self.at + layout.width * signal.samples_per_data_record]
        letters = rows.reshape(-1, layout.width)
        if layout.width == 2:
            digital = np.ascontiguousarray(letters).view("<i2")[:, 0].astype(float)
        else:
            wide = np.zeros((len(letters), 4), np.uint8)
            wide[:, 1:] = letters
            digital = (wide.view("<i4")[:, 0] >> 8).astype(float)
        gain = (signal.physical_max - signal.physical_min) / (
            signal.digital_max - signal.digital_min
        )
        return (signal.physical_min + (digital - signal.digital_min) * gain) * self.mv


def open_edf(path: Path, lead, likely, units=None) -> EdfSource:
    """units: of a file that gives none. Raises BadInput where header and file do not agree."""
    head, layout, note = _read_header(path)
    places = list(layout.signals)
    leads = [layout.signals[at].label for at in places]
    at = places[choose_lead(leads, lead, path, likely)]
    signal = layout.signals[at]
    mv = _scale(signal, path, units, 1 << 8 * layout.width - 1)
    size = signal.samples_per_data_record
    fs_hz = size / layout.record_s
    starts, n = None, layout.n * size
    onsets_s = _onsets(path, head, layout)
    if onsets_s is not None:
        starts, n = _starts(onsets_s, layout.record_s, fs_hz, size, path)
    source = EdfSource(path.stem, path, leads, signal.label, fs_hz, n)
    source.layout, source.at, source.mv = layout, at, mv
    source.starts, source.start = starts, _start(head)
    source.notes = [note] if note else []
    return source


def _read_header(path):
    """The first 256 bytes, the layout and a sentence about the length, where that is in doubt."""
    with open(path, "rb") as file:
        head = file.read(256)
        if head[:8] not in FORMATS:
            raise BadInput(f"{path} cannot be read as EDF: its first bytes are not those of one")
        count = int(head[252:256]) if head[252:256].strip().isdigit() else 0
        if not 1 <= count <= MOST_SIGNALS:
            raise BadInput(f"{path} holds no signal, or {count} of them: fetch it again")
        fields = file.read(256 * count)
    data_at = 256 * (count + 1)
    if len(fields) < 256 * count:
        raise BadInput(f"{path} has no whole EDF header: is it truncated? fetch it again")
    reader, width = FORMATS[head[:8]]
    try:
        told, record_s = int(head[236:244]), float(head[244:252])
        sizes = [int(fields[216 * count + 8 * k :][:8].strip(b"\0")) for k in range(count)]
        if int(head[184:192]) != data_at or min(sizes) < 1 or not 0 < record_s < LONGEST_GAP_S:
            raise ValueError("numbers that cannot be")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # there is no data record in these bytes
            limits = slice(104 * count, 136 * count)
            plain = bytearray(fields.replace(b"\0", b" "))
            plain[limits] = plain[limits].replace(b",", b".")  # as some write decimals
            signals = reader(bytes(head + plain + bytes(1)), header_encoding="latin-1").signals
    except (ValueError, OverflowError) as error:
        raise BadInput(
            f"{path} cannot be read as EDF: its header holds {plain_text(str(error))[:80]}; fetch "
            "it again"
        ) from error
    places = np.cumsum([0, *sizes]) * width
    marks = [b"F Annotations" in fields[16 * k : 16 * k + 16] for k in range(count)]
    leads = [int(at) for at, mark in zip(places, marks) if not mark]
    times_at = int(places[marks.index(True)]) if True in marks else None
    n, note = _records(path, data_at, int(places[-1]), told)
    if not leads or not n:
        raise BadInput(f"{path} holds no signal")
    layout = Layout(
        dict(zip(leads, signals)), width, data_at, int(places[-1]), record_s, n, times_at
    )
    return head, layout, note


def _records(path, data_at, record_bytes, told):
    """Whole data records of a file, and what to say where its header says another number; -1 is
    what recorders write that do not know it yet."""
    n, rest = divmod(path.stat().st_size - data_at, record_bytes)
    if told in (-1, n) and not rest:
        return n, ""
    said = f"{told} data records" if told != -1 else "nothing of its length"
    return n, (
        f"the header of {path} says {said} and the file holds {n + rest / record_bytes:.4g}: the "
        f"{n} whole ones are read; is it cut?"
    )


def _scale(signal, path, units, bound):
    """A physical unit in mV. bound: of digital values."""
    try:
        low, high = signal.digital_range
        is_wrong = not -bound <= low < high < bound or not np.isfinite(signal.physical_range).all()
    except (ValueError, OverflowError):
        is_wrong = True
    if is_wrong:
        raise BadInput(f"{path} gives {signal.label} limits that cannot be: fetch it again")
    if signal.physical_min == signal.physical_max:
        raise BadInput(
            f"{path} gives both physical limits of {signal.label} as {signal.physical_min:g}: it "
            "cannot be turned into mV"
        )
    unit = signal.physical_dimension
    mv = mv_of(unit or units or "", path, signal.label)
    if units and mv_of(units, path, signal.label) != mv:
        raise BadInput(f"--units says {units}, {signal.label} of {path} {unit}: leave --units out")
    return mv


def _start(head):
    """When the recording began: a datetime, a time where the date is withheld, or None.

    EDF has two digits of the year, from 1985 on; EDF+ has all four in the recording's name.
    Midnight of the first day of 1985 is what tools write that know nothing.
    """
    found = [
        re.fullmatch(rb"(\d\d)\D(\d\d)\D(\d\d)", part) for part in (head[168:176], head[176:184])
    ]
    if not all(found):
        return None
    (day, month, year), of_day = (tuple(int(part) for part in f.groups()) for f in found)
    full = re.match(rb"Startdate \d\d-[A-Z]{3}-(\d{4})", head[88:168])
    year = int(full[1]) if full else year + (1900 if year >= 85 else 2000)
    try:
        started = datetime(year, month, day, *of_day)
    except ValueError:
        return None
    if (year, month, day) != (1985, 1, 1):
        return started
    return started.time() if started.time() != time() else None


def _onsets(path, head, layout):
    """(records,) s from the start, as an EDF+ file says them; None in a plain EDF."""
    interrupted = head[192:197] in (b"EDF+D", b"BDF+D")
    onsets_s = np.full(layout.n, np.nan)
    if layout.times_at is not None:
        with open(path, "rb") as file:
            for k in range(layout.n):
                file.seek(layout.data_at + k * layout.record_bytes + layout.times_at)
                if found := ONSET.match(file.read(32)):
                    onsets_s[k] = float(found[1])
    if np.isfinite(onsets_s).all():
        return onsets_s - onsets_s[0]
    if interrupted:
        raise BadInput(
            f"{path} is interrupted (EDF+D) and does not say when its data record "
            f"{np.flatnonzero(np.isnan(onsets_s))[0] + 1} begins: fetch it again"
        )
    return None


def _starts(onsets_s, record_s, fs_hz, size, path):
    """(records,) first samples, None where there is no gap; and the length with all gaps."""
    gaps_s = np.diff(onsets_s) - record_s
    follow = np.abs(gaps_s) <= 0.5 / fs_hz
    drift_s = np.abs(np.cumsum(np.where(follow, gaps_s, 0.0)))
    if len(drift_s) and drift_s.max() > MOST_DRIFT_S:
        raise BadInput(
            f"the times of {path} and its sampling rate differ by {drift_s.max():.1f} s in the "
            "end: one of them is wrong"
        )
    if follow.all():
        return None, len(onsets_s) * size
    wrong = np.flatnonzero((gaps_s < -0.5 / fs_hz) | (gaps_s > LONGEST_GAP_S))
    if len(wrong):
        k = wrong[0]
        raise BadInput(
            f"data record {k + 2} of {path} begins {onsets_s[k + 1] - onsets_s[k]:g} s after the "
            f"one before it, which is {record_s:g} s long: fetch it again, or cut the recording "
            "there"
        )
    starts = np.floor(onsets_s * fs_hz + 0.5).astype(np.int64)
    for k in np.flatnonzero(follow):  # rounding must not tear what belongs together
        starts[k + 1] = starts[k] + size
    return starts, int(starts[-1]) + size
