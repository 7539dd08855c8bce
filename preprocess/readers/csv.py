"""Text recordings: a row a sample, a column a lead, a column of times or row numbers where there is
one; before them the lines that a device writes, of which TOLD says what is where.

pandas reads a file once, part by part. Gaps that times or row numbers show are kept as gaps.
"""

import codecs
import csv
import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

import numpy as np
import pandas as pd

from preprocess import BadInput, plain_text
from preprocess.readers.clock import SECONDS, TIME_NAME, choose_clock, differ, is_usual, start_of
from preprocess.readers.source import VOLTAGE, Source, is_ecg, mv_of, plain_names, read_leads

LINES_AT_ONCE, HEAD_ROWS = 200_000, 20_000
HEAD_BYTES, MOST_HEADER = 1 << 20, 500  # that tell the layout; lines before the first row
LONGEST_LINE = 1 << 16  # letters: a row is one sample of each lead
LARGEST = 1e30  # of what can be a number of a recording
NO_NUMBER = ["", "-", "--", "?", "nan", "na", "n/a", "none", "null", "nil", "inf", "-inf", "+inf"]
NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)(e[-+]?\d+)?", re.A | re.I)
UNIT = re.compile(rf"[\s_,]*[\[(]([^\[\]()]*)[\])]\s*$|[\s_,]+({VOLTAGE})\s*$", re.I)
UNITS_ROW = re.compile(
    rf"[\[(]*({VOLTAGE}|[mnuµμ]?s(ec(onds?)?)?|(no_?)?units?|n/?a|adu|counts?|cal|raw|bpm|%|mmhg|g"
    r"|(yyyy.*)?h+:mm:ss.*|)[\])]*",
    re.I,
)
HAS_UNIT = re.compile(rf"(?<![a-z])({VOLTAGE}|adu|counts?)(?![a-z\d])", re.I)
COUNT = r"adu|adc|raw|counts?|lsb|digits?|a\.?u\.?|bits?"
COUNTS = re.compile(rf"\W*({COUNT}|(no_?)?units?)\W*", re.I)
GIVE_GAIN = "--gain COUNTS_PER_MV (and --baseline COUNTS, what 0 mV is)"
ECG_MV, WHOLE_ECG_MV, PIECE = (0.02, 20.0), 8.0, 2000  # what so many samples of an ECG may span

# Of a filter, the mains or a response, in the line before a number of hertz that is no rate.
OTHER_HZ = r"filt|notch|pas[sa]|mains|netz|band[wb]|\bcut|power|(?<!-)\bline|respo"
NO_RATE = rf"(?![^\d\n]*({OTHER_HZ}|\b(?:[lh]pf?|ac)[^\w\n]*\d))"
# And of what is not the beginning, in the line before a date.
OTHER_DATE = r"export|print|birth|creat|generat|report|saved?\b|stop|end(?:e|ed|zeit)?\b"
NO_START = rf"(?!(?![^\d\n]*\bstart)[^\d\n]*\b({OTHER_DATE}))"
SAMPLING = r"(?i)^[^\d\n]*(?<![a-z])sampl\w*[ _-]?"
UNSIGNED = r"(?:\d+[.,]?\d*|\.\d+)(?:e-?\d+)?"  # the number of an interval, or of a rate
# With what stands before and behind it, as in "10 uV" and "uV/LSB", it is no unit that can be read.
MEASURE = rf"((?:[\d.,^*/-]+(?:e-?\d+)?\s*)?(?:{VOLTAGE}|{COUNT}|mm)\b(?:\s*[/=*][^\n]*)?)"
# What the lines before the first row say: of each field the first expression that is found in them
# counts, in it the groups. leads are put before the names of the last columns, lead stands for a
# name that is none, units are those of the last columns.
TOLD = {
    "rate": [
        r'"sampling rate": ([\d.]+)',  # OpenSignals
        r"^Interval=\s*(.+)",  # LabChart
        r"^([\d.]+ m?sec)/sample",  # AcqKnowledge
        rf"{SAMPLING}(?:interval|period)(?=[^\d\n]*?({UNSIGNED}))[^\d\n]*?(?:{UNSIGNED}[ \t;\"]*)?"
        r"(?<![a-zµμ])((?:milli|micro|[mnuµμ])?s(?:ec\w*)?)\b",
        rf"{SAMPLING}(?:rate|freq\w*|per sec\w*)\b[^\d\n]{{0,20}}([\d.]+[ \t]*[a-z]*)",
        rf"(?i)^{NO_RATE}\W*(?:fs|frequenc?[yz]|abtastrate)\b[^\d\n]{{0,20}}([\d.]+[ \t]*[a-z]*)",
        rf"(?i)^{NO_RATE}[^\n\d]*[,;:=\t ]\"?([\d.,]+[^\S\n]?(?:hertz|hz))\b",
    ],
    "start": [
        r'"date": "([-\d]+)".*"time": "([\d:.]+)"|"time": "([\d:.]+)".*"date": "([-\d]+)"',
        r"^ExcelDateTime=\s*[\d.,e+]+\s+(.+)",
        rf"(?i)^{NO_START}[^\d\n]*(\d+[-/.]\d+[-/.]\d+[T ,]+\d+:\d\d.*?)\"?$"
        r"|^\W*start\w*[ _]?time\b[^\d\n]{0,20}(\d.*?)\"?$",
    ],
    "columns": [r'"column": \[(.*?)\]'],
    "leads": [
        r'"sensor": \[(.*?)\]',
        r"^ChannelTitle=\s*(.+)",
        r"^(.+)\n(?:[mu]?V|Volts|mmHg|BPM|Ohms|%|g)$",
    ],
    "lead": [r"(?i)^\W*(?:lead|ableitung|d[eé]riv\w+)\b.*?([^\s,;:=\"]+)\"?$"],
    "units": [
        r"^UnitName=\s*(.+)",
        r"^.+\n([mu]?V|Volts|mmHg|BPM|Ohms|%|g)$",
        rf"(?i)^\W*(?:units?|unités?|einheit(?:en)?|unidad(?:es)?|単位)\b\W*(?:m?s\w*\W+)?{MEASURE}",
    ],
}
COUNTS_ROW = r"m?sec/sample\n(?:.*\n)+[\t, ]*(\d+)(?:[\t, ]+\1)*[\t, ]*"  # of AcqKnowledge


def open_file(path: Path, asked, units=None, fs_hz=None, gain=None, baseline=0) -> Source:
    """fs_hz, units, gain (counts a mV), baseline: of a file that does not say. Raises BadInput
    where anything is unclear."""
    table = read_layout(path)
    told_hz = fs_hz or table.rate_hz
    if fs_hz and table.rate_hz and differ(fs_hz, table.rate_hz):
        by_times, _ = choose_clock(table, None)
        if not by_times or differ(fs_hz, by_times.hz):
            raise BadInput(f"--fs says {fs_hz:g} Hz, {path} {table.rate_hz:g} Hz: correct it")
    clock, clocks = choose_clock(table, told_hz)
    columns = [k for k in range(len(table.names)) if k not in clocks and table.is_lead(k)]
    if not columns:
        raise BadInput(f"{path} has no column of numbers that could be a lead")
    for k in {*range(len(table.names))} - {*columns, *clocks}:
        cells = table.head[k].dropna().unique()
        if re.fullmatch("leads?|channels?", table.names[k], re.I) and sum(map(is_ecg, cells)) > 1:
            raise BadInput(f"{path} has its leads one below the other: give a column a lead")
    names = plain_names([table.names[k] for k in columns])
    if told_hz is None and clock is None:
        raise BadInput(
            f"{path} says no single sampling rate, nor clear times: give it in Hz with --fs"
        )
    size_mv = lambda k: _scale(table, columns[k], units, gain)
    mv = read_leads(names, [told_hz] * len(names), size_mv, path, **asked)
    sizes = {columns[k]: size for k, size in mv.items()}
    values, notes = _copy(table, sizes, clock, baseline if gain else 0)
    pieces = [(0, len(values), lambda first, last: values[first:last].astype(float))]
    screened, n, rate_hz = [names[k] for k in mv], len(values), float(told_hz or clock.rate_hz())
    return Source(path.stem, path, names, screened, rate_hz, n, pieces, table.start, notes)


@dataclass
class Table:
    """The layout of a file. separator: None of blanks; skip: lines before the first row; head: the
    first rows, as texts; names, units: a text a column; rate_hz, start: as the lines before the
    rows say."""

    path: Path
    encoding: str
    separator: str | None
    decimal: str
    skip: int
    names: list
    units: list
    rate_hz: float | None = None
    start: datetime | time | None = None
    head: pd.DataFrame | None = None

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
        there = self.head[k].notna()
        return self.names[k] and np.isfinite(self.numbers(self.head[k])).sum() >= 0.9 * there.sum()

    def parts(self, columns, size, dtype=None):
        """These columns of the rows, so many rows at a time, as DataFrames by their lines."""
        how = {
            "usecols": sorted(columns),
            "chunksize": size,
            "dtype": dtype,
            "sep": self.separator or r"\s+",
            "decimal": self.decimal,
            "header": None,
            "names": list(range(len(self.names))),
            "comment": "#",
            "skip_blank_lines": len(self.names) > 1,
            "skipinitialspace": True,
            "na_values": NO_NUMBER,
            "low_memory": False,
        }
        with open(self.path, encoding=self.encoding, errors="replace") as file:
            for _ in range(self.skip):
                file.readline()
            try:
                for part in pd.read_csv(file, **how):
                    part.index += self.skip + 1
                    yield part
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
    rows = [line for line in lines if re.match(r"[^#\d]*\d", line)]
    separator, width = _separator(lines, rows)
    tail = [cells for line in rows[-50:] if len(cells := _split(line, separator)) == width]
    must = [np.mean([bool(NUMBER.fullmatch(cell)) for cell in c]) > 0.5 for c in zip(*tail)]

    def is_row(line):
        cells = _split(line, separator)
        there = [c for c, is_number in zip(cells, must) if is_number and c.lower() not in NO_NUMBER]
        is_gap = {cell.lower() for cell in cells if cell} == {"nan"}
        return len(cells) == width and bool(there or is_gap) and all(map(NUMBER.fullmatch, there))

    shown = [k for k, line in enumerate(lines[:MOST_HEADER]) if width == 1 or line.strip()]
    shown = [k for k in shown if not lines[k].startswith("#")]
    are_rows = [is_row(lines[k]) for k in shown]
    skip = next((shown[k] for k in range(len(shown) - 2) if all(are_rows[k : k + 3])), None)
    is_wide = width * len(stored) > len(lines) * path.stat().st_size  # a row a lead
    if skip is None or not tail or is_wide:
        raise BadInput(f"{path} is no table of numbers: give a row a sample, a column a lead")
    commas = ["," in cell for row in tail for cell in row if NUMBER.fullmatch(cell)]
    decimal = "," if any(commas) else "."
    first = [_split(line, separator) for line in lines[skip : skip + 50]]
    ends = [cells for cells in first if len(cells) == width] + tail
    table = Table(path, encoding, separator, decimal, skip, *_names(lines[:skip], separator, ends))
    table.skip += bool(re.search(rf"{COUNTS_ROW}\Z", "\n".join(lines[: skip + 1])))
    own_units = [*table.units]
    _told("\n".join(lines[:skip]), table)
    for k, name in enumerate(table.names):  # "ECG [mV]" has a unit, "ECG V" is a lead
        found = not re.search(r"\b(ecg|lead)[\s_]+v$", name, re.I) and UNIT.search(name)
        unit = next(filter(None, found.groups()), "").strip() if found else ""
        is_measure = re.search(r"\d", unit) and HAS_UNIT.search(unit)
        if re.fullmatch(VOLTAGE, unit, re.I) or COUNTS.fullmatch(unit) or is_measure:
            table.names[k], table.units[k] = name[: found.start()] or name, own_units[k] or unit
    table.head = next(table.parts(range(width), HEAD_ROWS, str))
    return table


def _encoding(stored):
    if stored[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    is_utf8 = stored.startswith(stored.decode("utf-8", "ignore").encode())
    return "utf-8-sig" if is_utf8 else "latin-1"


def _separator(lines, rows):
    """The sign between columns, None for blanks, and how many columns there are."""
    told = re.match(r"\"?sep=(.|\t)", lines[0]) if lines else None
    for separator in told[1] if told else ("\t", ";", "|", ",", None):
        widths = Counter(len(_split(line, separator)) for line in rows[-50:])
        width, often = widths.most_common(1)[0] if widths else (1, 0)
        if width > 1 and often >= 0.9 * len(rows[-50:]):
            # "1,234" in each row may be one number or two
            numbers = [row for row in rows if NUMBER.fullmatch(row.strip())]
            is_sure = any(re.match(r"-?\d*,0\d|-0,|-?,", row) for row in numbers)
            if separator == "," and is_sure and numbers[-50:] == rows[-50:]:
                break
            return separator, width
    return ";", 1


def _split(line, separator):
    cells = re.sub(r"(?<=\w) +(?=[\[(])", "", line).split()  # "Time (s)" is one name
    if separator is not None:
        cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [""])
    return [plain_text(cell).strip(" '\"") for cell in cells]


def _names(lines, separator, ends):
    """Of the columns, and their units, from the lines before the rows. ends: the outer rows."""
    width, is_open = len(ends[0]), all(row[-1] == "" for row in ends)
    rows, units = _header(lines, separator, ends, is_open), [""] * width
    if len(rows) > 1 and all(map(UNITS_ROW.fullmatch, rows[-1])):
        units = ["" if cell.lower() in NO_NUMBER else cell.strip("[]()") for cell in rows.pop()]
    # a device's name, or CAL, over each column is none of theirs
    rows = [row for row in rows if width == 1 or len({*row}) > 1]
    names = rows[-1] if rows and (width > 1 or len(lines) < 3) else []
    return names or [f"column{k}" for k in range(width - is_open)] + [""] * is_open, units


def _header(lines, separator, ends, is_open):
    """Of the lines before the first row the cells of those that may be names or units."""
    width, blocks = len(ends[0]), [[]]
    is_plain = any(line.strip() and not line.startswith("#") for line in lines)
    first = pd.to_numeric([row[0].replace(",", ".") for row in ends], errors="coerce")
    is_counted = (np.diff(first) > 0).mean() > 0.8
    for line in reversed(lines):
        if width > 1 and not line.strip():
            blocks.insert(0, [])
            continue
        cells = _split(line.lstrip("# "), separator)
        while len(cells) > width and cells[-1] == "":
            cells.pop()
        if separator is None and len(cells) > width > 1:  # "Elapsed time", "sample #"
            cells = [" ".join(cells[: 1 - width]), *cells[1 - width :]]
        if is_plain and line.startswith("#") and (width == 1 or len(cells) != width):
            continue  # a comment
        is_lead = is_ecg(UNIT.sub("", "".join(cells[:1])))
        # a lone word says anything, and words apart by blanks are a sentence
        are_names = separator or all(map(UNITS_ROW.fullmatch, cells))
        if len(cells) == width - 1 and are_names and (width > 2 or is_lead):
            # row numbers, or times, have no name, or rows end with a separator
            cells = ["", *cells] if not is_open or is_counted and is_lead else [*cells, ""]
        if len(cells) != width or not any(cells) or cells[0].endswith("="):
            break
        blocks[0].insert(0, cells)
    *apart, rows = blocks
    for block in reversed(apart):  # of several lines over a blank one each says something else
        are_units = [all(map(UNITS_ROW.fullmatch, row)) for row in block]
        if are_units in ([False], [False, True]) and not any(map(NUMBER.fullmatch, sum(block, []))):
            rows = block + rows
    named = [row for row in rows if not any(map(NUMBER.fullmatch, row))]
    return named or [row for row in rows if TIME_NAME.fullmatch(row[0])]


def _told(text, table):
    """Fills in what the lines before the first row say."""
    found = {}
    for field, patterns in TOLD.items():
        matches = (list(re.finditer(pattern, text, re.M)) for pattern in patterns)
        first = next(filter(None, matches), [])
        found[field] = [" ".join(filter(None, match.groups())) for match in first]
    rates_hz = {*filter(is_usual, map(_rate_of, found["rate"]))}  # several leave it open
    table.rate_hz = rates_hz.pop() if len(rates_hz) == 1 else None
    table.start = start_of(*found["start"][:1])
    listed = {
        field: [name.strip(' "') for name in re.split(r"\t|, ?", "\t".join(texts)) if name.strip()]
        for field, texts in found.items()
    }
    width = len(table.names)
    if listed["columns"] and len(listed["columns"]) in (width, width - 1):
        table.names = [*listed["columns"], ""][:width]
        if listed["leads"]:  # columns before the sensors' are counters and digital lines
            others = max(0, len(listed["columns"]) - len(listed["leads"]))
            table.names[:others] = [""] * others
    last = max((k for k, name in enumerate(table.names, 1) if name), default=width)
    for field, names in listed.items():
        names = names * last if field == "units" and len(names) == 1 else names[-last:]
        for k, name in enumerate(names, last - len(names)):
            own = table.names[k]
            if field == "units":
                table.units[k] = table.units[k] or name
            elif field in ("leads", "lead") and re.fullmatch(r"column\d+", own):
                table.names[k] = name
            elif field == "leads" and name != own:
                table.names[k] = f"{name} {own}"


def _rate_of(text):
    """Hz of "512 hertz", "1 kHz", "4 ms" or "1e-3 s"; 0 where there is none."""
    found = re.match(rf"({UNSIGNED})\s*([a-zµμ]*)", text.replace(",", "."), re.I)
    if not found or not float(found[1]):
        return 0
    value, unit = float(found[1]), found[2].lower()
    for words, unit_s in SECONDS.items():
        if re.fullmatch(words, unit):
            return round(1 / (value * unit_s), 6)
    return value * (1000 if unit == "khz" else 1)


def _scale(table, column, units, gain):
    """A number's size in mV. Raises BadInput where nobody says it and it cannot be 1."""
    unit, what = table.units[column], f"{table.names[column]} of {table.path}"
    asked_mv = 1 / gain if gain is not None else mv_of(units, what) if units else None
    if unit and not COUNTS.fullmatch(unit):
        if asked_mv not in (None, mv_of(unit, what)):
            raise BadInput(f"{what} is in {unit}: leave --units and --gain out")
        return mv_of(unit, what)
    if asked_mv is None and unit:
        raise BadInput(f"{what} is in counts of a converter, no voltage: give {GIVE_GAIN}")
    if asked_mv is None:
        _check_amplitude(table.numbers(table.head[column]), what)
    return asked_mv or 1.0


def _check_amplitude(values, what):
    """Numbers without a unit are mV, if they can be."""
    values = values[np.isfinite(values)]
    pieces = np.array_split(values, -(-len(values) // PIECE) or 1)
    span_mv = np.median([np.ptp(piece) for piece in pieces]) if len(values) else 0
    is_whole = (values == np.round(values)).all()
    if 0 < span_mv < ECG_MV[0]:
        give = "--units V if they are V"
    elif span_mv > (WHOLE_ECG_MV if is_whole else ECG_MV[1]):
        give = f"{GIVE_GAIN} if they are counts of a converter, --units uV if they are uV"
    else:
        return  # a flat one, too: screening says so
    raise BadInput(f"{what} spans {span_mv:.2g} in some seconds: as mV that is no ECG; give {give}")


def _copy(table, mv, clock, baseline):
    """Columns in mV as (n, leads) float32, NaN in the gaps, and what is to be said of them. mv: the
    size of a number, by column."""
    copy, missing, columns = tempfile.TemporaryFile(), 0, list(mv)
    used = {*columns} | ({clock.column} if clock else set())
    for part in table.parts(used, LINES_AT_ONCE):
        values = np.stack([table.numbers(part[column]) for column in columns], 1)
        wrong = np.argwhere(part[columns].notna().to_numpy() & np.isnan(values))
        if len(wrong):
            cell = str(part[columns].iat[*wrong[0]])[:20]
            raise BadInput(
                f"line {part.index[wrong[0, 0]]} of {table.path} has {cell!r} where a number is "
                "due: correct it, or leave the cell empty"
            )
        missing += int(np.isnan(values).any(1).sum())
        values = ((values - baseline) * list(mv.values())).astype(np.float32)
        if clock is not None:
            values = clock.spread(values, part[clock.column])
        copy.write(values.tobytes())
    copy.flush()
    said = f"{missing} rows of {table.path} have no number: they are gaps of a sample each"
    values = np.memmap(copy, np.float32, "r").reshape(-1, len(columns))
    return values, [said] if missing else []
