"""Text recordings: a row a sample, a column a lead, a column of times or row numbers where there is
one; before them the lines that a device writes, of which DEVICES says what is where.

A file is read once, some MB at a time. Gaps that times or row numbers show are kept as gaps. What
is unclear is refused, with its line.
"""

import codecs
import io
import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

import numpy as np
import pandas as pd

from preprocess import BadInput
from preprocess.readers.clock import HEAD_ROWS, SECONDS, TOLD_TOLERANCE, choose_clock, start_of
from preprocess.readers.source import LOWEST_HZ, MV_OF_UNIT, Source, choose_lead, mv_of, plain_text

CHUNK_BYTES = 1 << 22
LONGEST_LINE = 1 << 16  # letters: a row is one sample of each lead
HEAD_BYTES = 1 << 18  # that tell the layout
MOST_COLUMNS = 1000
LARGEST = 1e30  # of what can be a number of a recording
MISSING = ("", "-", "--", "?", "nan", "na", "n/a", "none", "null", "nil", "inf", "-inf", "+inf")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.A)
DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?", re.A)
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}([.,]\d{3})+")
QUOTED = re.compile(r'"([^"\n]*)"')
UNIT = re.compile(
    r"[\s_]*[\[(]([^\[\]()]*)[\])]\s*$|[\s_]+([mnuµμ]v|microvolts?|millivolts?|volts?)\s*$", re.I
)
UNITS_ROW = re.compile(
    r"[\[('\"]*([mnuµμ]?v(olts?)?|[mnuµμ]?s(ec(onds?)?)?|seconds|(no_?)?units?|n/?a|adu|counts?|cal|raw"
    r"|h+:mm:ss.*|bpm|%|mmhg|g|)[\])'\"]*",
    re.I,
)
COUNTS = re.compile(r"\W*(adu|adc|raw|counts?|lsb|digits?|(no_?)?units?|a\.?u\.?|bits?)\W*", re.I)
ECG_MV, WHOLE_ECG_MV, AMPLITUDE_S = (0.02, 20.0), 8.0, 10  # what 10 s of an ECG may span


@dataclass(frozen=True)
class Device:
    """What to look for in the lines before the first row: regular expressions, whose first group is
    what is meant. lead, unit: of the last columns, where there are several; columns: all names."""

    known_by: str
    rate: str = ""
    unit: str = ""
    lead: str = ""
    start: str = ""
    columns: str = ""


DEVICES = {
    "watch": Device(
        known_by=r"^(Classification|Klassifizierung|Symptoms)[,;]",
        lead=r"^(?:Lead|Ableitung)[,;](?:Lead |Ableitung )?(.+)",
        start=r"^(?:Recorded Date|Aufzeichnungsdatum)[,;]\"?(.+?)\"?$",
    ),
    "OpenSignals": Device(
        known_by=r"OpenSignals",
        rate=r'"sampling rate": ([\d.]+)',
        lead=r'"sensor": \[(.*?)\]',
        start=r'(?=.*"date": "([-\d]+)")(?=.*"time": "([\d:.]+)")',
        columns=r'"column": \[(.*?)\]',
    ),
    "LabChart": Device(
        known_by=r"^Interval=",
        rate=r"^Interval=\s*(.+)",
        unit=r"^UnitName=\s*(.+)",
        lead=r"^ChannelTitle=\s*(.+)",
        start=r"^ExcelDateTime=\s*[\d.e+]+\s+(.+)",
    ),
    "AcqKnowledge": Device(
        known_by=r"^[\d.]+ m?sec/sample",
        rate=r"^([\d.]+ m?sec)/sample",
        lead=r"^1 channels?\n(.+)\n",
        unit=r"^1 channels?\n.+\n(.+)",
    ),
}
ANY_DEVICE = Device(
    known_by="",
    rate=r"(?i)^\W*(?:sampl\w*[ _]?(?:rate|freq\w*|interval)|fs|frequency|frequenz|abtastrate)\b"
    r"[^\d\n]{0,20}([\d.]+[ \t]*[a-z]*)|(?i:^[^\n\d]*[,;:=\t ]\"?([\d.,]+[ \t]?(?:hertz|hz))\b)",
    unit=r"(?i)^\W*(?:units?|einheit)\b\W+(\w+)",
    lead=r"(?i)^\W*(?:lead|ableitung)[,;:=\t ]+(.+)",
    start=r"(?i)^\W*(?:record\w*|start\w*|date|datum)[ _]?(?:date|time)?\b[^\d\n]{0,20}(\d.*)",
)


class CsvSource(Source):
    """Its column is copied once, as numbers, to a nameless temporary file that is read from."""

    values = None

    def read(self, start, end):
        self.values.seek(int(start) * 4)
        stored = self.values.read((int(end) - int(start)) * 4)
        return np.frombuffer(stored, np.float32).astype(float)


def open_csv(path: Path, lead, likely, fs_hz=None, units=None, gain=None, baseline=0) -> CsvSource:
    """fs_hz, units, gain (counts a mV), baseline: of a file that does not say. Raises BadInput
    where anything is unclear."""
    with open(path, "rb") as file:
        table = read_layout(file, path)
        told_hz = fs_hz or table.rate_hz
        if fs_hz and table.rate_hz and abs(fs_hz / table.rate_hz - 1) > TOLD_TOLERANCE:
            raise BadInput(
                f"--fs says {fs_hz:g} Hz, {path} itself {table.rate_hz:g} Hz: correct it"
            )
        head = {k: table.column(k) for k in range(len(table.names))}
        clock, clocks = choose_clock(head, table, told_hz)
        leads = [k for k in head if k not in clocks and _is_lead(head[k], k, table)]
        if not leads:
            raise BadInput(f"{path} has no column of numbers that could be a lead")
        names = [table.label(k) for k in leads]
        column = leads[choose_lead(names, lead, path, likely)]
        if told_hz is None and clock is None:
            raise BadInput(
                f"{path} does not say its sampling rate: give it in Hz with --fs, or add a column "
                "time_s"
            )
        name = table.label(column)
        mv, is_told = _scale(table, column, units, gain, path)
        values, n, span = _copy(file, table, column, clock, mv, baseline if gain else 0)
        if not is_told:
            _check_amplitude(span, name, path)
    rate_hz = float(told_hz or clock.rate_hz())
    source = CsvSource(path.stem, path, names, name, rate_hz, n)
    source.values = values
    source.start = table.start
    return source


# ------------------------------------------------------------------------------------- layout


@dataclass
class Table:
    """The layout of a file. skip: lines before the first row; rows: the first ones, as cells;
    names, units: a text a column; rate_hz, start: as the lines before the rows say."""

    path: Path
    encoding: str
    separator: str | None  # None: blanks
    decimal: str
    skip: int
    rows: list
    names: list
    units: list
    rate_hz: float | None = None
    start: datetime | time | None = None

    def column(self, k) -> pd.Series:
        return pd.Series([row[k] if k < len(row) else "" for row in self.rows], dtype=str)

    def numbers(self, cells) -> np.ndarray:
        """(n,) float64, NaN where a cell is none."""
        if self.decimal == ",":
            cells = cells.str.replace(",", ".", regex=False)
        values = pd.to_numeric(cells.str.strip(), errors="coerce").to_numpy(float)
        return np.where(np.abs(values) < LARGEST, values, np.nan)

    def label(self, k):
        """A column's name without its unit."""
        unit = self.unit(k)
        return (UNIT.sub("", self.names[k]) if unit else self.names[k]) or self.names[k]

    def unit(self, k):
        """As a row of units, or the column's name, says it."""
        found = UNIT.search(self.names[k])
        named = next(filter(None, found.groups()), "") if found else ""
        known = named.strip().lower() in MV_OF_UNIT or COUNTS.fullmatch(named)
        return self.units[k] or (named if known or re.search(r"\d", named) else "")


def read_layout(file, path) -> Table:
    """Of an open file, which is left at its first row."""
    stored = file.read(HEAD_BYTES)
    encoding = _encoding(stored)
    text = stored.decode(encoding, "ignore" if encoding != "latin-1" else "strict")
    lines = text.lstrip("\ufeff").split("\n")
    lines = lines[:-1] if len(stored) == HEAD_BYTES else lines
    if max(map(len, lines), default=LONGEST_LINE) >= LONGEST_LINE or not lines:
        raise BadInput(f"{path} has a line of more than {LONGEST_LINE} letters: is it a table?")
    if "\0" in text or any("\r" in line.rstrip("\r") for line in lines):
        raise BadInput(f"{path} is not a text file with a row in each line")
    lines = [line.rstrip("\r") for line in lines]
    while len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    tail = [line for line in lines[-50:] if line.strip() and not line.lstrip().startswith("#")]
    if not tail:
        raise BadInput(f"{path} holds no row of numbers")
    separator, width = _separator(lines, tail)
    split = lambda line: _split(line, separator)
    is_number = [
        np.mean([_is_number(row[k], separator) for row in map(split, tail) if k < len(row)]) > 0.5
        for k in range(width)
    ]
    is_empty = [all(row[k : k + 1] == [""] for row in map(split, tail)) for k in range(width)]
    is_row = lambda line: _is_row(split(line), is_number, is_empty, separator)
    first = [is_row(line) for line in lines[: HEAD_ROWS + 500]]
    skip = next((k for k in range(len(first)) if all(first[k : k + 3])), None)
    if skip is None or not any(is_number):
        raise BadInput(f"{path} holds no row of numbers: give a row a sample, a column a lead")
    if width > 1 and split(lines[skip])[0] == "" != split(lines[skip + 1])[0]:
        skip += 1  # AcqKnowledge's numbers of samples
    if width > MOST_COLUMNS:
        raise BadInput(f"{path} has {width} columns: give one row a sample, one column a lead")
    decimal = "."
    if separator != "," and any(DECIMAL_COMMA.fullmatch(c) for line in tail for c in split(line)):
        decimal = ","
    rows = [split(line) for line in lines[skip : skip + HEAD_ROWS] if line.strip()]
    names, units = _names(lines[:skip], separator, width)
    table = Table(path, encoding, separator, decimal, skip, rows, names, units)
    _told_by_device("\n".join(lines[:skip]), table)
    _check_thousands(rows, path)
    file.seek(0)
    return table


def _encoding(stored):
    if stored[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    try:
        stored[: len(stored) - 4].decode("utf-8")
    except UnicodeDecodeError as error:
        return "latin-1" if error.start < len(stored) - 8 else "utf-8"
    return "utf-8"


def _separator(lines, tail):
    """The sign between columns, None for blanks, and how many columns there are."""
    if found := re.match(r"\"?sep=(.|\t)", lines[0]):
        return found[1], Counter(len(_split(line, found[1])) for line in tail).most_common(1)[0][0]
    for separator in ("\t", ";", ",", None):
        widths = Counter(len(_split(line, separator)) for line in tail)
        width, often = widths.most_common(1)[0] if widths else (1, 0)
        if width > 1 and often >= 0.9 * len(tail):
            if separator == "," and width == 2 and _is_decimal(lines, tail):
                break
            return separator, width
    return ";", 1


def _is_decimal(lines, tail):
    """Whether "1,234" in each row is a number with a decimal comma, not two numbers."""
    rows = [line.strip() for line in tail]
    if not all(DECIMAL_COMMA.fullmatch(row) for row in rows):
        return False
    first = [line for line in lines if line.strip()][0]
    if not DECIMAL_COMMA.fullmatch(first.strip()):
        return "," not in lines[lines.index(first)]
    if any(re.match(r"-?\d*,0\d|-0,|-?,", row) for row in lines):
        return True
    raise BadInput(
        "the file has two whole numbers a row, or one with a decimal comma: write the names of its "
        "columns into a first line, or points for decimals"
    )


def _split(line, separator):
    if separator is None:
        return line.split()
    if '"' in line:
        inner = "." if separator == "," else " "
        line = QUOTED.sub(lambda quoted: quoted[1].replace(separator, inner), line)
    return [plain_text(cell).strip(" '\"") for cell in line.split(separator)]


def _is_number(cell, separator):
    return bool(NUMBER.fullmatch(cell) or separator != "," and DECIMAL_COMMA.fullmatch(cell))


def _is_row(cells, is_number, is_empty, separator):
    """Whether the columns of numbers hold some, and as many columns are there."""
    if len(cells) != len(is_number):
        return False
    if any(cell for cell, must in zip(cells, is_empty) if must):
        return False
    numbers = [cell for cell, must in zip(cells, is_number) if must]
    return any(_is_number(cell, separator) for cell in numbers) and all(
        _is_number(cell, separator) or cell.lower() in MISSING for cell in numbers
    )


def _names(lines, separator, width):
    """Of the columns, and their units, from the lines before the first row."""
    rows = []
    for line in reversed(lines):
        cells = _split(line.lstrip("# "), separator)
        while len(cells) > width and cells[-1] == "":
            cells.pop()
        if separator is None and len(cells) > width > 1:  # "Elapsed time", "sample #"
            cells = [" ".join(cells[: 1 - width]), *cells[1 - width :]]
        if len(cells) == width - 1 and (separator or all(map(UNITS_ROW.fullmatch, cells))):
            cells = ["", *cells]  # of row numbers, or of times
        if len(cells) != width or not any(cells) or cells[0].endswith("="):
            break
        rows.insert(0, cells)
    units = [""] * width
    if len(rows) > 1 and all(UNITS_ROW.fullmatch(cell) for cell in rows[-1]):
        units = [cell.strip("[]()") for cell in rows.pop()]
        units = ["" if unit.lower() in MISSING else unit for unit in units]
    # a device's name, or CAL, over each column is none of theirs
    rows = [row for row in rows if width == 1 or len({*row}) > 1]
    rows = [row for row in rows if not any(map(NUMBER.fullmatch, row))]
    names = rows[-1] if rows and (width > 1 or len(lines) < 3) else []
    return names or [f"column{k}" for k in range(width)], units


def _told_by_device(text, table):
    """Fills in what the lines before the first row say."""
    device = next((d for d in DEVICES.values() if re.search(d.known_by, text, re.M)), ANY_DEVICE)
    found = {}
    for field in ("rate", "unit", "lead", "start", "columns"):
        for pattern in (getattr(device, field), getattr(ANY_DEVICE, field)):
            match = re.search(pattern, text, re.M) if pattern and field not in found else None
            if match and any(match.groups()):
                found[field] = " ".join(filter(None, match.groups())).strip()
    listed = lambda field: [
        name.strip(' "') for name in re.split(r"\t|, ?", found.get(field, "")) if name.strip()
    ]
    columns = listed("columns")
    if columns and len(columns) in (len(table.names), len(table.names) - 1):
        table.names = [*columns, ""][: len(table.names)]
    at = max((k for k, name in enumerate(table.names, 1) if name), default=len(table.names))
    named = [not re.fullmatch(r"column\d+", name) for name in table.names]
    for k, lead in enumerate(reversed(listed("lead")[-at:]), 1):
        if columns or not named[at - k]:
            table.names[at - k] = f"{lead} {table.names[at - k]}" if named[at - k] else lead
    units = listed("unit")[-at:]
    for k, unit in enumerate(reversed(units if len(units) > 1 else units * at), 1):
        table.units[at - k] = table.units[at - k] or unit
    table.rate_hz = _rate_of(found.get("rate"))
    table.start = start_of(found.get("start"))


def _rate_of(text):
    """Hz of "512 hertz", "1 kHz", "4 ms" or "0.001 s"; None where there is none."""
    found = re.match(r"([\d.,]+)\s*([a-z]*)", text or "", re.I)
    if not found or not NUMBER.fullmatch(found[1].replace(",", ".")):
        return None
    value, unit = float(found[1].replace(",", ".")), found[2].lower()
    for words, unit_s in SECONDS.items():
        if value and re.fullmatch(words, unit):
            return round(1 / (value * unit_s), 6)
    return value * (1000 if unit == "khz" else 1) or None


def _check_thousands(rows, path):
    """1.234 beside 567 may be over a thousand and not decimals: who writes three decimals of
    every number does so of 0.567 as well."""
    for column in zip(*(row for row in rows[:200] if len(row) == len(rows[0]))):
        parted = [cell for cell in column if re.search("[.,]", cell)]
        whole = [cell for cell in column if re.fullmatch(r"[-+]?\d{2,3}", cell)]
        if parted and whole and all(THOUSANDS.fullmatch(cell) for cell in parted):
            raise BadInput(
                f"{path} has {parted[0]} beside {whole[0]}: a decimal sign, or one between "
                "thousands? Write the numbers without signs between thousands"
            )


# -------------------------------------------------------------------------------------- units


def _scale(table, column, units, gain, path):
    """A number's size in mV, and whether anybody said it."""
    name, unit = table.label(column), table.unit(column)
    if gain is not None:
        if units or unit.lower() in MV_OF_UNIT:
            raise BadInput(
                f"--gain is for counts, and {name} of {path} is in {units or unit}: leave it out"
            )
        return 1 / gain, True
    if COUNTS.fullmatch(unit) and not units:
        raise BadInput(
            f"{name} of {path} is in counts of a converter, no voltage: give --gain COUNTS_PER_MV "
            "(and --baseline COUNTS, what 0 mV is)"
        )
    told = "" if COUNTS.fullmatch(unit) else unit
    if told and units and mv_of(units, path, name) != MV_OF_UNIT.get(told.lower()):
        raise BadInput(
            f"--units says {units}, column {plain_text(name)} of {path} {plain_text(told)}: leave "
            "--units out or correct the column's name"
        )
    return mv_of(told or units or "mV", path, name), bool(told or units)


def _check_amplitude(spans, name, path):
    """Numbers without a unit are mV, if they can be. spans: (k, 2), how far pieces of some seconds
    go, and the share of whole numbers in them."""
    span_mv, whole = np.median(spans[:, 0]), spans[:, 1].min() == 1
    if not span_mv > 0:
        return  # flat: screening says so
    said = f"{name} of {path} spans {span_mv:.2g} in {AMPLITUDE_S} s without a unit: as mV that is"
    if whole and span_mv >= WHOLE_ECG_MV:
        raise BadInput(
            f"{said} no ECG, and they are whole numbers: give --gain COUNTS_PER_MV (and --baseline "
            "COUNTS) where they are counts of a converter, --units uV where they are uV"
        )
    if not ECG_MV[0] <= span_mv <= ECG_MV[1]:
        unit = "V" if span_mv < ECG_MV[0] else "uV"
        raise BadInput(f"{said} no ECG: give --units {unit} if they are {unit}")


# --------------------------------------------------------------------------------------- rows


def _is_lead(cells, k, table):
    """Whether the cells of a column are numbers, where there are any."""
    there = ~cells.str.lower().isin(MISSING)
    numbers = np.isfinite(table.numbers(cells))
    return bool(table.names[k]) and numbers.sum() >= 0.9 * there.sum()


def _copy(file, table, column, clock, mv, baseline):
    """The column in mV as float32 in a temporary file, NaN in the gaps; its samples; and (k, 2), of
    pieces of some seconds, how far they go and whether they are whole numbers."""
    copy, n, line, spans = tempfile.TemporaryFile(), 0, table.skip, []
    hz = clock.hz if clock else LOWEST_HZ * 4
    for rows in _chunks(file, table):
        cells = _cells(rows, column, clock, table, line)
        values = cells[column]
        spans.append(_spans(values, round(AMPLITUDE_S * hz)))
        values = (values.astype(np.float32) - np.float32(baseline)) * np.float32(mv)
        line += len(values)
        if clock is not None:
            values = clock.spread(values, cells[clock.column], line - len(values))
        copy.write(values.tobytes())
        n += len(values)
    return copy, n, np.concatenate(spans)


def _spans(values, size):
    values = values[np.isfinite(values)]
    size = max(1, min(size, len(values)))
    pieces = values[: len(values) // size * size].reshape(-1, size)
    whole = (pieces == np.round(pieces)).all(1) if len(pieces) else []
    return np.stack([np.ptp(pieces, 1) if len(pieces) else [], whole], 1)


def _chunks(file, table):
    """Whole rows as bytes, without what is before the first one or between them."""
    decoder = codecs.getincrementaldecoder("utf-16")() if table.encoding == "utf-16" else None
    left, skip = b"", table.skip
    while True:
        part = file.read(CHUNK_BYTES)
        left += decoder.decode(part).encode() if decoder else part
        left = left.removeprefix(codecs.BOM_UTF8)
        for _ in range(skip):
            left = left[left.index(b"\n") + 1 :]
        skip = 0
        whole = left.rfind(b"\n") + 1 if part else len(left)
        rows, left = left[:whole].replace(b"\r\n", b"\n"), left[whole:]
        if len(left) > LONGEST_LINE:
            raise BadInput(f"{table.path} has a line of more than {LONGEST_LINE} letters")
        if not part or not left.strip():
            rows = re.sub(rb"(\n[ \t]*)+$", b"", rows) + b"\n"
        if b"#" in rows:
            rows = re.sub(rb"[ \t,;]*#[^\n]*", b"", rows)
        if table.separator is None:
            rows = re.sub(rb"[ \t]+", b"\t", re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", rows))
        if len(table.names) > 1:
            rows = re.sub(rb"\n\s*\n", b"\n", rows).lstrip(b"\n")
        if rows.strip():
            yield rows.removesuffix(b"\n")
        if not part:
            return


def _cells(rows, column, clock, table, line):
    """{column: (n,)}: numbers, NaN where a cell is empty; texts of a clock of stamps. line: of the
    file, before the first row."""
    rows = _checked_rows(rows, table, line)
    wanted = sorted({column} | ({clock.column} if clock else set()))
    texts = [clock.column] if clock and clock.stamps else []
    options = {
        "sep": table.separator or "\t",
        "decimal": table.decimal,
        "header": None,
        "names": list(range(len(table.names))),
        "usecols": wanted,
        "quoting": 3,  # quotes are gone
        "skip_blank_lines": False,
        "skipinitialspace": True,
        "encoding": "latin-1",
    }
    types = {k: str if k in texts else np.float64 for k in wanted}
    try:
        read = pd.read_csv(io.BytesIO(rows), dtype=types, na_values=list(MISSING), **options)
    except (ValueError, OverflowError):
        raise _no_number(rows, options, table, line) from None
    if len(read) != rows.count(b"\n") + 1:
        raise BadInput(f"{table.path} cannot be read near line {line + 1}: is it damaged?")
    found = {}
    for k in wanted:
        values = read[k].to_numpy(object if k in texts else float)
        found[k] = values if k in texts else np.where(np.abs(values) < LARGEST, values, np.nan)
    return found


def _checked_rows(rows, table, line):
    """Rows without quotes. Raises BadInput where one has not the cells of the others."""
    separator = (table.separator or "\t").encode()
    if b"\0" in rows or b"\r" in rows:
        raise BadInput(
            f"{table.path} is not a text file with a row in each line, near line {line + 1}"
        )
    plain = rows.replace(b'"', b"")
    wrong, cells = _wrong_rows(plain, separator, len(table.names))
    if len(wrong) and len(plain) < len(rows):  # separators within quotes
        inner = b"." if separator == b"," else b" "
        pattern = QUOTED.pattern.encode()
        plain = re.sub(pattern, lambda quoted: quoted[1].replace(separator, inner), rows)
        wrong, cells = _wrong_rows(plain, separator, len(table.names))
    if len(wrong):
        raise BadInput(
            f"line {line + wrong[0] + 1} of {table.path} has {cells[wrong[0]]} cells and others "
            f"{len(table.names)}: is it damaged? (decimal commas need ; between columns)"
        )
    return plain


def _wrong_rows(rows, separator, width):
    """Rows that have not `width` cells, and (n,) the cells of each."""
    letters = np.frombuffer(rows, np.uint8)
    ends = np.append(np.flatnonzero(letters == ord("\n")), len(letters))
    separators = np.flatnonzero(letters == ord(separator))
    cells = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
    return np.flatnonzero(cells != width), cells


def _no_number(rows, options, table, line):
    """The sentence about the first cell that is no number."""
    read = pd.read_csv(io.BytesIO(rows), dtype=str, keep_default_na=False, **options)
    for k, row in ((k, row) for row in range(len(read)) for k in read):
        cell = read.at[row, k].strip()
        if cell.lower() not in MISSING and not np.isfinite(table.numbers(pd.Series([cell])))[0]:
            return BadInput(
                f"line {line + row + 1} of {table.path} has {cell[:20]!r} where a number is due: "
                "correct it, or leave the cell empty"
            )
    return BadInput(f"{table.path} has cells that are no numbers near line {line + 1}")
