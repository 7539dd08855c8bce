"""EDF, EDF+ and BDF recordings (edfplus.info): edfio reads the header. Samples are read here, part
by part, as edfio holds the whole of a BDF file in memory."""

import re
import warnings
from datetime import date, datetime, time
from itertools import repeat
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
    """signals: of edfio, of the leads that are read; mv: size of each one's unit; places: byte in a
    data record where its samples are; width: bytes of a sample; data_at: byte of the first data
    record; record_bytes: of each; starts: (records,) first sample of each data record, None where
    they follow each other."""

    signals: list
    mv: list
    places: list
    width: int
    data_at: int
    record_bytes: int
    starts = None

    def read(self, start, end):
        size = self.signals[0].samples_per_data_record
        if self.starts is None:
            first, last = start // size, -(-end // size)
            return self._records(first, last)[start - first * size : end - first * size]
        values = np.full((end - start, len(self.signals)), np.nan)
        first = max(0, np.searchsorted(self.starts, start, "right") - 1)
        last = np.searchsorted(self.starts, end, "left")
        at = np.add.outer(self.starts[first:last], np.arange(size)).reshape(-1) - start
        inside = (at >= 0) & (at < len(values))
        values[at[inside]] = self._records(first, last)[inside]
        return values

    def _records(self, first, last):
        """Samples (n, leads) in mV of data records first to last."""
        with open(self.path, "rb") as file:
            file.seek(self.data_at + int(first) * self.record_bytes)
            stored = file.read(int(last - first) * self.record_bytes)
        rows = np.frombuffer(stored, np.uint8).reshape(last - first, self.record_bytes)
        return np.stack(list(map(self._in_mv, repeat(rows), self.signals, self.places, self.mv)), 1)

    def _in_mv(self, rows, signal, place, mv):
        rows = rows[:, place : place + self.width * signal.samples_per_data_record]
        if self.width == 2:
            digital = np.ascontiguousarray(rows).view("<i2").reshape(-1)
        else:
            wide = np.zeros((rows.size // 3, 4), np.uint8)
            wide[:, 1:] = rows.reshape(-1, 3)
            digital = wide.view("<i4")[:, 0] >> 8
        step = (signal.physical_max - signal.physical_min) / (
            signal.digital_max - signal.digital_min
        )
        return (signal.physical_min + (digital - float(signal.digital_min)) * step) * mv


def open_edf(path: Path, lead, likely, most, units=None) -> EdfSource:
    """units: of a file that gives none. Raises BadInput where header and file do not agree."""
    edf, width, told = _read_header(path)
    leads = [signal.label for signal in edf.signals]
    if not leads:
        raise BadInput(f"{path} holds no signal")
    record_s = edf.data_record_duration
    rates_hz = [signal.samples_per_data_record / record_s for signal in edf.signals]
    dimensions = [signal.physical_dimension for signal in edf.signals]
    chosen = choose_leads(leads, lead, path, likely)
    chosen = read_together(chosen, rates_hz, dimensions, lead, path, most)
    signals = [edf.signals[k] for k in chosen]
    mv = [_scale(signal, path, units) for signal in signals]
    size = signals[0].samples_per_data_record
    places = np.cumsum([0] + [width * each.samples_per_data_record for each in edf._signals])
    data_at, record_bytes = edf.bytes_in_header_record, int(places[-1])
    n, notes = _records(path, data_at, record_bytes, told)
    names = [leads[k] for k in chosen]
    source = EdfSource(path.stem, path, leads, names, size / record_s, n * size)
    source.signals, source.mv, source.width = signals, mv, width
    source.data_at, source.record_bytes = data_at, record_bytes
    at = {id(signal): int(place) for signal, place in zip(edf._signals, places)}
    source.places = [at[id(signal)] for signal in signals]
    source.start, source.notes = _start(edf), notes
    if edf.reserved.endswith("+D"):
        marks = [each._is_annotation_signal for each in edf._signals]
        times_at = int(places[marks.index(True)]) if True in marks else 0
        places = [data_at + k * record_bytes + times_at for k in range(n)]
        source.starts = _starts(path, places, record_s, source.fs_hz)
        source.n = int(source.starts[-1]) + size
    return source


def _read_header(path):
    """edfio's view of the header and the first data record; bytes a sample; and how many data
    records the header tells of."""
    with open(path, "rb") as file:
        head = file.read(256)
        if head[:8] not in FORMATS:
            raise BadInput(f"{path} cannot be read as EDF: its first bytes are not those of one")
        reader, width = FORMATS[head[:8]]
        try:
            told, record_s, count = int(head[236:244]), float(head[244:252]), int(head[252:256])
            fields = file.read(256 * count).replace(b"\0", b" ")
            sizes = [int(fields[216 * count + 8 * k :][:8]) for k in range(count)]
            if not sizes or min(sizes) < 1 or not 0 < record_s < LONGEST_GAP_S:
                raise ValueError("numbers that cannot be")
            # of a day that is withheld there, the first field may tell
            head = head.replace(b"Startdate X", b" " * 11) + fields
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # these bytes are not the whole file
                first = file.read(sum(sizes) * width)
                edf = reader(head + first, header_encoding="latin-1")
            if edf.bytes_in_header_record != len(head):
                raise ValueError("another length than it has")
        except (ValueError, OverflowError) as error:
            raise BadInput(
                f"{path} cannot be read as EDF: its header holds {plain_text(str(error))[:80]}; "
                "fetch it again"
            ) from error
    return edf, width, told


def _records(path, data_at, record_bytes, told):
    """Whole data records of a file, and a sentence where its header says another number; -1 is
    what recorders write that do not know it yet."""
    n, rest = divmod(path.stat().st_size - data_at, record_bytes)
    if n < 1:
        raise BadInput(f"{path} holds no signal: its first data record is not whole")
    if told in (-1, n) and not rest:
        return n, []
    said = f"{told} data records" if told != -1 else "nothing of its length"
    return n, [
        f"the header of {path} says {said} and the file holds {n + rest / record_bytes:.4g}: the "
        f"{n} whole ones are read; is it cut?"
    ]


def _scale(signal, path, units):
    """A physical unit in mV."""
    try:
        (low, high), (least, most) = signal.digital_range, signal.physical_range
    except (ValueError, OverflowError):
        low = high = least = most = 0
    if low >= high or not abs(most - least) > 0:
        raise BadInput(
            f"{path} gives {signal.label} limits that cannot be: it cannot be turned into mV"
        )
    unit = signal.physical_dimension
    mv = mv_of(unit or units or "", path, signal.label)
    if units and mv_of(units, path, signal.label) != mv:
        raise BadInput(f"--units says {units}, {signal.label} of {path} {unit}: leave --units out")
    return mv


def _start(edf):
    """When the recording began: a datetime, a time where the date is withheld, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # EDF+ has the year in full: that one counts
        try:
            of_day = edf.starttime
        except (ValueError, IndexError):
            return None
        try:
            day = edf.startdate
        except (ValueError, IndexError):
            return of_day
    if day == UNKNOWN_DAY:
        return of_day if of_day != time() else None
    return datetime.combine(day, of_day)


def _starts(path, places, record_s, fs_hz):
    """(records,) first samples, as an interrupted EDF+ says them. places: bytes where."""
    onsets_s = np.full(len(places), np.nan)
    with open(path, "rb") as file:
        for k, place in enumerate(places):
            file.seek(place)
            if found := ONSET.match(file.read(32)):
                onsets_s[k] = float(found[1])
    gaps_s = np.diff(onsets_s) - record_s
    is_right = (gaps_s >= -0.5 / fs_hz) & (gaps_s <= LONGEST_GAP_S)
    if not is_right.all():
        k = np.argmin(is_right)
        raise BadInput(
            f"data record {k + 2} of {path} begins {gaps_s[k] + record_s:g} s after the one before "
            f"it, which is {record_s:g} s long: fetch it again, or cut the recording there"
        )
    return np.floor((onsets_s - onsets_s[0]) * fs_hz + 0.5).astype(np.int64)
