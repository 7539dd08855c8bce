"""Beats to look at, grouped by shape: 3,000 alike are one cluster with its count.

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
EARLY_RR, LATE_RR = 0.85, 1.2  # RR before, in local medians
TIMINGS = ("on time", "early", "late")
MOST_CLUSTERS, MOST_EXAMPLES = 400, 6


@dataclass
class Example:
    """A beat kept to be shown."""

    sample: int
    score: float
    beat_mv: np.ndarray
    image: np.ndarray | None
    rr_s: np.ndarray


@dataclass
class Cluster:
    """Beats of one shape.

    leader: (d,) direction that others are compared with; timing: of the usual shape, which is
    separated by when its beats come; "" for any other; examples: {hash of the sample: Example}, an
    even draw from the whole recording.
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
        """Whether a beat of this cluster would become one of its examples."""
        return len(self.examples) < MOST_EXAMPLES or _hash(sample) < max(self.examples)

    def absorb(self, other: "Cluster"):
        self.count += other.count
        self.total_mv = self.total_mv + other.total_mv
        both = self.examples | other.examples
        self.examples = {key: both[key] for key in sorted(both)[:MOST_EXAMPLES]}


class Clusters:
    """Beats as they come: each joins the first cluster that it is like, else it founds one."""

    def __init__(self, record_median_mv: np.ndarray):
        """record_median_mv: (320,), the recording's usual beat."""
        self.usual = _directions(record_median_mv[None])[0][0, UNMOVED]
        self.clusters: list[Cluster] = []

    def add(self, beats_mv: np.ndarray, timing: np.ndarray) -> np.ndarray:
        """(n, 320) and their timings (n,), to the index of each one's cluster (n,)."""
        directions, heights = _directions(beats_mv)
        is_usual = (directions @ self.usual).max(1) > ALIKE
        timing = np.where(is_usual, timing, "")
        result = _first_alike(self.clusters, directions, heights, timing)
        for row in range(len(result)):
            if result[row] >= 0:
                continue
            if len(self.clusters) >= MOST_CLUSTERS:
                result[row] = MOST_CLUSTERS - 1  # what is like nothing else, all together
                continue
            # founds a cluster, which others of these beats may be like
            founded = Cluster(directions[row, UNMOVED].copy(), heights[row], str(timing[row]))
            self.clusters.append(founded)
            free = np.flatnonzero(result < 0)
            alike = _first_alike([founded], directions[free], heights[free], timing[free]) >= 0
            result[free[alike]] = result[row] = len(self.clusters) - 1
        for index in np.unique(result):
            rows = result == index
            self.clusters[index].count += int(rows.sum())
            self.clusters[index].total_mv += beats_mv[rows].sum(0, dtype=float)
        return result

    def merged(self) -> list[tuple[Cluster, set[int]]]:
        """Those with alike means put together: (Cluster, old indices), largest first. Once
        only: they are absorbed."""
        result, leaders = [], []
        for i in sorted(range(len(self.clusters)), key=lambda i: -self.clusters[i].count):
            cluster = self.clusters[i]
            directions, heights = _directions(cluster.mean_mv[None])
            same = _first_alike(leaders, directions, heights, np.array([cluster.timing]))[0]
            if same >= 0:
                result[same][0].absorb(cluster)
                result[same][1].add(i)
            else:
                leaders.append(Cluster(directions[0, UNMOVED], heights[0], cluster.timing))
                result.append((cluster, {i}))
        return sorted(result, key=lambda pair: -pair[0].count)


def _first_alike(clusters, directions, heights, timing):
    """Index (n,) of the first cluster that each beat is like, or -1."""
    if not clusters:
        return np.full(len(heights), -1)
    of_clusters = np.array([cluster.height_mv for cluster in clusters])
    ratio = heights[:, None] / of_clusters  # [n, clusters]
    as_high = (ratio < TIMES_AS_HIGH) & (ratio > 1 / TIMES_AS_HIGH)
    in_time = timing[:, None] == np.array([cluster.timing for cluster in clusters])
    leaders = np.stack([cluster.leader for cluster in clusters])
    correlation = (directions @ leaders.T).max(1)  # [n, shifts, clusters] to [n, clusters]
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
    return np.where(
        relative < EARLY_RR, TIMINGS[1], np.where(relative > LATE_RR, TIMINGS[2], TIMINGS[0])
    )
