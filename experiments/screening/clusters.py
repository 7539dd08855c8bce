"""Beats to look at, grouped by shape: 3,000 alike are one group with its count.

Memory does not grow with their number.
"""

from dataclasses import dataclass, field

import numpy as np

from preprocess.beats import BEFORE, WINDOW

ALIKE = 0.9  # correlation from which two shapes are one
TIMES_AS_HIGH = 1.8  # at most so many times as high, or as low, is one shape
SEEN = slice(BEFORE - 72, BEFORE + 144, 3)  # compared: 0.2 s before R to 0.4 s after, every 8 ms
SHIFTS = (-12, -6, 0, 6, 12)  # samples by which a beat may be moved to fit, up to 33 ms
UNMOVED = len(SHIFTS) // 2
FLATTEST_MV = 1e-3  # added to heights, which are divided by
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
    """Beats of one shape.

    leader: (d,) direction that others are compared with; timing: of the usual shape, which is told
    apart by when it comes; "" for any other; examples: {hash of the sample: Example}, an even draw
    from the whole recording.
    """

    leader: np.ndarray
    height_mv: float
    timing: str
    count: int = 0
    total_mv: np.ndarray = field(default_factory=lambda: np.zeros(WINDOW))
    examples: dict[int, Example] = field(default_factory=dict)

    @property
    def mean_mv(self) -> np.ndarray:
        return self.total_mv / max(self.count, 1)

    def add_example(self, example: Example):
        self.examples[_hash(example.sample)] = example
        if len(self.examples) > MOST_EXAMPLES:
            del self.examples[max(self.examples)]

    def wants(self, sample: int) -> bool:
        """Whether a beat of this group would become one of its examples."""
        return len(self.examples) < MOST_EXAMPLES or _hash(sample) < max(self.examples)

    def absorb(self, other: "Group"):
        self.count += other.count
        self.total_mv = self.total_mv + other.total_mv
        both = self.examples | other.examples
        self.examples = {key: both[key] for key in sorted(both)[:MOST_EXAMPLES]}


class Shapes:
    """Groups beats as they come: each joins the first group that it is like, else it founds one."""

    def __init__(self, usual_mv: np.ndarray):
        """usual_mv: (320,), the recording's usual beat."""
        self.usual = _directions(usual_mv[None])[0][0, UNMOVED]
        self.groups: list[Group] = []

    def add(self, beats_mv: np.ndarray, timing: np.ndarray) -> np.ndarray:
        """(n, 320) and their timings (n,), to the index of each one's group (n,)."""
        directions, heights = _directions(beats_mv)
        is_usual = (directions @ self.usual).max(1) > ALIKE
        timing = np.where(is_usual, timing, "")
        result = _first_alike(self.groups, directions, heights, timing)
        for row in range(len(result)):
            if result[row] >= 0:
                continue
            if len(self.groups) >= MOST_GROUPS:
                result[row] = MOST_GROUPS - 1  # what is like nothing else, all together
                continue
            # founds a group, which others of these beats may be like
            founded = Group(directions[row, UNMOVED].copy(), heights[row], str(timing[row]))
            self.groups.append(founded)
            free = np.flatnonzero(result < 0)
            alike = _first_alike([founded], directions[free], heights[free], timing[free]) >= 0
            result[free[alike]] = result[row] = len(self.groups) - 1
        for index in np.unique(result):
            rows = result == index
            self.groups[index].count += int(rows.sum())
            self.groups[index].total_mv += beats_mv[rows].sum(0, dtype=float)
        return result

    def merged(self) -> list[tuple[Group, set[int]]]:
        """Groups whose means turned out alike put together: (Group, old indices), largest first."""
        result, leaders = [], []
        for i in sorted(range(len(self.groups)), key=lambda i: -self.groups[i].count):
            group = self.groups[i]
            directions, heights = _directions(group.mean_mv[None])
            same = _first_alike(leaders, directions, heights, np.array([group.timing]))[0]
            if same >= 0:
                result[same][0].absorb(group)
                result[same][1].add(i)
            else:
                leaders.append(Group(directions[0, UNMOVED], heights[0], group.timing))
                result.append((group, {i}))
        return sorted(result, key=lambda pair: -pair[0].count)


def _first_alike(groups, directions, heights, timing):
    """Index (n,) of the first group that each beat is like, or -1."""
    if not groups:
        return np.full(len(heights), -1)
    ratio = heights[:, None] / np.array([group.height_mv for group in groups])  # [n, groups]
    as_high = (ratio < TIMES_AS_HIGH) & (ratio > 1 / TIMES_AS_HIGH)
    in_time = timing[:, None] == np.array([group.timing for group in groups])
    leaders = np.stack([group.leader for group in groups])
    correlation = (directions @ leaders.T).max(1)  # [n, shifts, groups] to [n, groups]
    fits = as_high & in_time & (correlation > ALIKE)
    return np.where(fits.any(1), fits.argmax(1), -1)


def _hash(sample):
    """A number that looks drawn at random, and is the same in every run (Knuth's multiplier)."""
    return (int(sample) * 2654435761) % (1 << 32)


def _directions(beats_mv):
    """(n, 320) to unit vectors (n, shifts, d) of each beat moved by SHIFTS, and heights (n,)."""
    moved = [beats_mv[:, SEEN.start + s : SEEN.stop + s : SEEN.step] for s in SHIFTS]
    pieces = np.stack(moved, 1).astype(np.float32)
    pieces -= pieces.mean(2, keepdims=True)
    heights = np.ptp(pieces[:, UNMOVED], axis=1) + FLATTEST_MV
    return pieces / (np.linalg.norm(pieces, axis=2, keepdims=True) + 1e-6), heights


def timing_of(rr_before_s: np.ndarray, rr_local_s: np.ndarray) -> np.ndarray:
    """(n,) of TIMINGS."""
    relative = rr_before_s / rr_local_s
    return np.where(relative < EARLY, TIMINGS[1], np.where(relative > LATE, TIMINGS[2], TIMINGS[0]))
