"""The column of a table that tells the time: its rate, and where samples are missing.

Times may be stamps (dates, times of the day), numbers in any unit, or row numbers, which may wrap.
"""

import re

import numpy as np
import pandas as pd

from preprocess import BadInput
from preprocess.constants import LONGEST_GAP_S
from preprocess.readers.source import HIGHEST_HZ, LOWEST_HZ

TIME_NAME = re.compile(
    r"(?<![a-z])(t|ts|s|sec|secs|seconds|timer|elapsed|clock|epoch|unix|date|zeit|uhrzeit|hora|temps"
    r"|min|minutes|hours|ms|msecs?|us|ns|millis|micros|(unix|date|local|utc|sensor|sample|rel)?time(stamps?)?)(?![a-z])"
    r"|time(stamps?)?$",
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
# Times of the day and dates: as written, and for pandas. Without a date, hours are durations.
STAMPS = {
    r"\d{4}-\d\d-\d\d[T ]\d.*": "ISO8601",
    r"\d{4}/\d\d?/\d\d?[ T]\d.*": "%Y/%m/%d %H:%M:%S.%f",
    r"(1[3-9]|[23]\d)/\d\d?/\d{4} \d.*": "%d/%m/%Y %H:%M:%S.%f",
    r"\d\d?/(1[3-9]|[23]\d)/\d{4} \d.*": "%m/%d/%Y %H:%M:%S.%f",
    r"\d\d?/\d\d?/\d{4} \d.*": "%d/%m/%Y %H:%M:%S.%f",
    r"\d\d?\.\d\d?\.\d{4} \d.*": "%d.%m.%Y %H:%M:%S.%f",
    r"\d\d?:\d\d:\d\d\.\d+ \d\d?/\d\d?/\d{4}": "%H:%M:%S.%f %d/%m/%Y",
    r"(\d+:)?\d+:\d\d?(\.\d+)?": None,
}
AMBIGUOUS_DATE = re.compile(r"\b(0?\d|1[0-2])/(0?\d|1[0-2])/\d{4}")

HEAD_ROWS = 2000  # that tell the rate
DAY_S, ELAPSED_S = 24 * 3600.0, 60.0  # a time of the day below this is one since the beginning
EVEN = 0.6  # of a step: what is less even is a clock only if it is called so
# Rows over which a rate is taken where there may be gaps; in which it must stay the same.
BLOCK, STEADY_S = 50, 10.0
RATE_TOLERANCE, TOLD_TOLERANCE = 1e-3, 0.01  # clocks differ by less; of what else says the rate
CROWD, MOST_OF_CROWD = 100, 50  # so many gaps in so many rows are another rate


def choose_clock(head, table, told_hz):
    """The best Clock of a table, None without one; and all columns that tell times or row numbers.

    head: {column: its first cells}; told_hz: the rate, where somebody says it. Raises BadInput
    where times contradict it.
    """
    clocks = [Clock(k, cells, table, told_hz) for k, cells in head.items()]
    coarse = [clock for clock in clocks if clock.is_too_coarse]
    clocks = [clock for clock in clocks if clock.step]
    usable = [clock for clock in clocks if clock.unit_s]
    best = min(usable or clocks, key=lambda clock: clock.doubt, default=None)
    if usable:
        best.check_rate_told(told_hz)
    elif coarse:
        raise BadInput(
            f"the times of {table.path} are too coarse to show gaps: remove their column and give "
            "the rate with --fs"
        )
    start = next((clock.start for clock in clocks if clock.start), None)
    table.start = table.start or start
    return best if usable else None, {clock.column for clock in clocks}


class Clock:
    """A column that may tell the time, read part by part. cells: its first ones.

    step: of a row, in its own unit, None where it is no clock; unit_s: this unit, None where
    nobody says it; hz: the rate; doubt: to choose by, the smaller the better.
    """

    def __init__(self, column, cells, table, told_hz):
        self.column, self.path, self.table = column, table.path, table
        self.step = self.unit_s = self.start = self.modulus = None
        self.is_too_coarse = False
        self.before, self.offset = None, 0.0  # of what wraps: the last number, and what was added
        self.tail_s, self.contiguous, self.contiguous_s = np.zeros(0), 0, 0.0
        self.stamps = _stamps(cells)
        values = self._numbers(cells.to_numpy(object))
        if np.isfinite(values).mean() < 0.9:
            return
        values = values[np.isfinite(values)]
        name = f"{table.names[column]} {table.units[column]}"
        is_named = bool(self.stamps or TIME_NAME.search(name))
        self.modulus = None if self.stamps else _modulus(values)
        values = self._unwrapped(values)
        self.before, self.offset = None, 0.0
        steps = np.diff(values)
        rises = (steps > 0).sum()
        self.is_too_coarse = is_named and 0 < rises < 3 and len(steps) > 2 * BLOCK
        if len(steps) < 2 or rises < 3 or (steps < 0).mean() > 0.1:
            return
        if not is_named and (steps < 0).any():
            return
        step, self.coarse, jitter = _pace(values)
        if not step or not is_named and jitter > EVEN:
            return
        self.step, self.jitter = step, jitter
        self.unit_s = self._unit(name, is_named, values, told_hz)
        self.tolerance = max(0.5, 1.05 * self.coarse, 1.2 * jitter)  # samples
        is_counter = not is_named or self.modulus is not None
        self.doubt = (2 * (max(self.coarse, jitter) > 0.7) or is_counter, round(jitter, 3))
        if self.unit_s:
            self.hz = 1 / (step * self.unit_s)
        if self.stamps and values[0] >= ELAPSED_S:
            self.start = start_of(cells.iloc[0].replace(",", "."))

    def _numbers(self, cells):
        """(n,) s of stamps, else numbers of whatever unit; NaN where a cell is none."""
        if self.stamps is None:
            return self.table.numbers(pd.Series(cells, dtype=str))
        return _seconds(pd.Series(cells, dtype=str), self.stamps)

    def _unit(self, name, is_named, values, told_hz):
        """In s: as it is named, else the only one with which the rate is that of an ECG, or else,
        of row numbers, what the rate that was told makes of it."""
        if self.stamps:
            return 1.0
        if found := re.search(r"\bs/(\d+)\b", name):
            return 1 / int(found[1])
        for words, unit_s in SECONDS.items():
            if is_named and re.search(rf"(?<![a-zµμ])({words})(?![a-zµμ])", name, re.I):
                return unit_s
        in_s = is_named or not (values == np.round(values)).all()
        for unit_s in GUESSED_S if in_s else ():
            hz = 1 / (self.step * unit_s)
            if _may_be_ecg(hz):
                if not told_hz or abs(told_hz / hz - 1) < TOLD_TOLERANCE:
                    return unit_s
        is_count = self.step == round(self.step) and (values == np.round(values)).all()
        return 1 / (told_hz * self.step) if told_hz and (is_count or not is_named) else None

    def check_rate_told(self, told_hz):
        if not _may_be_ecg(self.hz):
            raise BadInput(
                f"the times of {self.path} rise {self.hz:.5g} times a second; {LOWEST_HZ} to "
                f"{HIGHEST_HZ} Hz can be read: is their unit what the column's name says?"
            )
        slack = TOLD_TOLERANCE + 2 * self.coarse / HEAD_ROWS
        if told_hz and abs(told_hz / self.hz - 1) > slack:
            teller = "its first lines say" if told_hz == self.table.rate_hz else "--fs says"
            raise BadInput(
                f"the times of {self.path} rise {self.hz:.5g} times a second, and {teller} "
                f"{told_hz:g} Hz: one of them is wrong"
            )

    def _unwrapped(self, values):
        """Numbers that go on where a counter, or a day, begins again."""
        values = values + 0.0
        known = values if self.before is None else np.concatenate([[self.before], values])
        self.before = known[-1] if len(known) else None
        drops = np.flatnonzero(np.diff(known) < 0)
        if len(drops):
            earlier, later = known[drops], known[drops + 1]
            if self.stamps:
                turn = np.full(len(drops), DAY_S)
            elif self.modulus:
                turn = np.full(len(drops), self.modulus)
            else:
                turn = 2.0 ** np.ceil(np.log2(np.maximum(earlier, 1) + 1))
            near = turn - earlier + later < (turn if self.modulus else turn / 100)
            lost = np.zeros(len(known))
            lost[drops + 1] = np.where(near, turn, 0)
            values = values + np.cumsum(lost)[len(known) - len(values) :] + self.offset
            self.offset += lost.sum()
            return values
        return values + self.offset

    def spread(self, values, cells, line):
        """Values (n,) of a part with NaN in its gaps. cells: of the clock; line: of the file,
        before the part's first.

        Raises BadInput where times are missing, go back, stand still or change their rate.
        """
        numbers = self._numbers(cells) if self.stamps else cells
        if len(missing := np.flatnonzero(~np.isfinite(numbers))):
            raise BadInput(f"line {line + missing[0] + 1} of {self.path} has no time: correct it")
        times_s = self._unwrapped(numbers) * self.unit_s
        known = len(self.tail_s)
        times_s = np.concatenate([self.tail_s, times_s])
        steps = np.diff(times_s) * self.hz
        at = line - known + 2  # line of the second of these times
        self._check_order(steps, times_s, at)
        gap = steps > 1 + self.tolerance
        self._check_rate(times_s, gap, at)
        new = slice(max(known - 1, 0), None)
        fresh, is_gap = steps[new], gap[new]
        rows = np.arange(len(steps))
        moved = np.maximum.accumulate(np.where(steps > 0, rows, -1))
        since = (rows - np.concatenate([[-1], moved])[:-1])[new]  # rows since the stamp before
        even = ~is_gap & (fresh > 0) & _usual(since, self.coarse)
        if not known:
            even[: even.argmax() + 1] = self.coarse <= 1  # nobody knows when its stamp began
        self.contiguous += int(since[even].sum())
        self.contiguous_s += float(fresh[even].sum()) / self.hz
        self.tail_s = times_s[-self._window() - 1 :]
        if not is_gap.any():
            return values
        lost = np.where(is_gap, np.round(fresh).astype(np.int64) - since, 0).clip(0)
        if not known:
            lost = np.concatenate([[0], lost])
        before = np.cumsum(lost)
        result = np.full(len(values) + int(before[-1]), np.nan, values.dtype)
        result[np.arange(len(values)) + before] = values
        return result

    def rate_hz(self) -> float:
        """Of all rows; a whole number where rounded times leave that open."""
        if not self.contiguous_s > 0:
            return self.hz
        rate_hz = self.contiguous / self.contiguous_s
        open_share = 2 * max(self.coarse, self.jitter) / self.contiguous + 1e-6
        whole = round(rate_hz)
        return float(whole) if abs(rate_hz / whole - 1) < open_share else round(rate_hz, 3)

    def _window(self):
        return round(STEADY_S * self.hz)

    def _check_order(self, steps, times_s, at):
        back = np.flatnonzero((steps < 0) | (steps < 1 - self.tolerance))
        if len(back):
            k = back[0]
            word = "goes back" if steps[k] < 0 else "stands still"
            raise BadInput(
                f"the time of {self.path} {word} at line {at + k}, from {times_s[k]:.10g} s to "
                f"{times_s[k + 1]:.10g} s: are these two recordings? Cut it there"
            )
        far = np.flatnonzero(steps > LONGEST_GAP_S * self.hz)
        if len(far):
            raise BadInput(
                f"line {at + far[0]} of {self.path} is more than a day after the one before it: "
                "cut the recording there"
            )

    def _check_rate(self, times_s, gap, at):
        """Between gaps every window has the rate; and gaps are rare."""
        gaps = np.concatenate([[0], np.cumsum(gap)])
        crowded = np.flatnonzero(gaps[CROWD:] - gaps[:-CROWD] > MOST_OF_CROWD)
        rows = self._window()
        changed = np.zeros(0, int)
        if len(times_s) > rows:
            steps = (times_s[rows:] - times_s[:-rows]) * self.hz
            slack = RATE_TOLERANCE * rows + 2 * self.tolerance
            changed = np.flatnonzero((np.abs(steps - rows) > slack) & (gaps[rows:] == gaps[:-rows]))
        if len(crowded) or len(changed):
            first_of_crowd = crowded[:1] + CROWD - MOST_OF_CROWD - 1
            row = min([*first_of_crowd, *changed[:1]])
            raise BadInput(
                f"the sampling rate of {self.path} changes after line {at + row - 1}: it begins "
                f"with {self.hz:.5g} Hz; cut the recording there"
            )


def _may_be_ecg(hz):
    return LOWEST_HZ * (1 - RATE_TOLERANCE) < hz < HIGHEST_HZ * (1 + RATE_TOLERANCE)


def _modulus(values):
    """Where row numbers begin again, as the first rows show; None where they do not."""
    steps = np.diff(values)
    drops = np.flatnonzero(steps < 0)
    if len(drops) < 3 or not (values == np.round(values)).all():
        return None
    begins = values[drops + 1]
    step = np.median(steps[steps > 0])
    is_saw = (np.abs(begins - begins.min()) <= 0.2 * np.ptp(values)).all()
    return float(np.ptp(values) + step) if is_saw and np.ptp(values) > 5 * step else None


def _pace(values):
    """Of a row: its step, 0 without one; how coarse values are, and how uneven, in rows."""
    changed = np.flatnonzero(np.diff(values) > 0) + 1
    rows = min(BLOCK, len(changed) - 1)
    at = values[changed]
    step = np.median((at[rows:] - at[:-rows]) / (changed[rows:] - changed[:-rows]))
    if not step > 0:
        return 0.0, 0.0, 0.0
    repeats = np.median(np.diff(changed))
    if repeats > 1:
        spans, apart = np.diff(at), np.diff(changed)
        even = (spans <= step * (apart + 1.05 * repeats + 1)) & _usual(apart, repeats)
        return float(spans[even].sum() / apart[even].sum()), float(repeats), 1.0
    steps = np.diff(values)
    turns = steps / np.median(steps)  # of row numbers, and what jumps: whole ones
    is_even = bool((np.abs(turns - np.round(turns)) < 1e-6).all() and turns.min() > 0.5)
    if is_even:
        return float(np.median(steps)), 0.0, 0.0
    coarse = _rounding(values) / step
    jitter = np.quantile(np.abs(steps / step - 1), 0.9)
    even = steps <= step * (1 + max(0.5, 1.05 * coarse, 1.2 * jitter))
    step = steps[even].sum() / max(1, even.sum())
    return float(step), float(coarse), float(jitter)


def _usual(rows, repeats):
    """Whether so many rows have a stamp as usual: those that a gap cut tell no rate."""
    return np.abs(rows - max(1, repeats)) <= max(2, 0.1 * repeats)


def _rounding(values):
    """The coarsest power of ten that all are multiples of."""
    for digits in range(7):
        scaled = values * 10.0**digits
        if np.abs(scaled - np.round(scaled)).max() < 1e-4:
            return 10.0**-digits
    return 0.0


def _stamps(cells):
    """How dates or times of the day are written (see STAMPS), as (pattern, format); else None."""
    first = next((cell for cell in cells if cell), "").strip("[]' ").replace(",", ".")
    for pattern, form in STAMPS.items():
        if re.fullmatch(pattern, first):
            return pattern, form
    return None


def _seconds(cells, stamps):
    """(n,) s of stamps, NaN where a cell is none."""
    _, form = stamps
    cells = cells.str.strip("[]' ").str.replace(",", ".", regex=False)
    if form is None:
        colons = cells.str.count(":")
        cells = cells.where(colons != 1, "0:" + cells)
        spans = pd.to_timedelta(cells, errors="coerce")
        return (spans / pd.Timedelta(1, "s")).to_numpy(float)
    times = pd.to_datetime(cells, format=form, errors="coerce", utc=True)
    if form.count(".%f") and times.isna().any():  # whole seconds may be without a fraction
        whole = pd.to_datetime(cells, format=form.replace(".%f", ""), errors="coerce", utc=True)
        times = times.fillna(whole)
    epoch = pd.Timestamp(0, tz="UTC")
    return ((times - epoch) / pd.Timedelta(1, "s")).to_numpy(float)


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
