"""The time column of a CSV file: its rate, and where samples are missing."""

from pathlib import Path

import numpy as np

from preprocess import BadInput
from preprocess.constants import LONGEST_GAP_S

BLOCK = 50  # rows over which a rate is taken where there may be gaps
STEADY_S = 10.0  # over which the rate must stay the same
RATE_TOLERANCE = 1e-3  # clocks differ by less
CROWD, MOST_OF_CROWD = 100, 50  # so many gaps in so many rows are another rate


class Times:
    """Reads a time column part by part. head_s: (k,) its first times, in s."""

    def __init__(self, head_s: np.ndarray, path: Path):
        self.path = path
        self.hz, self.tolerance = _rate_of(head_s, path)  # samples a step may differ from one
        self.tail_s = np.zeros(0)  # the last times of the part before
        self.contiguous, self.contiguous_s = 0, 0.0

    def spread(self, values: np.ndarray, times_s: np.ndarray, line: int) -> np.ndarray:
        """Values (n,) of a part with NaN in its gaps. line: of the file, before the part's first.

        Raises BadInput where times are missing, go back, stand still or change their rate.
        """
        if len(missing := np.flatnonzero(~np.isfinite(times_s))):
            raise BadInput(f"line {line + missing[0] + 1} of {self.path} has no time: correct it")
        known = len(self.tail_s)
        times_s = np.concatenate([self.tail_s, times_s])
        steps = np.diff(times_s) * self.hz
        at = line - known + 2  # line of the second of these times
        self._check_order(steps, times_s, at)
        gap = steps > 1 + self.tolerance
        self._check_rate(times_s, gap, at)
        new = slice(max(known - 1, 0), None)
        fresh, is_gap = steps[new], gap[new]
        self.contiguous += int((~is_gap).sum())
        self.contiguous_s += float(fresh[~is_gap].sum()) / self.hz
        self.tail_s = times_s[-self._window() - 1 :]
        if not is_gap.any():
            return values
        lost = np.where(is_gap, np.round(fresh).astype(np.int64) - 1, 0)
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
        open_share = 2 * self.tolerance / self.contiguous + 1e-6
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


def _rate_of(times_s, path):
    """Hz of the first rows, gaps among them left out, and the tolerance of a step in samples."""
    times_s = times_s[np.isfinite(times_s)]
    if len(times_s) < 3 or (np.diff(times_s) < 0).any() or not times_s[-1] > times_s[0]:
        raise BadInput(
            f"the time column of {path} does not rise: remove it and give the rate with --fs"
        )
    rows = min(BLOCK, len(times_s) - 1)
    step_s = np.median(times_s[rows:] - times_s[:-rows]) / rows
    if not step_s > 0:
        raise BadInput(
            f"the times of {path} are too coarse: remove their column and give the rate with --fs"
        )
    steps = np.diff(times_s) / step_s
    coarse = _rounding_s(times_s) / step_s
    jitter = 1.2 * np.quantile(np.abs(steps - 1), 0.9)
    tolerance = float(max(0.5, 1.05 * coarse, jitter))
    even = steps <= 1 + tolerance
    step_s = np.diff(times_s)[even].sum() / max(1, even.sum())
    return 1 / step_s, tolerance


def _rounding_s(times_s):
    """The coarsest power of ten that all times are multiples of."""
    for digits in range(7):
        scaled = times_s * 10.0**digits
        if np.abs(scaled - np.round(scaled)).max() < 1e-4:
            return 10.0**-digits
    return 0.0
