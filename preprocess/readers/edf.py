"""EDF, EDF+ and BDF recordings (edfplus.info): edfio reads the header. Samples are read here, part
by part, as edfio holds the whole of a BDF file in memory."""

import re
import warnings
from datetime import date, datetime, time
from pathlib import Path

import edfio
import numpy as np

from preprocess import BadInput
from preprocess.constants import LONGEST_GAP_S
from preprocess.readers.source import Source, choose_leads, mv_of, plain_text, read_together

FORMATS = {b"0       ": (edfio.read_edf, 2), b"\xffBIOSEMI": (edfio.read_bdf, 3)}  # bytes a sample
UNKNOWN_DAY = date(1985, 1, 1)  # what recorders write that have no clock
ONSET = re.compile(rb"([+-]\d{1,9}(?:\.\d{1,9})?)\x14")


class EdfSource(Source):
    """layout: of the file; signals: of edfio, mv: sizes of their units, of the leads that are read;
    starts: (records,) first sample of each data record."""

    layout: "Layout"
    signals: list
    mv: list
    starts: np.ndarray

    def read(self, start, end):
        first = max(0, np.searchsorted(self.starts, start, "right") - 1)
        last = np.searchsorted(self.starts, end, "left")
        rows = self.layout.rows(int(first), int(last))
        columns = zip(self.signals, self.mv)
        stored = np.array([self.layout.physical(rows, each) * mv for each, mv in columns]).T
        size, begin = len(stored) // (last - first), self.starts[first]
        if self.starts[last - 1] + size - begin == len(stored) and end - begin <= len(stored):
            return stored[start - begin : end - begin]
        at = np.add.outer(self.starts[first:last], np.arange(size)).reshape(-1) - start
        inside = (at >= 0) & (at < end - start)
        values = np.full((end - start, len(self.signals)), np.nan)
        values[at[inside]] = stored[inside]
        return values


class Layout:
    """head: the header's bytes; record_bytes: of a data record; n: how many are whole."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.head = file.read(256)
            if self.head[:8] not in FORMATS:
                raise BadInput(
                    f"{path} cannot be read as EDF: its first bytes are not those of one"
                )
            reader, width = FORMATS[self.head[:8]]
            try:
                told, count = int(self.head[236:244]), int(self.head[252:256])
                fields = file.read(256 * count).replace(b"\0", b" ")
                sizes = [int(fields[216 * count + 8 * k :][:8]) for k in range(count)]
                if min(sizes) < 1 or not 0 < float(self.head[244:252]) < LONGEST_GAP_S:
                    raise ValueError("numbers that cannot be")
                # of a day that is withheld there, the first field may tell
                self.head = self.head.replace(b"Startdate X", b" " * 11) + fields
                self.record_bytes = width * sum(sizes)
                self.n, rest = divmod(path.stat().st_size - len(self.head), self.record_bytes)
                stored = self.head + self.rows(0, min(1, self.n)).tobytes()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # these bytes are not the whole file
                    self.first = reader(stored, header_encoding="latin-1")
                places = width * np.cumsum([0, *sizes])
                self.at = dict(zip(map(id, self.first._signals), zip(places, places[1:])))
                if self.first.bytes_in_header_record != len(self.head):
                    raise ValueError("another length than it has")
            except (ValueError, OverflowError) as error:
                raise BadInput(
                    f"{path} cannot be read as EDF: its header holds {plain_text(str(error))[:80]};"
                    " fetch it again"
                ) from error
        if self.n < 1:
            raise BadInput(f"{path} holds no signal: its first data record is not whole")
        self.notes = []
        if rest or told not in (-1, self.n):  # -1 is what recorders write that do not know it yet
            said = f"{told} data records" if told != -1 else "nothing of its length"
            self.notes = [
                f"the header of {path} says {said} and the file holds "
                f"{self.n + rest / self.record_bytes:.4g}: the {self.n} whole ones are read; is it "
                "cut?"
            ]

    def rows(self, first, last):
        """Data records first to last as (records, record_bytes)."""
        at, count = len(self.head) + first * self.record_bytes, (last - first) * self.record_bytes
        return np.fromfile(self.path, np.uint8, count, offset=at).reshape(-1, self.record_bytes)

    def physical(self, rows, signal):
        """(n,) samples of a signal of edfio, in its own unit."""
        stored = rows[:, slice(*self.at[id(signal)])]
        if isinstance(signal, edfio.BdfSignal):
            wide = np.zeros((stored.size // 3, 4), np.uint8)
            wide[:, 1:] = stored.reshape(-1, 3)
            digital = wide.view("<i4")[:, 0] >> 8
        else:
            digital = np.ascontiguousarray(stored).view("<i2").reshape(-1)
        (low, high), (least, most) = signal.digital_range, signal.physical_range
        return least + (digital - float(low)) * ((most - least) / (high - low))

    def starts(self, record_s, fs_hz):
        """(records,) first samples, as an interrupted EDF+ says them."""
        marks = [each for each in self.first._signals if each._is_annotation_signal]
        place = len(self.head) + (int(self.at[id(marks[0])][0]) if marks else 0)
        onsets_s = np.full(self.n, np.nan)
        with open(self.path, "rb") as file:
            for k in range(self.n):
                file.seek(place + k * self.record_bytes)
                if found := ONSET.match(file.read(32)):
                    onsets_s[k] = float(found[1])
        gaps_s = np.diff(onsets_s) - record_s
        is_right = (gaps_s >= -0.5 / fs_hz) & (gaps_s <= LONGEST_GAP_S)
        if not is_right.all():
            k = np.argmin(is_right)
            raise BadInput(
                f"data record {k + 2} of {self.path} begins {gaps_s[k] + record_s:g} s after the "
                f"one before it, which is {record_s:g} s long: fetch it again, or cut the recording"
                " there"
            )
        return np.floor((onsets_s - onsets_s[0]) * fs_hz + 0.5).astype(np.int64)

    def start(self):
        """When it began: a datetime, a time where the date is withheld, or None."""
        found = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # EDF+ has the year in full: that one counts
            for name in ("starttime", "startdate"):
                try:
                    found.append(getattr(self.first, name))
                except (ValueError, IndexError):
                    found.append(None)
        of_day, day = found
        if day == UNKNOWN_DAY:
            return of_day if of_day != time() else None
        return datetime.combine(day, of_day) if day and of_day else of_day


def open_edf(path: Path, lead, likely, most, units=None) -> EdfSource:
    """units: of a file that gives none. Raises BadInput where header and file do not agree."""
    layout = Layout(path)
    signals, record_s = layout.first.signals, layout.first.data_record_duration
    leads = [signal.label for signal in signals]
    if not leads:
        raise BadInput(f"{path} holds no signal")
    sizes = [signal.samples_per_data_record for signal in signals]
    rates_hz = [size / record_s for size in sizes]
    chosen = choose_leads(leads, lead, path, likely)
    size_mv = lambda k: _mv(signals[k], path, units)
    mv = read_together(chosen, rates_hz, size_mv, lead, path, most)
    size, fs_hz = sizes[chosen[0]], rates_hz[chosen[0]]
    starts = np.arange(layout.n) * size
    if layout.first.reserved.endswith("+D"):
        starts = layout.starts(record_s, fs_hz)
    names = [leads[k] for k in mv]
    source = EdfSource(path.stem, path, leads, names, fs_hz, int(starts[-1]) + size)
    source.signals, source.mv = [signals[k] for k in mv], list(mv.values())
    source.layout, source.starts = layout, starts
    source.start, source.notes = layout.start(), layout.notes
    return source


def _mv(signal, path, units):
    """The size of a signal's physical unit."""
    unit = signal.physical_dimension
    try:
        (low, high), (least, most) = signal.digital_range, signal.physical_range
    except (ValueError, OverflowError):
        low = high = least = most = 0
    if low >= high or not abs(most - least) > 0:
        raise BadInput(
            f"{path} gives {signal.label} limits that cannot be: it cannot be turned into mV"
        )
    mv = mv_of(unit or units or "", path, signal.label)
    if units and mv_of(units, path, signal.label) != mv:
        raise BadInput(f"--units says {units}, {signal.label} of {path} {unit}: leave --units out")
    return mv
