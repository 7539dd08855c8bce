"""Beats to look at, grouped by shape: 3,000 alike are one group with its count. Memory does not grow with their number."""

from dataclasses import dataclass, field

import numpy as np

from preprocess.beats import BEFORE, WINDOW
from preprocess.records import FS_HZ

ALIKE = 0.9  # correlation from which two shapes are one, with at most TIMES_AS_HIGH between their heights
TIMES_AS_HIGH = 1.8
SEEN = slice(BEFORE - 72, BEFORE + 144, 3)  # what is compared: 0.2 s before R to 0.4 s after, every 8 ms
SHIFTS = (-12, -6, 0, 6, 12)  # samples by which a beat may be moved to fit, up to 33 ms
EARLY, LATE = 0.85, 1.2  # RR before, in local medians
TIMINGS = ("on time", "early", "late")
MOST_GROUPS, MOST_EXAMPLES = 400, 8


@dataclass
class Example:
    """A beat kept to be shown."""

    sample: int
    score: float
    beat_mv: np.ndarray
    image: np.ndarray | None
    strip_mv: np.ndarray


@dataclass
class Group:
    """Beats of one shape. timing: of the usual shape, which is told apart by when it comes; "" for any other."""

    leader: np.ndarray
    height_mv: float
    timing: str
    count: int = 0
    total_mv: np.ndarray = field(default_factory=lambda: np.zeros(WINDOW))
    examples: dict = field(default_factory=dict)  # {hash of the sample: Example}: an even draw from the whole recording

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
        result = np.full(len(beats_mv), -1)
        for index, group in enumerate(self.groups):
            self._join(index, group, directions, heights, timing, result)
        while (free := np.flatnonzero(result < 0)).size:
            if len(self.groups) >= MOST_GROUPS:
                result[free] = MOST_GROUPS - 1  # what is like nothing else, all together
                break
            first = free[0]
            founded = Group(directions[first, len(SHIFTS) // 2], heights[first], str(timing[first]))
            self.groups.append(founded)
            self._join(len(self.groups) - 1, founded, directions, heights, timing, result)
            result[first] = len(self.groups) - 1
        for index in np.unique(result):
            rows = result == index
            self.groups[index].count += int(rows.sum())
            self.groups[index].total_mv += beats_mv[rows].sum(0, dtype=float)
        return result

    @staticmethod
    def _join(index, group, directions, heights, timing, result):
        free = np.flatnonzero(result < 0)
        ratio = heights[free] / group.height_mv
        fits = ((directions[free] @ group.leader).max(1) > ALIKE) & (timing[free] == group.timing) \
            & (ratio < TIMES_AS_HIGH) & (ratio > 1 / TIMES_AS_HIGH)
        result[free[fits]] = index

    def worth_keeping(self, samples, indices):
        """Rows whose beats become examples of their group."""
        return [row for row, (sample, index) in enumerate(zip(samples, indices))
                if len(kept := self.groups[index].examples) < MOST_EXAMPLES or _hash(sample) < max(kept)]

    def keep(self, index, example):
        kept = self.groups[index].examples
        kept[_hash(example.sample)] = example
        if len(kept) > MOST_EXAMPLES:
            del kept[max(kept)]

    def merged(self):
        """Groups whose mean shapes turned out alike put together: [(Group, set of old indices)], the largest first."""
        order = sorted(range(len(self.groups)), key=lambda i: -self.groups[i].count)
        result = []
        for i in order:
            group = self.groups[i]
            directions, heights = _directions(group.mean_mv[None])
            for big, members in result:
                leader = _directions(big.mean_mv[None])[0][0, len(SHIFTS) // 2]
                ratio = heights[0] / max(big.height_mv, 1e-6)
                if big.timing == group.timing and (directions[0] @ leader).max() > ALIKE \
                        and 1 / TIMES_AS_HIGH < ratio < TIMES_AS_HIGH:
                    members.add(i)
                    _absorb(big, group)
                    break
            else:
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
    pieces = np.stack([beats_mv[:, SEEN.start + s:SEEN.stop + s:SEEN.step] for s in SHIFTS], 1).astype(np.float32)
    pieces -= pieces.mean(2, keepdims=True)
    return pieces / (np.linalg.norm(pieces, axis=2, keepdims=True) + 1e-6), np.ptp(pieces[:, len(SHIFTS) // 2], axis=1) + 1e-3


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
    return np.where(inside, signal_mv[np.clip(at, 0, len(signal_mv) - 1)], np.nan).astype(np.float32)
