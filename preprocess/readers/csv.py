"""CSV recordings: a row a sample, a column a lead, a column of times where there is one.

A file is read once, some MB at a time: every row must have the cells of the heading, every cell
must be a number or empty, and the times must go on evenly. Gaps in them are kept as gaps. What is
unclear is refused, with its line.
"""

import io
import re
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from preprocess import BadInput
from preprocess.readers.csv_layout import Layout, read_layout
from preprocess.readers.csv_times import Times
from preprocess.readers.headers import HIGHEST_HZ, LOWEST_HZ
from preprocess.readers.source import MV_OF_UNIT, Source, choose_lead, mv_of, plain_text

CHUNK_BYTES = 1 << 22
LONGEST_LINE = 1 << 16  # letters: a row is one sample of each lead
LARGEST = 1e30  # of what can be a number of a recording
HEAD_ROWS = 2000  # that tell the rate
# What stands for a missing sample, besides what pandas takes for one.
MISSING = ("-", "--", "?", "inf", "-inf", "+inf", "nil")
UNIT = re.compile(r"[\s_]*[\[(](mv|uv|µv|μv|nv|v)[\])]$|[\s_]+(mv|uv|µv|μv|nv)$", re.I)
# In brackets after a lead's name, and no voltage that can be read.
OTHER_UNIT = re.compile(
    r"[\[(]\s*(adu|adc|raw|counts?|lsb|digits?|units?|a\.?u\.?|\W*\d.*)\s*[\])]$", re.I
)


class CsvSource(Source):
    """Its column is copied once, as numbers, to a nameless temporary file that is read from."""

    values = None

    def read(self, start, end):
        self.values.seek(int(start) * 4)
        stored = self.values.read((int(end) - int(start)) * 4)
        return np.frombuffer(stored, np.float32).astype(float)


def open_csv(path: Path, lead, likely, fs_hz=None, units=None) -> CsvSource:
    """fs_hz, units: of a file that does not say. Raises BadInput where anything is unclear."""
    if not path.exists():
        raise BadInput(f"there is no recording {path}")
    with open(path, "rb") as file:
        layout = read_layout(file, path, LONGEST_LINE)
        begin = file.tell()
        head = _table(next(_chunks(file, path), b""), range(len(layout.names)), layout, path)
        head = {column: values[:HEAD_ROWS] for column, values in head.items()}

        times, (at_time, unit_s) = None, _clock(head, layout, fs_hz)
        if at_time is not None:
            times = Times(head[at_time] * unit_s, path)
        _check_rate(fs_hz, times, path)
        columns = [i for i in range(len(layout.names)) if i != layout.time_column()]
        if not columns:
            raise BadInput(f"{path} has a time column and no lead beside it")
        leads = [UNIT.sub("", layout.names[i]) or layout.names[i] for i in columns]
        chosen = choose_lead(leads, lead, path, likely)
        column = columns[chosen]
        _check_is_signal(head[column], layout.names[column], path)
        scale = mv_of(_unit(layout, column, units, path), path, leads[chosen])

        file.seek(begin)
        clock = None if times is None else (times, at_time, unit_s)
        values, n = _copy(file, layout, path, column, scale, clock)
    rate_hz = float(fs_hz or times.rate_hz())
    source = CsvSource(path.stem, path, leads, leads[chosen], rate_hz, n)
    source.values = values
    return source


def _unit(layout, column, units, path):
    """As the file says it, else as asked for, else mV."""
    name = layout.names[column]
    named = UNIT.search(name) or OTHER_UNIT.search(name)
    told = layout.units[column] or named and next(filter(None, named.groups())) or ""
    if told and units and mv_of(units, path, name) != MV_OF_UNIT.get(told.strip().lower()):
        raise BadInput(
            f"--units says {units}, column {plain_text(name)} of {path} {plain_text(told)}: leave "
            "--units out or correct the column's name"
        )
    return told or units or "mV"


def _check_rate(fs_hz, times, path):
    if fs_hz is None and times is None:
        raise BadInput(
            f"{path} does not say its sampling rate: give it in Hz with --fs, or add a column "
            "time_s"
        )
    if fs_hz is None and not LOWEST_HZ <= times.hz <= HIGHEST_HZ:
        raise BadInput(
            f"the times of {path} rise {times.hz:.5g} times a second; {LOWEST_HZ} to {HIGHEST_HZ} "
            "Hz can be screened: are they in ms? call the column time_ms"
        )
    if fs_hz and times and abs(fs_hz / times.hz - 1) > 0.01:
        raise BadInput(
            f"--fs says {fs_hz:g} Hz, the time column of {path} {times.hz:.5g} Hz: leave --fs out "
            "or correct it (are its times in ms? call it time_ms)"
        )


def _clock(head, layout, fs_hz):
    """The column that tells the time and its unit in s; (None, 0) where there is none.

    Where no name says so, a column that rises evenly is one, of times or of row numbers, whatever
    it is called: its holes are holes of the recording. Its unit then follows from the rate.
    """
    if (named := layout.time_column()) is not None:
        return named, layout.unit_s(named)
    for column, values in head.items():
        if fs_hz and len(head) > 1 and (step := _even_step(values)):
            return column, 1 / (fs_hz * step)
    return None, 0.0


def _even_step(values):
    """By how much nearly every value (n,) is above the one before it; 0 where that is not so."""
    steps = np.diff(values[np.isfinite(values)])
    step = float(np.median(steps)) if len(steps) > 10 else 0.0
    even = np.abs(steps - step) <= 0.01 * step
    return step if step > 0 and even.mean() > 0.9 else 0.0


def _check_is_signal(values, name, path):
    """A column that rises evenly is one of times or row numbers."""
    if _even_step(values):
        raise BadInput(
            f"column {name} of {path} rises evenly: if it is time, call it time_s or time_ms; "
            "choose another column with --lead"
        )


def _copy(file, layout, path, column, scale, clock):
    """The column in mV as float32 in a temporary file, NaN in the gaps; and its samples.

    clock: None, or Times with their column and its unit in s.
    """
    copy, n, line = tempfile.TemporaryFile(), 0, layout.skip
    times, at_time, unit_s = clock or (None, None, 0.0)
    wanted = [column] if times is None else [column, at_time]
    for rows in _chunks(file, path):
        table = _table(rows, wanted, layout, path, line)
        values = table[column].astype(np.float32) * np.float32(scale)
        line += len(values)
        if times is not None:
            seconds = table[at_time] * unit_s
            values = times.spread(values, seconds, line - len(values))
        copy.write(values.tobytes())
        n += len(values)
    return copy, n


def _chunks(file, path):
    """Whole lines without the last one's end; blank lines at the end of the file left out."""
    left, first = b"", True
    while part := file.read(CHUNK_BYTES):
        left += part
        whole = len(left[: left.rfind(b"\n") + 1].rstrip(b"\r\n"))
        if whole:
            yield left[:whole] if first else _without_line_end(left[:whole])
            left, first = left[whole:], False
        elif len(left) > LONGEST_LINE + CHUNK_BYTES:
            raise BadInput(f"{path} has a line of more than {LONGEST_LINE} letters: is it damaged?")
    if left.strip():
        yield left.rstrip() if first else _without_line_end(left.rstrip())


def _without_line_end(rows):
    return rows[1 + rows.startswith(b"\r\n") :]


def _table(rows, columns, layout: Layout, path, line=None):
    """{column: (n,) float64, NaN where a cell is empty}; line: of the file, before the first."""
    line = layout.skip if line is None else line
    rows = _checked_rows(rows, layout, path, line)
    options = {
        "sep": layout.separator,
        "decimal": layout.decimal,
        "header": None,
        "names": list(range(len(layout.names))),
        "usecols": list(columns),
        "quoting": 3,  # quotes are gone
        "skip_blank_lines": False,
        "skipinitialspace": True,
        "na_values": list(MISSING),
    }
    count = rows.count(b"\n") + 1
    try:
        table = pd.read_csv(io.BytesIO(rows), dtype=np.float64, **options)
    except (ValueError, OverflowError):
        raise _no_number(rows, columns, layout, path, line, options) from None
    if len(table) != count:
        raise BadInput(f"{path} cannot be read as CSV near line {line + 1}: is it damaged?")
    values = table.to_numpy(np.float64)
    values = np.where(np.abs(values) < LARGEST, values, np.nan)
    return {column: values[:, k] for k, column in enumerate(table.columns)}


def _checked_rows(rows, layout, path, line):
    """Rows without quotes. Raises BadInput where one has not the cells of the first line."""
    if b"\0" in rows or rows.count(b"\r") != rows.count(b"\r\n"):
        raise BadInput(f"{path} is not a text file with a row in each line, near line {line + 1}")
    letters = np.frombuffer(rows, np.uint8)
    ends = np.append(np.flatnonzero(letters == ord("\n")), len(letters))
    if b'"' in rows:
        quotes = np.searchsorted(np.flatnonzero(letters == ord('"')), ends)
        odd = np.flatnonzero(np.diff(quotes, prepend=0) % 2)
        if len(odd):
            raise BadInput(f"line {line + odd[0] + 1} of {path} has a quote without its pair")
        return _checked_rows(rows.replace(b'"', b""), layout, path, line)
    separators = np.flatnonzero(letters == ord(layout.separator))
    cells = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
    wrong = np.flatnonzero(cells != len(layout.names))
    if layout.separator != "\n" and len(wrong):
        raise BadInput(
            f"line {line + wrong[0] + 1} of {path} has {cells[wrong[0]]} cells and its first line "
            f"{len(layout.names)}: is it damaged? (decimal commas need ; between columns)"
        )
    return rows


def _no_number(rows, columns, layout, path, line, options):
    """The sentence about the first cell that is no number."""
    table = pd.read_csv(io.BytesIO(rows), dtype=str, encoding="latin-1", **options)
    table = table.apply(lambda text: text.str.strip())
    if layout.decimal == ",":
        table = table.apply(lambda text: text.str.replace(",", ".", regex=False))
    wrong = table.notna() & table.apply(pd.to_numeric, errors="coerce").isna()
    wrong &= ~table.isin(["", *MISSING])
    row, column = next(zip(*np.nonzero(wrong.to_numpy())), (0, 0))
    return BadInput(
        f"line {line + row + 1} of {path} has {str(table.iat[row, column])[:20]!r} where a number "
        "is due: correct it, or leave the cell empty"
    )
