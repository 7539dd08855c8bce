"""How a CSV file is laid out: its separator and decimal sign, the names and units of columns."""

import re
from dataclasses import dataclass

from preprocess import BadInput
from preprocess.readers.source import plain_text

MOST_COLUMNS = 1000
LOOKED_AT = 200  # rows that tell decimal commas from separators
TIME_COLUMN = re.compile(r"(time|t|seconds|elapsed)([\s_(\[].*)?|s|ms", re.I)
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|nan|", re.A | re.I)
TIME_UNITS = {  # what a time column's name or unit may say, in s
    "ms|msecs?|millis|milliseconds?": 1e-3,
    "us|µs|μs|usecs?|micros|microseconds?": 1e-6,
    "ns|nsecs?|nanos|nanoseconds?": 1e-9,
    "mins?|minutes?": 60.0,
    "h|hrs?|hours?": 3600.0,
}
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}([.,]\d{3})+")
DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?", re.A)


@dataclass
class Layout:
    """skip: lines before the first row; names, units: a text for each column."""

    separator: str
    decimal: str
    skip: int
    names: list
    units: list

    def time_column(self) -> int | None:
        return next((i for i, name in enumerate(self.names) if TIME_COLUMN.fullmatch(name)), None)

    def unit_s(self, column: int) -> float:
        """A time column's unit in s."""
        text = f"{self.names[column]} {self.units[column]}"
        for words, unit_s in TIME_UNITS.items():
            if re.search(rf"(\b|_)({words})(\b|_)", text, re.I):
                return unit_s
        return 1.0


def read_layout(file, path, longest_line) -> Layout:
    """Of an open file, which is left at its first row of numbers."""
    first = _text(file.readline(longest_line), path, longest_line)
    rows = [_text(file.readline(longest_line), path, longest_line) for _ in range(LOOKED_AT)]
    rows = [row for row in rows if row]
    if not first.strip():
        raise BadInput(f"the first line of {path} is empty: give the names of its columns there")
    separator = next((s for s in (";", "\t", ",") if s in first), ",")
    cells = _split(first, separator)
    named = not all(
        NUMBER.fullmatch(cell) or separator != "," and DECIMAL_COMMA.fullmatch(cell)
        for cell in cells
    )
    skip, units, body = int(named), [""] * len(cells), rows if named else [first, *rows]
    if named and rows and not re.search(r"\d", rows[0]) and separator in rows[0]:
        second = _split(rows[0], separator)  # units, as PhysioNet's rdsamp writes them
        if len(second) == len(cells) and any(re.search("[a-z]", cell, re.I) for cell in second):
            units, skip, body = ["" if _is_missing(u) else u for u in second], 2, rows[1:]
    decimal = "."
    if separator != ",":
        commas = any(DECIMAL_COMMA.fullmatch(c) for row in body for c in _split(row, separator))
        decimal = "," if commas else "."
    elif _decimals_alone(cells, named, body, path):
        separator, decimal = ";", ","
        cells = cells if named else cells[:1]
        units = [""]
    _check_thousands([_split(row, separator) for row in body], path)
    names = cells if named else [f"column{i}" for i in range(len(cells))]
    if len(names) > MOST_COLUMNS:
        raise BadInput(f"{path} has {len(names)} columns: give one row a sample, one column a lead")
    file.seek(0)
    for _ in range(skip):
        file.readline()
    return Layout(separator, decimal, skip, names, units)


def _decimals_alone(cells, named, body, path):
    """Whether each row is one number with a decimal comma, not two numbers."""
    rows = [row.strip() for row in body if row.strip()]
    if not rows or not all(DECIMAL_COMMA.fullmatch(row) for row in rows):
        return False
    if named:
        return len(cells) == 1
    if any(re.match(r"-?\d*,0\d|-0,|-?,", row) for row in rows):
        return True
    raise BadInput(
        f"{path} has two whole numbers a row, or one with a decimal comma: write the names of its "
        "columns into a first line, or points for decimals"
    )


def _check_thousands(rows, path):
    """1.234 beside 567 may be over a thousand and not decimals: who writes three decimals of
    every number does so of 0.567 as well."""
    for column in zip(*(row for row in rows if len(row) == len(rows[0]))):
        parted = [cell for cell in column if re.search("[.,]", cell)]
        whole = [cell for cell in column if re.fullmatch(r"[-+]?\d{2,3}", cell)]
        if parted and whole and all(THOUSANDS.fullmatch(cell) for cell in parted):
            raise BadInput(
                f"{path} has {parted[0]} beside {whole[0]}: a decimal sign, or one between "
                "thousands? Write the numbers without signs between thousands"
            )


def _is_missing(cell):
    return cell.lower() in ("", "nan", "na", "none", "null", "-")


def _split(line, separator):
    return [plain_text(cell).strip().strip("\"'").strip() for cell in line.split(separator)]


def _text(line, path, longest_line):
    if len(line) >= longest_line:
        raise BadInput(
            f"{path} has a line of more than {longest_line} letters: give one row a sample and one "
            "column a lead"
        )
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path} is not a text file: give one column a lead, separated by commas, as UTF-8"
        ) from error
    if "\0" in text or "\r" in text.rstrip("\r\n"):
        raise BadInput(f"{path} is not a text file with a row in each line")
    return text.rstrip("\r\n")
