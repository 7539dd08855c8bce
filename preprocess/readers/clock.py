"""The column of a table that tells the time: its rate, and where samples are missing.

Times may be dates, times of the day, numbers in any unit, or row numbers, which may wrap. Several
rows may share a stamp: it counts from the first of them.
"""

import re

import numpy as np
import pandas as pd

from preprocess import BadInput
from preprocess.constants import LONGEST_GAP_S
from preprocess.readers.source import HIGHEST_HZ, LOWEST_HZ

TIME_NAME = re.compile(
    r"(?<![a-z])(t|ts|s|secs?|seconds|timer|elapsed|clock|epoch|unix|date|zeit|uhrzeit|hora|temps"
    r"|min|minutes|hours|msecs?|[mun]s|millis|micros)(?![a-z])|time(stamps?)?(?![a-z])",
    re.I,
)
SECONDS = {  # what the name or the unit of a time column may say
    r"ms|msecs?|millis|milliseconds?": 1e-3,
    r"[uµμ]s|usecs?|micros|microseconds?": 1e-6,
    r"cs": 1e-2,
    r"ns|nsecs?|nanos|nanoseconds?": 1e-9,
    r"mins?|minutes?": 60.0,
    r"h|hrs?|hours?": 3600.0,
    r"s|secs?|seconds?": 1.0,
}
# Of a time without a unit: only with one of them the rate is an ECG's. Tables count dates in days.
GUESSED_S = (1.0, 1e-3, 1e-6, 1e-9, 86400.0)
DATES = ["ISO8601", "%H:%M:%S.%f %d/%m/%Y"]  # as pandas writes them
DAYS = "%Y/%m/%d %d/%m/%Y %m/%d/%Y %d.%m.%Y %d-%m-%Y %d-%b-%Y %Y-%m-%d".split()
DATES += [f"{day} %H:%M:%S.%f" for day in DAYS] + [f"{day} %I:%M:%S.%f %p" for day in DAYS]
DURATION = re.compile(r"(\d+ days )?(\d+:)?\d+:\d\d?([.,]\d+)?")
AMBIGUOUS_DATE = re.compile(r"\b(0?\d|1[0-2])/(0?\d|1[0-2])/\d{4}")
EARLIEST_S, LATEST_S = 6e8, 7e10  # dates as numbers since 1970, 2000 or MATLAB's year 0
DAY_S, ELAPSED_S = 24 * 3600.0, 60.0  # a time of the day below this is one since the beginning
EVEN, FEW = 0.6, 0.05  # rows by which row numbers are uneven; stamps before which a row lacks
RATE_TOLERANCE, TOLD_TOLERANCE = 1e-3, 0.01  # clocks differ by less; of what else says the rate
MOST_GAPS = 0.3  # of all stamps: with more it is another rate


def choose_clock(table, told_hz):
    """The best Clock of a table, None without one; and all columns that tell times or row numbers.

    told_hz: the rate, where somebody says it. Raises BadInput where times contradict it.
    """
    clocks = [clock for k in range(len(table.names)) if (clock := Clock(k, table, told_hz)).step]
    table.start = table.start or next((clock.start for clock in clocks if clock.start), None)
    best = min((clock for clock in clocks if clock.hz), key=lambda c: c.doubt, default=None)
    told = told_hz or (best and best.hz)
    if best and (not is_usual(best.hz) or differ(told, best.hz)):
        due = f"{told_hz:g} Hz was told" if told_hz else f"{LOWEST_HZ} to {HIGHEST_HZ} Hz are read"
        raise BadInput(
            f"the times of {table.path} rise {best.hz:.5g} times a second, and {due}: correct "
            "that with --fs, or the unit that the column's name says (sample, if it counts)"
        )
    return best, {clock.column for clock in clocks}


class Clock:
    """A column that may tell the time, read part by part.

    step: of a row, in its own unit, None where it is no clock; hz: the rate, None where nobody
    knows the unit; doubt: to choose by, the smaller the better; tolerance: rows that may lack
    before that is a gap.
    """

    def __init__(self, column, table, told_hz):
        cells = table.head[column].fillna("")
        self.column, self.path, self.table = column, table.path, table
        self.step = self.hz = self.start = self.before = None
        self.rows = self.row = 0  # that were read; the first one with the last stamp
        self.even_rows, self.even_s = 0, 0.0
        self.form = _form(cells)
        values = self._numbers(cells)
        if np.isfinite(values).mean() < 0.9:
            return
        values = values[np.isfinite(values)]
        name = f"{table.names[column]} {table.units[column]}"
        is_named = bool(self.form or TIME_NAME.search(name))
        self.is_whole = bool((values == np.round(values)).all())
        self.highest, self.wraps = values.max(), (np.diff(values) < 0).sum() >= 3
        steps, self.before = self._steps(values), None
        if (steps > 0).sum() < 3 or (steps < 0).mean() > (0.1 if is_named else 0):
            return
        step, unevenness = self._pace(steps, values, is_named)
        if not is_named and unevenness > EVEN:
            return
        self.step, self.unit_s = step, self._unit(name, is_named, step, told_hz)
        self.doubt = 2 * (self.tolerance > 1) or self.wraps or not is_named, round(unevenness, 3)
        self.hz = 1 / (step * self.unit_s) if self.unit_s else None
        self.start = start_of(cells.iloc[0]) if self.form and values[0] >= ELAPSED_S else None

    def _numbers(self, cells):
        """(n,) s of stamps, else numbers of whatever unit; NaN where a cell is none."""
        return _seconds(cells, self.form) if self.form else self.table.numbers(cells)

    def _steps(self, values):
        """(n,) by how much each is more than the one before it, also where a day, or a counter of
        some bits or digits, begins again: within a hundredth, where nobody has seen that before."""
        steps = np.diff(values, prepend=values[0] if self.before is None else self.before)
        self.before, self.highest = values[-1], max(self.highest, values.max())
        above = max(self.highest, 1) + 1
        turns = 2.0 ** np.ceil(np.log2(above)), 10.0 ** np.ceil(np.log10(above))
        turn = DAY_S if self.form else min(turns)
        nearest = turn * (1 if self.wraps and not self.form else 0.01)
        may_wrap = self.form == "duration" or self.is_whole and not self.form
        return np.where(may_wrap & (steps < 0) & (steps + turn < nearest), steps + turn, steps)

    def _pace(self, steps, values, is_named):
        """The step of a row, and how uneven stamps are, in rows."""
        changed = np.flatnonzero(steps)
        spans, apart = steps[changed[1:]], np.diff(changed)
        step, repeats = float(np.median(spans / apart)), float(np.median(apart))
        turns, values = spans / step, values - values[0]
        scales = 10.0 ** np.arange(7)
        exact = [s for s in scales if np.abs(s * values - np.round(s * values)).max() < 1e-3]
        rounding = 1 / exact[0] if exact else 0.0
        if turns.min() > EVEN and np.abs(turns - np.round(turns)).max() < 1e-6:
            # whole rows: where a rounded time is the reason, many of them seem to lack
            rounding *= is_named and (turns > EVEN + 1).mean() > FEW
        for _ in range(3):  # the mean of rounded steps is finer than any of them
            late, rounded = spans / step - apart, 1.05 * rounding / abs(step)
            unevenness = float(np.quantile(np.abs(late), 0.75))
            # stamps of packets, of several rows each, come early or late
            self.tolerance = max(0.5 * repeats, rounded, 3 * unevenness * (unevenness > rounded))
            even = self._even(late)
            step = float(spans[even].sum() / max(1, apart[even].sum())) or step
        return step, unevenness

    def _even(self, late):
        """Stamps that tell the rate: not after a gap, nor after rows of which only some are left
        of a stamp. late: rows that lack before each."""
        is_far = np.abs(late) > self.tolerance
        return ~is_far & ~np.append(False, is_far[:-1])

    def _unit(self, name, is_named, step, told_hz):
        """In s: as it is named, else the only one with which the rate is that of an ECG, or else,
        of row numbers, what the rate that was told makes of it."""
        if self.form:
            return 1.0
        for words, unit_s in SECONDS.items():
            if is_named and re.search(rf"(?<![a-zµμ])({words})(?![a-zµμ])", name, re.I):
                return unit_s
        for unit_s in GUESSED_S if is_named or not self.is_whole else ():
            hz, since_s = 1 / (step * unit_s), self.highest * unit_s
            is_told = told_hz and not differ(told_hz, hz)
            # where it is no date, a step of 1 may be that of a row
            is_row = self.is_whole and step == 1 and since_s < EARLIEST_S
            is_time = is_told or not is_row and (is_named or not told_hz)
            if is_usual(hz) and since_s < LATEST_S and is_time:
                return unit_s
        return 1 / (told_hz * step) if told_hz and (self.is_whole or not is_named) else None

    def spread(self, values, cells):
        """Values (n, leads) of a part with NaN in its gaps. cells: of the clock, by their lines.

        Raises BadInput where times are missing, go back, stand still or change their rate.
        """
        numbers = self._numbers(cells)
        if len(missing := np.flatnonzero(~np.isfinite(numbers))):
            raise BadInput(f"line {cells.index[missing[0]]} of {self.path} has no time: correct it")
        steps_s = self._steps(numbers) * self.unit_s
        changed = np.flatnonzero(steps_s)
        spans, apart = steps_s[changed], np.diff(self.rows + changed, prepend=self.row)
        late = spans * self.hz - apart  # rows that lack before a stamp
        both = late + np.append(late[1:], 0.0)  # one stamp that comes late or early is no more
        gap = (late > self.tolerance) & (both > self.tolerance)
        # the stamp after the last may come late, by a tenth of a second
        behind = late + np.append(late[1:], self.hz / 10)
        stop = (late < -self.tolerance) & (behind < -self.tolerance) | (spans > LONGEST_GAP_S)
        if (stop := stop | (spans < 0)).any():
            raise BadInput(
                f"the time of {self.path} goes back, stands still or goes on by more than a day at "
                f"line {cells.index[changed[stop.argmax()]]}: cut it there"
            )
        even = self._even(late)
        drift = np.abs(np.cumsum(late * even)) - RATE_TOLERANCE * np.cumsum(apart)
        if (drift > 2 * self.tolerance).any() or gap.sum() > MOST_GAPS * len(gap) + 1:
            raise BadInput(
                f"the sampling rate of {self.path} changes after line {cells.index[0]}: it is "
                f"{self.hz:.5g} Hz and then another; cut the recording there"
            )
        self.row = self.rows + changed[-1] if len(changed) else self.row
        self.rows += len(values)
        if not self.even_rows:
            even[:1] = False  # nobody knows how long the first stamp has been there
        self.even_rows += int(apart[even].sum())
        self.even_s += float(spans[even].sum())
        lost = np.round(late[gap]).astype(int)
        return np.insert(values, np.repeat(changed[gap], lost), np.nan, 0)

    def rate_hz(self) -> float:
        """Of all rows; a whole number where rounded times leave that open."""
        rate_hz = self.even_rows / self.even_s if self.even_s else self.hz
        unsure = max(1e-6, 2 * self.tolerance / max(1, self.even_rows))
        is_whole = abs(rate_hz / round(rate_hz) - 1) < unsure
        return float(round(rate_hz)) if is_whole else round(rate_hz, 3)


def differ(hz, other_hz):
    return abs(hz / other_hz - 1) > TOLD_TOLERANCE


def is_usual(hz):
    return LOWEST_HZ * (1 - RATE_TOLERANCE) < hz < HIGHEST_HZ * (1 + RATE_TOLERANCE)


def _form(cells):
    """How stamps are written: one of DATES, "duration", or None where cells are none."""
    cells = cells[cells.str.contains(":", regex=False)]
    if not len(cells):
        return None
    if DURATION.fullmatch(cells.iloc[0].strip("[]' ")):
        return "duration"
    return next((form for form in DATES if np.isfinite(_seconds(cells, form)).mean() > 0.9), None)


def _seconds(cells, form):
    """(n,) s of stamps, NaN where a cell is none. Without a date hours are durations."""
    cells = cells.astype(str).str.strip("[]' ").str.replace(",", ".", regex=False)
    if form == "duration":
        cells = cells.where(cells.str.count(":") != 1, "0:" + cells)
        return (pd.to_timedelta(cells, errors="coerce") / pd.Timedelta(1, "s")).to_numpy(float)
    if "%S.%f" in form:  # whole seconds may be without a fraction
        cells = cells.str.replace(r"(:\d\d)( [APap][Mm])?$", r"\1.0\2", regex=True)
    times = pd.to_datetime(cells, format=form, errors="coerce", utc=True)
    return ((times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(1, "s")).to_numpy(float)


def start_of(text=""):
    """A datetime by the clock where it was written, a time of day where the date is none or may be
    read in two ways, else None."""
    text = re.sub(r"\s*([-+]\d\d:?\d\d|Z)$", "", text.strip("[]' ").replace(",", "."))
    text = re.sub(r"^(\d+:\S+) (\d{4}-\S+)$", r"\2 \1", text)  # the time first: OpenSignals
    found = pd.to_datetime(text, dayfirst=not re.match(r"\d{4}", text), errors="coerce")
    if not re.search(r"\d:\d\d", text) or pd.isna(found):
        return None
    is_dated = re.search(r"\d{4}", text) and not AMBIGUOUS_DATE.search(text)
    return found.to_pydatetime() if is_dated else found.to_pydatetime().time()
