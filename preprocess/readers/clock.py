"""The column of a table that tells the time: its rate, and where samples are missing.

Times may be stamps (dates, times of the day), numbers in any unit, or row numbers, which may wrap.
Several rows may have the same stamp: it counts from the first row that has it.
"""

import re

import numpy as np
import pandas as pd

from preprocess import BadInput
from preprocess.constants import LONGEST_GAP_S
from preprocess.readers.source import HIGHEST_HZ, LOWEST_HZ

TIME_NAME = re.compile(
    r"(?<![a-z])(t|ts|s|sec|secs|seconds|timer|elapsed|clock|epoch|unix|date|zeit|uhrzeit|hora"
    r"|temps|min|minutes|hours|ms|msecs?|us|ns|millis|micros)(?![a-z])|time(stamps?)?(?![a-z])",
    re.I,
)
SECONDS = {  # what the name or the unit of a time column may say
    r"ms|msecs?|millis|milliseconds?": 1e-3,
    r"us|µs|μs|usecs?|micros|microseconds?": 1e-6,
    r"ns|nsecs?|nanos|nanoseconds?": 1e-9,
    r"mins?|minutes?": 60.0,
    r"h|hrs?|hours?": 3600.0,
    r"s|secs?|seconds?": 1.0,
}
# Of a time without a unit: only with one of them the rate is an ECG's. Tables count dates in days.
GUESSED_S = (1.0, 1e-3, 1e-6, 1e-9, 86400.0)
DATES = ["ISO8601", "%Y/%m/%d %H:%M:%S.%f"]  # as pandas writes them
DATES += [f"{day} %H:%M:%S.%f" for day in ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y")]
DATES += ["%H:%M:%S.%f %d/%m/%Y"]
DURATION = re.compile(r"(\d+:)?\d+:\d\d?([.,]\d+)?")
AMBIGUOUS_DATE = re.compile(r"\b(0?\d|1[0-2])/(0?\d|1[0-2])/\d{4}")

HEAD_ROWS = 20_000  # that tell the rate
DAY_S, ELAPSED_S = 24 * 3600.0, 60.0  # a time of the day below this is one since the beginning
EVEN = 0.6  # of a step: what is less even is a clock only if it is called so
BLOCK = 50  # stamps over which a rate is taken where there may be gaps
RATE_TOLERANCE, TOLD_TOLERANCE = 1e-3, 0.01  # clocks differ by less; of what else says the rate
MOST_GAPS = 0.3  # of all stamps: with more it is another rate


def choose_clock(table, told_hz):
    """The best Clock of a table, None without one; and all columns that tell times or row numbers.

    told_hz: the rate, where somebody says it. Raises BadInput where times contradict it.
    """
    clocks = [Clock(k, table, told_hz) for k in range(len(table.names))]
    clocks = [clock for clock in clocks if clock.step]
    usable = [clock for clock in clocks if clock.unit_s]
    table.start = table.start or next((clock.start for clock in clocks if clock.start), None)
    columns = {clock.column for clock in clocks}
    if not usable:
        return None, columns
    best = min(usable, key=lambda clock: clock.doubt)
    best.check_rate(told_hz)
    return best, columns


class Clock:
    """A column that may tell the time, read part by part.

    step: of a row, in its own unit, None where it is no clock; unit_s: this unit, None where
    nobody says it; hz: the rate; doubt: to choose by, the smaller the better; slack: rows by which
    stamps may be early or late; tolerance: rows that may lack before that is a gap.
    """

    def __init__(self, column, table, told_hz):
        cells = table.column(column)
        self.column, self.path, self.table = column, table.path, table
        self.step = self.unit_s = self.start = self.modulus = None
        self.rows, self.row, self.row_s = 0, 0, None  # read; the last stamp's first row and time
        self.even_rows, self.even_s = 0, 0.0
        self.form = _form(cells)
        values = self._numbers(cells)
        if np.isfinite(values).mean() < 0.9:
            return
        values = values[np.isfinite(values)]
        name = f"{table.names[column]} {table.units[column]}"
        is_named = bool(self.form or TIME_NAME.search(name))
        self.modulus = None if self.form else _modulus(values)
        self.before, self.offset = values[0], 0.0  # of what wraps: the last, and what was added
        values = self._unwrapped(values)
        self.before, self.offset = values[0], 0.0
        steps = np.diff(values)
        if (steps > 0).sum() < 3 or (steps < 0).mean() > (0.1 if is_named else 0):
            return
        step, jitter = self._pace(values)
        if not is_named and jitter > EVEN:
            return
        self.step, self.unit_s = step, self._unit(name, is_named, values, step, told_hz)
        is_counter = not is_named or self.modulus is not None
        self.doubt = (2 * (self.tolerance > 1) or is_counter, round(jitter, 3))
        if self.unit_s:
            self.hz = 1 / (step * self.unit_s)
        if self.form and values[0] >= ELAPSED_S:
            self.start = start_of(cells.iloc[0].replace(",", "."))

    def _numbers(self, cells):
        """(n,) s of stamps, else numbers of whatever unit; NaN where a cell is none."""
        return _seconds(cells, self.form) if self.form else self.table.numbers(cells)

    def _pace(self, values):
        """The step of a row, and how uneven stamps are, in rows."""
        steps = np.diff(values)
        turns = steps / np.median(steps) if np.median(steps) else np.zeros(1)
        if turns.min() > EVEN and np.abs(turns - np.round(turns)).max() < 1e-6:
            self.slack = self.tolerance = 0.5  # each jump is a whole number of rows
            return float(np.median(steps)), 0.0
        changed = np.flatnonzero(steps > 0) + 1
        at, spans, apart = values[changed], np.diff(values[changed]), np.diff(changed)
        repeats = np.median(apart)
        rows = min(BLOCK, len(spans)) if repeats == 1 else 1
        step = np.median((at[rows:] - at[:-rows]) / (changed[rows:] - changed[:-rows]))
        late = np.abs(spans / step - apart)
        jitter = float(np.quantile(late, 0.9))
        self.slack = self.tolerance = max(0.5, 1.2 * jitter, 1.05 * _rounding(values) / step)
        if repeats > 1:
            self.slack, self.tolerance = max(2, 0.1 * repeats), 1.05 * repeats + 1
        even = late <= self.slack
        return float(spans[even].sum() / max(1, apart[even].sum())) or step, jitter

    def _unit(self, name, is_named, values, step, told_hz):
        """In s: as it is named, else the only one with which the rate is that of an ECG, or else,
        of row numbers, what the rate that was told makes of it."""
        if self.form:
            return 1.0
        if found := re.search(r"\bs/(\d+)\b", name):
            return 1 / int(found[1])
        for words, unit_s in SECONDS.items():
            if is_named and re.search(rf"(?<![a-zµμ])({words})(?![a-zµμ])", name, re.I):
                return unit_s
        are_whole = (values == np.round(values)).all()
        for unit_s in GUESSED_S if is_named or not are_whole else ():
            hz = 1 / (step * unit_s)
            if _may_be_ecg(hz) and (not told_hz or abs(told_hz / hz - 1) < TOLD_TOLERANCE):
                return unit_s
        return 1 / (told_hz * step) if told_hz and (are_whole or not is_named) else None

    def check_rate(self, told_hz):
        due = f"{told_hz:g} Hz was told" if told_hz else f"{LOWEST_HZ} to {HIGHEST_HZ} Hz are read"
        if not _may_be_ecg(self.hz) or abs((told_hz or self.hz) / self.hz - 1) > TOLD_TOLERANCE:
            raise BadInput(
                f"the times of {self.path} rise {self.hz:.5g} times a second, and {due}: is their "
                "unit what the column's name says?"
            )

    def _unwrapped(self, values):
        """Numbers that go on where a counter, or a day, begins again."""
        known = np.concatenate([[self.before], values])
        self.before = known[-1]
        drops = np.flatnonzero(np.diff(known) < 0)
        earlier, later = known[drops], known[drops + 1]
        turn = 2.0 ** np.ceil(np.log2(np.maximum(earlier, 1) + 1))
        if self.form or self.modulus:
            turn[:] = self.modulus or DAY_S
        # after a turn nobody has seen before, numbers begin again at once
        near = turn - earlier + later < (turn if self.modulus else turn / 100)
        added = np.zeros(len(known))
        added[drops + 1] = np.where(near, turn, 0)
        values = values + np.cumsum(added)[1:] + self.offset
        self.offset += added.sum()
        return values

    def spread(self, values, cells, line):
        """Values (n, leads) of a part with NaN in its gaps. cells: of the clock; line: of the file,
        before the part's first.

        Raises BadInput where times are missing, go back, stand still or change their rate.
        """
        numbers = self._numbers(cells)
        if len(missing := np.flatnonzero(~np.isfinite(numbers))):
            raise BadInput(f"line {line + missing[0] + 1} of {self.path} has no time: correct it")
        times_s = self._unwrapped(numbers) * self.unit_s
        before_s = times_s[0] if self.row_s is None else self.row_s
        moved = np.flatnonzero(np.diff(times_s, prepend=before_s))
        stamps_s = np.concatenate([[before_s], times_s[moved]])
        rows = np.concatenate([[self.row], self.rows + moved])
        spans, apart = np.diff(stamps_s), np.diff(rows)
        late = spans * self.hz - apart
        self._check_order(late, spans, line + moved + 1)
        gap, even = late > self.tolerance, np.abs(late) <= self.slack
        drift = np.abs(np.cumsum(np.where(even, late, 0.0)))
        has_left = drift > 2 * self.tolerance + RATE_TOLERANCE * np.cumsum(apart)
        if has_left.any() or gap.sum() > MOST_GAPS * len(gap) + 1:
            raise BadInput(
                f"the sampling rate of {self.path} changes after line {line}: it is {self.hz:.5g} "
                "Hz and then another; cut the recording there"
            )
        self.even_rows += int(apart[even].sum())
        self.even_s += float(spans[even].sum())
        self.rows, self.row, self.row_s = self.rows + len(values), rows[-1], stamps_s[-1]
        lost = np.round(late[gap]).astype(int)
        return np.insert(values, np.repeat(moved[gap], lost), np.nan, 0)

    def _check_order(self, late, spans, lines):
        """late: rows that lack before each stamp; spans: s since the one before it."""
        back = np.flatnonzero((spans < 0) | (late < -self.tolerance))
        if len(back):
            word = "goes back" if spans[back[0]] < 0 else "stands still"
            raise BadInput(
                f"the time of {self.path} {word} at line {lines[back[0]]}: are these two "
                "recordings? Cut it there"
            )
        if len(far := np.flatnonzero(spans > LONGEST_GAP_S)):
            raise BadInput(
                f"line {lines[far[0]]} of {self.path} is more than a day after the one before it: "
                "cut the recording there"
            )

    def rate_hz(self) -> float:
        """Of all rows; a whole number where rounded times leave that open."""
        if not self.even_s > 0:
            return self.hz
        rate_hz = self.even_rows / self.even_s
        whole = round(rate_hz)
        is_open = abs(rate_hz / whole - 1) < 2 * self.tolerance / self.even_rows + 1e-6
        return float(whole) if is_open else round(rate_hz, 3)


def _may_be_ecg(hz):
    return LOWEST_HZ * (1 - RATE_TOLERANCE) < hz < HIGHEST_HZ * (1 + RATE_TOLERANCE)


def _modulus(values):
    """Where row numbers begin again, as the first rows show; None where they do not."""
    steps, reach = np.diff(values), np.ptp(values)
    begins = values[1:][steps < 0]
    if len(begins) < 3 or not (values == np.round(values)).all():
        return None
    step = np.median(steps[steps > 0])
    is_saw = np.ptp(begins) <= 0.2 * reach and reach > 5 * step
    return float(reach + step) if is_saw else None


def _rounding(values):
    """The coarsest power of ten that all are multiples of, which is at most 1."""
    for digits in range(7):
        scaled = values * 10.0**digits
        if np.abs(scaled - np.round(scaled)).max() < 1e-4:
            return 10.0**-digits
    return 0.0


def _form(cells):
    """How stamps are written: one of DATES, "duration", or None where cells are none."""
    cells = cells[cells.str.contains(":", regex=False)]
    if not len(cells):
        return None
    if DURATION.fullmatch(cells.iloc[0].strip("[]' ")):
        return "duration"
    known = (form for form in DATES if np.isfinite(_seconds(cells, form)).mean() > 0.9)
    return next(known, None)


def _seconds(cells, form):
    """(n,) s of stamps, NaN where a cell is none. Without a date hours are durations."""
    cells = cells.astype(str).str.strip("[]' ").str.replace(",", ".", regex=False)
    if form == "duration":
        cells = cells.where(cells.str.count(":") != 1, "0:" + cells)
        spans = pd.to_timedelta(cells, errors="coerce")
        return (spans / pd.Timedelta(1, "s")).to_numpy(float)
    times = pd.to_datetime(cells, format=form, errors="coerce", utc=True)
    if ".%f" in form and times.isna().any():  # whole seconds may be without a fraction
        whole = pd.to_datetime(cells, format=form.replace(".%f", ""), errors="coerce", utc=True)
        times = times.fillna(whole)
    return ((times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(1, "s")).to_numpy(float)


def start_of(text):
    """A datetime by the clock where it was written, a time of day where the date is none or may be
    read in two ways, else None."""
    text = re.sub(r"\s*([-+]\d\d:?\d\d|Z)$", "", (text or "").strip("[]' "))
    if not re.search(r"\d:\d\d", text):
        return None
    try:
        found = pd.to_datetime(text, dayfirst=not re.match(r"\d{4}", text)).to_pydatetime()
    except (ValueError, TypeError, OverflowError):
        return None
    is_dated = re.search(r"\d{4}", text) and not AMBIGUOUS_DATE.search(text)
    return found.replace(tzinfo=None) if is_dated else found.time()
