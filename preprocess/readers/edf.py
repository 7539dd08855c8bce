"""EDF, EDF+ and BDF recordings (edfplus.info): edfio reads the header. Samples are read here, part
by part, as edfio holds the whole of a BDF file in memory."""

import warnings
from contextlib import suppress
from datetime import date, datetime, time
from functools import partial
from pathlib import Path

import edfio
import numpy as np
import pandas as pd

from preprocess import BadInput
from preprocess.constants import LONGEST_GAP_S
from preprocess.readers.source import Source, mv_of, plain_names, read_leads

FORMATS = {b"0       ": (edfio.read_edf, 2), b"\xffBIOSEMI": (edfio.read_bdf, 3)}  # bytes a sample
UNKNOWN_DAY = date(1985, 1, 1)  # what recorders write that have no clock


def open_file(path: Path, asked, units=None) -> Source:
    """units: of a file that gives none. Raises BadInput where header and file do not agree."""
    edf, records, places, notes = _layout(path)
    signals = [each for each in edf._signals if not each._is_annotation_signal]
    leads, record_s = plain_names([s.label for s in signals]), edf.data_record_duration
    if not leads:
        raise BadInput(f"{path} holds no signal")
    sizes = [each.samples_per_data_record for each in signals]
    rates_hz = [size / record_s for size in sizes]
    mv = read_leads(leads, rates_hz, lambda k: _mv(signals[k], path, units), path, **asked)
    first = next(iter(mv))
    size, fs_hz = sizes[first], rates_hz[first]
    starts = np.arange(len(records)) * size
    if edf.reserved[3:5] == "+D":
        marks = [places[each] for each in edf._signals if each._is_annotation_signal]
        starts = _starts(records[:, marks[0]] if marks else records[:, :0], record_s, fs_hz, path)
    ends = [*(np.flatnonzero(np.diff(starts) != size) + 1), len(records)]  # of what has no gap

    def piece(at, first, last):
        first, last = at + first, at + last
        rows = records[first // size : -(-last // size)]
        values = np.empty((len(rows) * size, len(mv)))
        for column, k in enumerate(mv):
            physical = _physical(rows, signals[k], places[signals[k]])
            np.multiply(physical, mv[k], out=values[:, column])
        return values[first % size :][: last - first]

    pieces = [
        (int(starts[row]), (end - row) * size, partial(piece, row * size))
        for row, end in zip([0, *ends], ends)
    ]
    names, n = [leads[k] for k in mv], int(starts[-1]) + size
    return Source(path.stem, path, leads, names, fs_hz, n, pieces, _start(edf), notes)


def _layout(path):
    """edfio's header with one data record, all whole ones as (n, bytes), the bytes of each signal
    in one, and a note where header and file disagree."""
    with open(path, "rb") as file:
        head = file.read(256)
        if head[:8] not in FORMATS:
            raise BadInput(f"{path} cannot be read as EDF: its first bytes are not those of one")
        reader, width = FORMATS[head[:8]]
        try:
            fields = file.read(256 * int(head[252:256])).replace(b"\0", b" ")
            # of a day that is withheld there, the first field may tell
            head = head.replace(b"Startdate X", b" " * 11) + fields
            is_utf8 = fields.decode("utf-8", "ignore").encode() == fields  # µV, by some writers
            how = {"header_encoding": "utf-8" if is_utf8 else "latin-1"}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # these bytes are not the whole file
                edf = reader(head, **how)
                told = int(head[236:244])
                sizes = [width * each.samples_per_data_record for each in edf._signals]
                record = file.read(min(sum(sizes), path.stat().st_size))
                edf = reader(head + record, **how)
            fits = min(sizes) > 0 and edf.bytes_in_header_record == len(head)
            if not (fits and 0 < edf.data_record_duration < LONGEST_GAP_S):
                raise ValueError
        except Exception as error:  # whatever edfio or numpy did on a damaged header
            raise BadInput(f"{path} cannot be read as EDF by its header: fetch it again") from error
    n, rest = divmod(path.stat().st_size - len(head), sum(sizes))
    if n < 1:
        raise BadInput(f"{path} holds no signal: its first data record is not whole")
    said = (
        f"the header of {path} says {told} data records and the file holds "
        f"{n + rest / sum(sizes):.4g}: the {n} whole ones are read; is it cut?"
    )
    notes = [said] if rest or told not in (-1, n) else []  # -1: not known when it was written
    records = np.memmap(path, np.uint8, "r", len(head), (n, sum(sizes)))
    ends = np.cumsum(sizes)
    return edf, records, dict(zip(edf._signals, map(slice, ends - sizes, ends))), notes


def _physical(rows, signal, place):
    """(n,) samples of a signal of edfio, in its own unit, of data records."""
    stored = np.ascontiguousarray(rows[:, place])
    if signal._bytes_per_sample == 2:
        return signal._calibrate(stored.view("<i2").reshape(-1))
    # four bytes every third, of which the first is the one before the sample
    wide = np.ndarray(stored.size // 3, "<i4", np.pad(stored.reshape(-1), (1, 0)), strides=(3,))
    return signal._calibrate(wide >> 8)


def _starts(marks, record_s, fs_hz, path):
    """(n,) first samples of the data records of an interrupted EDF+, as their (n, bytes) marks say
    them."""
    texts = [mark.tobytes().partition(b"\x14")[0].decode("latin-1") for mark in marks]
    onsets_s = np.asarray(pd.to_numeric(texts, errors="coerce"), float)
    gaps_s = np.diff(onsets_s, prepend=onsets_s[0] - record_s) - record_s
    is_right = (gaps_s >= -0.5 / fs_hz) & (gaps_s <= LONGEST_GAP_S)
    if not is_right.all():
        k = np.argmin(is_right)
        raise BadInput(
            f"data record {k + 1} of {path} begins {gaps_s[k] + record_s:g} s after the one before "
            f"it, which is {record_s:g} s long: fetch it again, or cut the recording there"
        )
    return np.floor((onsets_s - onsets_s[0]) * fs_hz + 0.5).astype(np.int64)


def _start(edf):
    """When it began: a datetime, a time where the date is withheld, or None."""
    day = of_day = None
    with warnings.catch_warnings(), suppress(ValueError, IndexError):
        warnings.simplefilter("ignore")  # EDF+ has the year in full: that one counts
        of_day = edf.starttime
        day = edf.startdate
    if day in (None, UNKNOWN_DAY):
        return of_day if of_day != time() else None
    return datetime.combine(day, of_day)


def _mv(signal, path, units):
    """The size of a signal's physical unit."""
    unit, name = signal.physical_dimension, signal.label
    try:
        (low, high), (least, most) = signal.digital_range, signal.physical_range
    except (ValueError, OverflowError):
        low = high = least = most = 0
    if low >= high or not abs(most - least) > 0:
        raise BadInput(f"{path} gives {name} limits that cannot be: it cannot be turned into mV")
    mv = mv_of(unit or units or "", f"{name} of {path}")
    if units and mv_of(units, "--units") != mv:
        raise BadInput(f"--units says {units}, {name} of {path} {unit}: leave --units out")
    return mv
