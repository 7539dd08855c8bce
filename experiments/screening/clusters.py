"""Beats to look at, grouped by shape: 3,000 alike are one group with its count. Memory does not grow with their number."""

from dataclasses import dataclass, field

import numpy as np

from preprocess.beats import BEFORE, WINDOW
from preprocess.records import FS_HZ

ALIKE = 0.9  # correlation from which two shapes are one, with at most TIMES_AS_HIGH between their heights
TIMES_AS_HIGH = 1.8
SEEN = slice(
    BEFORE - 72, BEFORE + 144, 3
)  # what is compared: 0.2 s before R to 0.4 s after, every 8 ms
SHIFTS = (-12, -6, 0, 6, 12)  # samples by which a beat may be moved to fit, up to 33 ms
EARLY, LATE = 0.85, 1.2  # RR before, in local medians
TIMINGS = ("on time", "early", "late")
MOST_GROUPS, MOST_EXAMPLES = 400, 6


@dataclass
class Example:
    """A beat kept to be shown."""

    sample: int
    score: float
    beat_mv: np.ndarray
    image: np.ndarray | None
    rr_s: np.ndarray
    strip_mv: np.ndarray


@dataclass
class Group:
    """Beats of one shape. timing: of the usual shape, which is told apart by when it comes; "" for any other."""

    leader: np.ndarray
    height_mv: float
    timing: str
    count: int = 0
    total_mv: np.ndarray = field(default_factory=lambda: np.zeros(WINDOW))
    examples: dict = field(
        default_factory=dict
    )  # {hash of the sample: Example}: an even draw from the whole recording

    @property
    def mean_mv(self):
        return self.total_mv / max(self.count, 1)


class Shapes:
    """Groups beats as they come: each joins the first group that it is like, else it founds one."""

    def __init__(self, usual_mv):
        """usual_mv: (320,), the recording's usual beat."""
        self.usual = _directions(usual_mv[None])[0][:, len(SHIFTS) // 2]
        self.groups = []

    def add(self, beats_mv, timing):
        """(n, 320) and their timings (n,), to the index of each one's group (n,)."""
        directions, heights = _directions(beats_mv)
        is_usual = (directions @ self.usual[0]).max(1) > ALIKE
        timing = np.where(is_usual, timing, "")
        result = self._first_alike(directions, heights, timing)
        for row in range(len(result)):
            if result[row] >= 0:
                continue
            if len(self.groups) >= MOST_GROUPS:
                result[row] = MOST_GROUPS - 1  # what is like nothing else, all together
                continue
            self.groups.append(
                Group(directions[row, len(SHIFTS) // 2].copy(), heights[row], str(timing[row]))
            )
            free = np.flatnonzero(result < 0)
            fits = (
                self._first_alike(
                    directions[free], heights[free], timing[free], len(self.groups) - 1
                )
                >= 0
            )
            result[free[fits]] = len(self.groups) - 1
            result[row] = len(self.groups) - 1
        for index in np.unique(result):
            rows = result == index
            self.groups[index].count += int(rows.sum())
            self.groups[index].total_mv += beats_mv[rows].sum(0, dtype=float)
        return result

    def _first_alike(self, directions, heights, timing, start=0):
        """Index (n,) of the first group from `start` on that each beat is like, or -1."""
        groups = self.groups[start:]
        if not groups:
            return np.full(len(heights), -1)
        ratio = heights[:, None] / np.array([group.height_mv for group in groups])
        fits = (
            (ratio < TIMES_AS_HIGH)
            & (ratio > 1 / TIMES_AS_HIGH)
            & (timing[:, None] == np.array([group.timing for group in groups]))
            & ((directions @ np.stack([group.leader for group in groups]).T).max(1) > ALIKE)
        )
        return np.where(fits.any(1), fits.argmax(1) + start, -1)

    def worth_keeping(self, samples, indices):
        """Rows whose beats become examples of their group."""
        return [
            row
            for row, (sample, index) in enumerate(zip(samples, indices))
            if len(kept := self.groups[index].examples) < MOST_EXAMPLES or _hash(sample) < max(kept)
        ]

    def keep(self, index, example):
        kept = self.groups[index].examples
        kept[_hash(example.sample)] = example
        if len(kept) > MOST_EXAMPLES:
            del kept[max(kept)]

    def merged(self):
        """Groups whose mean shapes turned out alike put together: [(Group, set of old indices)], the largest first."""
        result, leaders = [], Shapes.__new__(Shapes)
        leaders.groups = []
        for i in sorted(range(len(self.groups)), key=lambda i: -self.groups[i].count):
            group = self.groups[i]
            directions, heights = _directions(group.mean_mv[None])
            same = leaders._first_alike(directions, heights, np.array([group.timing]))[0]
            if same >= 0:
                result[same][1].add(i)
                _absorb(result[same][0], group)
            else:
                leaders.groups.append(
                    Group(directions[0, len(SHIFTS) // 2], heights[0], group.timing)
                )
                result.append((group, {i}))
        return sorted(result, key=lambda pair: -pair[0].count)


def _absorb(big, group):
    big.count += group.count
    big.total_mv = big.total_mv + group.total_mv
    both = big.examples | group.examples
    big.examples = {key: both[key] for key in sorted(both)[:MOST_EXAMPLES]}


def _hash(sample):
    """A number that looks drawn at random, and is the same in every run."""
    return (int(sample) * 2654435761) % (1 << 32)


def _directions(beats_mv):
    """(n, 320) to unit vectors (n, len(SHIFTS), d) of each beat moved by SHIFTS, and heights (n,)."""
    pieces = np.stack(
        [beats_mv[:, SEEN.start + s : SEEN.stop + s : SEEN.step] for s in SHIFTS], 1
    ).astype(np.float32)
    pieces -= pieces.mean(2, keepdims=True)
    heights = np.ptp(pieces[:, len(SHIFTS) // 2], axis=1) + 1e-3
    return pieces / (np.linalg.norm(pieces, axis=2, keepdims=True) + 1e-6), heights


def timing_of(rr_before_s, rr_local_s):
    """(n,) of TIMINGS."""
    relative = rr_before_s / rr_local_s
    return np.where(relative < EARLY, TIMINGS[1], np.where(relative > LATE, TIMINGS[2], TIMINGS[0]))


STRIP_S, STRIP_HZ = 4.0, 180  # shown before and after an example


def strip(signal_mv, sample):
    """The trace around a beat, (2 * STRIP_S * STRIP_HZ,), NaN beyond the ends."""
    reach, step = round(STRIP_S * FS_HZ), FS_HZ // STRIP_HZ
    at = np.arange(sample - reach, sample + reach, step)
    inside = (at >= 0) & (at < len(signal_mv))
    return np.where(inside, signal_mv[np.clip(at, 0, len(signal_mv) - 1)], np.nan).astype(
        np.float32
    )
