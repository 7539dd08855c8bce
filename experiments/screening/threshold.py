"""From which score on a beat of this patient is flagged."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from experiments.screening.scoring import ScoredBlock
from preprocess import BadInput
from preprocess.constants import FS_HZ, WINDOW
from preprocess.readers.source import Source
from preprocess.signal import quality

SHORTEST_CALIBRATION_S, FEWEST_BEATS = 10.0, 5  # to calibrate on
PRESUMED_NORMAL = 0.1  # share of the first minutes' beats, of those with the lowest scores
TAIL = 0.02  # share of held-out normal beats whose scores shape the tail beyond the last of them
BEATS_PER_HOUR = 4500.0  # 75 a minute, where no heart rate could be measured
HIGHEST_RATE = 0.5  # no more than half of the normal beats may be flagged
HALVINGS = 100  # of the interval that holds the threshold: down to the last bit


@dataclass(frozen=True)
class PatientThreshold:
    """What a score means: quantiles of held-out normal beats' scores, moved to this patient's.

    quantiles: lowest first; shift: added to them; rate: share of normal beats that may be flagged,
    per_hour: what was asked for where that was a number an hour; references_mv: (k, 320), the half
    of the beats that the threshold was set on with the lower scores, and record_median_mv: (320,),
    their median.
    """

    quantiles: np.ndarray
    shift: float
    rate: float
    record_median_mv: np.ndarray
    references_mv: np.ndarray
    per_hour: float | None

    def tail_probability(self, scores) -> np.ndarray:
        """Share of normal beats that score so high; beyond the held-out ones an exponential."""
        scores, levels = np.asarray(scores) - self.shift, np.linspace(1, 0, len(self.quantiles))
        start = np.searchsorted(-levels, -TAIL)
        mean_excess = max(float(np.mean(self.quantiles[start:] - self.quantiles[start])), 1e-6)
        beyond = levels[start] * np.exp(-(scores - self.quantiles[start]) / mean_excess)
        within = np.interp(scores, self.quantiles, levels)
        return np.where(scores > self.quantiles[start], beyond, within)

    @cached_property
    def value(self) -> float:
        """The score above which a beat is flagged: where tail_probability falls to the rate."""
        low = self.quantiles[0] + self.shift
        high = self.quantiles[-1] + self.shift + 50 * np.ptp(self.quantiles)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if self.tail_probability(middle) > self.rate:
                low = middle
            else:
                high = middle
        return high


def calibration_spans(source: Source, settings) -> Iterator[tuple[int, int]]:
    """(start, end) in samples at FS_HZ to calibrate on: the known normal stretch; or the first
    minutes and, for as long as too little of them can be read, the next ones.

    settings: known_normal (minutes, or None), calibration_minutes.
    """
    known = settings.known_normal
    stretch_s = 60 * np.array(known or (0, settings.calibration_minutes))
    in_bins = np.round(stretch_s * FS_HZ / quality.BIN) * quality.BIN
    start, end = np.minimum(in_bins, source.length).astype(int).tolist()
    if end - start < SHORTEST_CALIBRATION_S * FS_HZ:
        raise BadInput(
            f"{source.path} is {source.duration_s / 60:.1f} min long: nothing is left "
            "of the stretch to calibrate on"
        )
    yield start, end
    while known is None and end < source.length:
        start, end = end, min(2 * end - start, source.length)
        yield start, end


def calibrate(
    blocks: Iterable[ScoredBlock], context: str, quantiles: Sequence[float], settings
) -> PatientThreshold:
    """The patient's threshold, from the first of some blocks that has enough beats, or the last.

    blocks: of calibration_spans; quantiles: of held-out normal beats' scores with this context;
    settings: known_normal, false_alarm_rate or else false_alarms_per_hour.

    The block gives the heart rate, by which alarms per hour become a share of beats, and what a
    beat usually looks like. The median score of a known normal stretch is set to that of held-out
    normal beats. First minutes may hold many abnormal beats: there the tenth with the lowest scores
    (PRESUMED_NORMAL) stands in. With context `record` first minutes shift nothing, as scores are
    measured against the recording's own beats already; a second time would lose a twentieth of the
    ventricular beats.
    """
    known = settings.known_normal is not None
    quantiles = np.asarray(quantiles, float)
    for block in blocks:
        if len(block.scores) >= FEWEST_BEATS:
            break
    # how far this patient's normal beats score above those of others
    shift = 0.0
    if (known or context != "record") and len(block.scores) >= FEWEST_BEATS:
        at = 0.5 if known else PRESUMED_NORMAL
        shift = float(np.quantile(block.scores, at) - np.quantile(quantiles, at))
    # alarms an hour as a share of beats
    beats_per_hour = BEATS_PER_HOUR
    if len(block.beats) > 1:
        beats_per_hour = 3600 / float(np.nanmedian(block.beats.rr_s[:, 0]))
    per_hour = None if settings.false_alarm_rate else settings.false_alarms_per_hour
    rate = settings.false_alarm_rate or min(per_hour / beats_per_hour, HIGHEST_RATE)
    # what a beat usually looks like
    references_mv = np.zeros((1, WINDOW))
    if len(block.beats):
        references_mv = block.beats.beat_mv[block.scores <= np.median(block.scores)]
    record_median_mv = np.median(references_mv, 0)
    return PatientThreshold(quantiles, shift, rate, record_median_mv, references_mv, per_hour)
