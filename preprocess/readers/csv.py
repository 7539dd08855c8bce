"""Text recordings: a row a sample, a column a lead, a column of times or row numbers where there is
one; before them the lines that a device writes, of which DEVICES says what is where.

pandas reads a file once, part by part. Gaps that times or row numbers show are kept as gaps.
"""

import codecs
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
from preprocess.readers.source import (
    MV_OF_UNIT,
    Source,
    choose_leads,
    mv_of,
    plain_text,
    read_together,
)

LINES_AT_ONCE = 200_000
HEAD_BYTES = 1 << 20  # that tell the layout
MOST_HEADER = 500  # lines before the first row
LONGEST_LINE = 1 << 16  # letters: a row is one sample of each lead
LARGEST = 1e30  # of what can be a number of a recording
MISSING = ["", "-", "--", "?", "nan", "na", "n/a", "none", "null", "nil", "inf", "-inf", "+inf"]
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.A | re.I)
DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+(e[-+]?\d+)?", re.A | re.I)
QUOTED = re.compile(r'"([^"]*)"')
UNIT = re.compile(
    r"[\s_]*[\[(]([^\[\]()]*)[\])]\s*$|[\s_]+([mnuµμ]v|microvolts?|millivolts?|volts?)\s*$", re.I
)
UNITS_ROW = re.compile(
    r"[\[(]*([mnuµμ]?v(olts?)?|[mnuµμ]?s(ec(onds?)?)?|(no_?)?units?|n/?a|adu|counts?|cal|raw"
    r"|h+:mm:ss.*|bpm|%|mmhg|g|)[\])]*",
    re.I,
)
COUNTS = re.compile(r"\W*(adu|adc|raw|counts?|lsb|digits?|(no_?)?units?|a\.?u\.?|bits?)\W*", re.I)
ECG_MV, WHOLE_ECG_MV, PIECE = (0.02, 20.0), 8.0, 2000  # what so many samples of an ECG may span


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
}
ANY_DEVICE = Device(
    known_by="",
    rate=r"(?i)^\W*(?:sampl\w*[ _]?(?:rate|freq\w*|interval)|fs|frequency|frequenz|abtastrate)\b"
    r"[^\d\n]{0,20}([\d.]+[ \t]*[a-z]*)|(?i:^[^\n\d]*[,;:=\t ]\"?([\d.,]+[ \t]?(?:hertz|hz))\b)",
    unit=r"(?i)^\W*(?:units?|einheit)\b\W+(\w+)",
    lead=r"(?i)^\W*(?:lead|ableitung)[,;:=\t ]+(?:lead |ableitung )?(.+)",
    start=r"(?i)^\W*(?:record\w*|start\w*|date|datum)[ _]?(?:date|time)?\b[^\d\n]{0,20}(\d.*)",
)


class CsvSource(Source):
    """Its columns are copied once, as numbers, to a nameless temporary file that is read from."""

    values = None

    def read(self, start, end):
        row = 4 * len(self.screened)
        self.values.seek(int(start) * row)
        stored = self.values.read((int(end) - int(start)) * row)
        return np.frombuffer(stored, np.float32).reshape(-1, len(self.screened)).astype(float)


def open_csv(
    path: Path, lead, likely, most, fs_hz=None, units=None, gain=None, baseline=0
) -> CsvSource:
    """fs_hz, units, gain (counts a mV), baseline: of a file that does not say. Raises BadInput
    where anything is unclear."""
    table = read_layout(path)
    told_hz = fs_hz or table.rate_hz
    if fs_hz and table.rate_hz and abs(fs_hz / table.rate_hz - 1) > TOLD_TOLERANCE:
        raise BadInput(f"--fs says {fs_hz:g} Hz, {path} itself {table.rate_hz:g} Hz: correct it")
    clock, clocks = choose_clock(table, told_hz)
    leads = [k for k in range(len(table.names)) if k not in clocks and table.is_lead(k)]
    if not leads:
        raise BadInput(f"{path} has no column of numbers that could be a lead")
    names = [table.label(k) for k in leads]
    chosen = choose_leads(names, lead, path, likely)
    told = [table.unit(k) or "mV" for k in leads]
    chosen = read_together(chosen, [told_hz] * len(leads), told, lead, path, most)
    columns = [leads[k] for k in chosen]
    if told_hz is None and clock is None:
        raise BadInput(
            f"{path} does not say its sampling rate: give it in Hz with --fs, or add a column "
            "time_s"
        )
    scales = [_scale(table, column, units, gain) for column in columns]
    mv = np.array([mv for mv, _ in scales])
    values, n, span_mv, whole = _copy(table, columns, clock, mv, baseline if gain else 0)
    screened = [names[k] for k in chosen]
    for k, (_, is_told) in enumerate(scales):
        if not is_told:
            _check_amplitude(span_mv[k], whole[k], screened[k], path)
    source = CsvSource(path.stem, path, names, screened, float(told_hz or clock.rate_hz()), n)
    source.values, source.start = values, table.start
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
        """Its first cells."""
        return pd.Series([row[k] if k < len(row) else "" for row in self.rows], dtype=str)

    def numbers(self, cells) -> np.ndarray:
        """(n,) float64, NaN where a cell is none."""
        if cells.dtype.kind not in "fiu":
            cells = cells.astype(str).str.strip(" '\"")
            cells = cells.str.replace(",", ".", regex=False) if self.decimal == "," else cells
            cells = pd.to_numeric(cells, errors="coerce")
        values = cells.to_numpy(float)
        return np.where(np.abs(values) < LARGEST, values, np.nan)

    def is_lead(self, k):
        """Whether a column with a name holds numbers, where it holds anything."""
        cells = self.column(k)
        there = ~cells.str.lower().isin(MISSING)
        return self.names[k] and np.isfinite(self.numbers(cells)).sum() >= 0.9 * there.sum()

    def label(self, k):
        """A column's name without its unit."""
        return (UNIT.sub("", self.names[k]) if self.unit(k) else "") or self.names[k]

    def unit(self, k):
        """As a row of units, or the column's name, says it."""
        found = UNIT.search(self.names[k])
        named = next(filter(None, found.groups()), "") if found else ""
        known = named.strip().lower() in MV_OF_UNIT or COUNTS.fullmatch(named)
        return self.units[k] or (named if known or re.search(r"\d", named) else "")

    def parts(self, columns):
        """The rows of these columns, some at a time, as DataFrames."""
        how = {
            "sep": self.separator or r"\s+",
            "decimal": self.decimal,
            "header": None,
            "names": list(range(len(self.names))),
            "usecols": sorted(columns),
            "comment": "#",
            "skip_blank_lines": len(self.names) > 1,
            "skipinitialspace": True,
            "na_values": MISSING,
            "low_memory": False,
        }
        with open(self.path, encoding=self.encoding, errors="replace") as file:
            for _ in range(self.skip):
                file.readline()
            try:
                yield from pd.read_csv(file, chunksize=LINES_AT_ONCE, **how)
            except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
                raise BadInput(f"{self.path} cannot be read ({plain_text(str(error))})") from error


def read_layout(path) -> Table:
    """What the first bytes of a file show. Raises BadInput where that is no table."""
    with open(path, "rb") as file:
        stored = file.read(HEAD_BYTES)
    encoding = _encoding(stored)
    lines = re.split("\r\n|\r|\n", stored.decode(encoding, "ignore"))
    if len(stored) == HEAD_BYTES:
        lines.pop()
    if max(map(len, lines), default=0) >= LONGEST_LINE:
        raise BadInput(f"{path} has a line of more than {LONGEST_LINE} letters: is it a table?")
    rows = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    separator, width = _separator(lines, rows[-50:])
    split = lambda line: _split(line, separator)
    tail = [cells for cells in map(split, rows[-50:]) if len(cells) >= width]
    columns = list(zip(*tail))[:width]
    is_number = [np.mean([_is_number(cell, separator) for cell in c]) > 0.5 for c in columns]

    def is_row(line):
        cells = split(line)
        if len(cells) != width:
            return False
        numbers = [cell for cell, must in zip(cells, is_number) if must]
        return any(_is_number(cell, separator) for cell in numbers) and all(
            _is_number(cell, separator) or cell.lower() in MISSING for cell in numbers
        )

    first = [is_row(line) for line in lines[:MOST_HEADER]]
    skip = next((k for k in range(len(first)) if all(first[k : k + 3])), None)
    if skip is None:
        raise BadInput(f"{path} holds no row of numbers: give a row a sample, a column a lead")
    decimal = "."
    if separator != "," and any(DECIMAL_COMMA.fullmatch(cell) for row in tail for cell in row):
        decimal = ","
    rows = [split(line) for line in lines[skip : skip + HEAD_ROWS] if line.strip()]
    names, units = _names(lines[:skip], separator, width)
    table = Table(path, encoding, separator, decimal, skip, rows, names, units)
    _told_by_device("\n".join(lines[:skip]), table)
    return table


def _encoding(stored):
    if stored[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(stored)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _separator(lines, tail):
    """The sign between columns, None for blanks, and how many columns there are."""
    told = re.match(r"\"?sep=(.|\t)", lines[0]) if lines else None
    for separator in told[1] if told else ("\t", ";", ",", None):
        widths = Counter(len(_split(line, separator)) for line in tail)
        width, often = widths.most_common(1)[0] if widths else (1, 0)
        if width > 1 and often >= 0.9 * len(tail):
            if separator == "," and _is_decimal(lines, tail):
                break
            return separator, width
    return ";", 1


def _is_decimal(lines, tail):
    """Whether "1,234" in each row is a number with a decimal comma, not two numbers."""
    is_sure = "," not in lines[0] or any(re.match(r"-?\d*,0\d|-0,|-?,", line) for line in tail)
    return is_sure and all(DECIMAL_COMMA.fullmatch(line.strip()) for line in tail)


def _split(line, separator):
    if separator is None:
        return line.split()
    if '"' in line:
        line = QUOTED.sub(lambda quoted: quoted[1].replace(separator, " "), line)
    return [plain_text(cell).strip(" '\"") for cell in line.split(separator)]


def _is_number(cell, separator):
    return bool(NUMBER.fullmatch(cell) or separator != "," and DECIMAL_COMMA.fullmatch(cell))


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
    if len(rows) > 1 and all(map(UNITS_ROW.fullmatch, rows[-1])):
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
    columns, width = listed("columns"), len(table.names)
    if len(columns) in (width, width - 1) and columns:
        table.names = [*columns, ""][:width]
    end = max((k for k, name in enumerate(table.names, 1) if name), default=width)
    leads, units = listed("lead")[-end:], listed("unit")[-end:]
    for k, lead in zip(range(end - len(leads), end), leads):
        if re.fullmatch(r"column\d+", table.names[k]):
            table.names[k] = lead
        elif columns:
            table.names[k] = f"{lead} {table.names[k]}"
    units = units * end if len(units) == 1 else units
    for k, unit in zip(range(end - len(units), end), units):
        table.units[k] = table.units[k] or unit
    table.rate_hz = _rate_of(found.get("rate", ""))
    table.start = start_of(found.get("start"))


def _rate_of(text):
    """Hz of "512 hertz", "1 kHz", "4 ms" or "0.001 s"; None where there is none."""
    found = re.match(r"(\d+\.?\d*|\.\d+)\s*([a-z]*)", text.replace(",", "."), re.I)
    if not found or not float(found[1]):
        return None
    value, unit = float(found[1]), found[2].lower()
    for words, unit_s in SECONDS.items():
        if re.fullmatch(words, unit):
            return round(1 / (value * unit_s), 6)
    return value * (1000 if unit == "khz" else 1)


# -------------------------------------------------------------------------------------- units


def _scale(table, column, units, gain):
    """A number's size in mV, and whether anybody said it."""
    name, unit, path = table.label(column), table.unit(column), table.path
    if COUNTS.fullmatch(unit):
        if not units and gain is None:
            raise BadInput(
                f"{name} of {path} is in counts of a converter, no voltage: give --gain "
                "COUNTS_PER_MV (and --baseline COUNTS, what 0 mV is)"
            )
        unit = ""
    asked_mv = 1 / gain if gain is not None else mv_of(units, path, name) if units else None
    if unit and asked_mv not in (None, MV_OF_UNIT.get(unit.lower())):
        raise BadInput(f"{name} of {path} is in {unit}: leave --units and --gain out")
    return asked_mv or mv_of(unit or "mV", path, name), bool(unit or asked_mv)


def _check_amplitude(span_mv, whole, name, path):
    """Numbers without a unit are mV, if they can be. span_mv: how far pieces of some seconds go;
    whole: whether all are whole numbers."""
    if not span_mv > 0:
        return  # flat: screening says so
    said = f"{name} of {path} spans {span_mv:.2g} in some seconds without a unit: as mV that is"
    if whole and span_mv >= WHOLE_ECG_MV:
        raise BadInput(
            f"{said} no ECG, and they are whole numbers: give --gain COUNTS_PER_MV (and --baseline "
            "COUNTS) where they are counts of a converter, --units uV where they are uV"
        )
    if not ECG_MV[0] <= span_mv <= ECG_MV[1]:
        unit = "V" if span_mv < ECG_MV[0] else "uV"
        raise BadInput(f"{said} no ECG: give --units {unit} if they are {unit}")


# --------------------------------------------------------------------------------------- rows


def _copy(table, columns, clock, mv, baseline):
    """The columns in mV as float32 in a temporary file, NaN in the gaps; its samples; and of each
    the median span of its pieces, and whether all are whole numbers."""
    copy, n, line, spans = tempfile.TemporaryFile(), 0, table.skip, [[] for _ in columns]
    whole = np.ones(len(columns), bool)
    for part in table.parts({*columns} | ({clock.column} if clock else set())):
        values = np.stack([table.numbers(part[column]) for column in columns], 1)
        for k, column in enumerate(columns):
            wrong = np.flatnonzero(part[column].notna() & np.isnan(values[:, k]))
            if len(wrong):
                cell = str(part[column].iloc[wrong[0]])[:20]
                raise BadInput(
                    f"line {line + wrong[0] + 1} of {table.path} has {cell!r} where a number is "
                    "due: correct it, or leave the cell empty"
                )
            there = values[np.isfinite(values[:, k]), k]
            size = min(PIECE, max(1, len(there)))
            spans[k] += np.ptp(there[: len(there) // size * size].reshape(-1, size), 1).tolist()
            whole[k] &= bool((there == np.round(there)).all())
        values = ((values - baseline) * mv).astype(np.float32)
        if clock is not None:
            values = clock.spread(values, part[clock.column], line)
        copy.write(values.tobytes())
        n, line = n + len(values), line + len(part)
    return copy, n, [np.median(each) if each else 0.0 for each in spans], whole
