"""How a context scores: what is done with what networks and tails say. Loads no torch.

The parts are those of models.b2igan.context, which fits what is used here.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import numpy as np

from models.b2igan.own_recording import PRIOR_LIMIT, against_own_recording, followed
from models.b2igan.rhythm_features import tachycardia
from preprocess.beats import Beats
from preprocess.constants import FS_HZ
from preprocess.signal.atrial_fibrillation import fibrillation, like_usual, p_wave_coherence

# Parts that count with each context: of patients met in training, and of unseen ones.
COUNTED = {
    "rhythm": ("beat", "rhythm"),
    "record": ("beat", "rhythm", "neighbours", "qrs", "p", "st"),
}
COUNTED_UNSEEN = COUNTED | {"record": ("rhythm", "qrs", "patient")}
# The patient's own scale: this quantile of the scores that are surely no alarm. It is followed by
# a third, on a logarithmic scale: more would follow unusual beats too (lab book, 25 November).
SCALE_QUANTILE, SCALE_SHARE = 0.9, 1 / 3
USUAL_SCALE, SCALE_LEAST = 3.4, 1.0  # the median one of DS1; a calmer one is none
SCALE_BEATS = 30  # that it is measured on, at least
# Surely no alarm is what scores less than this, or less than a gap below it in which beats are
# rarer by so much than on both sides: beyond a gap lie the ectopic beats, be they the majority.
NO_ALARM, GAP, RARER = 5.0, (1.5, 4.0), 3.0
GAP_LEVELS, GAP_REACH = np.arange(0.5, 8, 0.1), 0.4  # where beats are counted, and how far around
BEYOND_SHARE = 0.05  # of the beats, at the most frequent score beyond a gap
PIECE_BEATS = 3000  # a long recording is taken in pieces of some half an hour, to follow drift
BEAT_WEIGHT = 1.5  # of the beat's negative log tail against the rhythm's log odds, in the prior
IN_FIBRILLATION = 1.5  # taken from the rhythm's log odds there: no beat has a time to come at

Values = dict[str, np.ndarray]


class ContextScore:
    """counted: {context: names of its parts}; rhythm: has score(R peaks); patient: has
    score(beats_mv, rows of references), or None for patients met in training; tails: {part: values
    to their negative log tails}."""

    counted: Mapping[str, Collection[str]]
    tails: Mapping[str, Callable[[np.ndarray], np.ndarray]]

    def score(
        self,
        beats: Beats,
        beat_scores: np.ndarray,
        context: str,
        left_out: Collection[str] = (),
        uncounted: Collection[str] = (),
    ) -> np.ndarray:
        """Whole recordings, each in order of time, to scores (n,). uncounted: names of parts that
        are not in the score, but help to choose reference beats."""
        if context == "rhythm":  # the beat is not held against its own recording
            beats = replace(beats, known_normal=None)
        result = np.zeros(len(beats))
        for name in np.unique(beats.record):
            rows = np.flatnonzero(beats.record == name)
            parts = self.parts(beats[rows], beat_scores[rows], left_out)
            result[rows] = self._combined(parts, context, {*left_out, *uncounted})
        return result

    def _combined(self, parts: Values, context: str, uncounted: Collection[str]) -> np.ndarray:
        """Parts of one whole recording to scores (n,)."""
        counted = [parts[part] for part in self.counted[context] if part not in uncounted]
        if self.patient is None or context != "record":
            return sum(counted, np.zeros(len(parts["rhythm"])))
        squares = sum(map(np.square, counted), np.zeros(len(parts["rhythm"])))
        return on_own_scale(np.sqrt(squares))

    def parts(
        self, beats: Beats, beat_scores: np.ndarray, left_out: Collection[str] = ()
    ) -> Values:
        """One whole recording to {part: negative log tail (n,)}."""
        return self._tails_of(self.values(beats, beat_scores, left_out))

    def _tails_of(self, values: Values) -> Values:
        return {name: tail(values[name]) for name, tail in self.tails.items()}

    def values(
        self, beats: Beats, beat_scores: np.ndarray, left_out: Collection[str] = ()
    ) -> Values:
        """The same, before it becomes a negative log tail."""
        rhythm = self.rhythm.score(beats.sample)
        if self.patient is None and beats.known_normal is not None:
            # Of a patient met again, minutes that nobody has looked at may have drifted.
            beat_scores = followed(beat_scores, rhythm < 0, self.tails["beat"].median())
        prior = self._prior(beats, beat_scores, left_out)
        found, reference = against_pieces(beats, prior)
        if self.patient is not None:
            found["patient"] = self.patient.score(beats.beat_mv, reference)
            rhythm -= IN_FIBRILLATION * in_fibrillation(beats)
        return {"beat": beat_scores, "rhythm": rhythm, **found}

    def references(self, beats: Beats, beat_scores: np.ndarray) -> np.ndarray:
        """Rows of the beats of one recording that are presumed normal."""
        return against_pieces(beats, self._prior(beats, beat_scores, ()))[1]

    def _prior(
        self, beats: Beats, beat_scores: np.ndarray, left_out: Collection[str]
    ) -> np.ndarray:
        """What beat and rhythm say (n,), before the recording has been looked at.

        Of unseen patients the rhythm alone does, and whether it is fast.
        """
        sources = {"rhythm": self.rhythm.score(beats.sample)}  # [n]
        if self.patient is None:
            sources["beat"] = BEAT_WEIGHT * self.tails["beat"](beat_scores)
        else:
            sources["rhythm"] += tachycardia(beats.sample)
        prior = np.zeros(len(beats))
        for name, source in sources.items():
            if name not in left_out:
                prior += source
        prior = np.clip(prior, -PRIOR_LIMIT, PRIOR_LIMIT)
        if beats.known_normal is not None:
            prior[beats.known_normal] = -PRIOR_LIMIT
        return prior


def on_own_scale(scores: np.ndarray) -> np.ndarray:
    """Scores (n,) of one recording, taken towards the scale of its own unremarkable beats.

    A restless recording's alarms become fewer, and a calm one's subtle beats stand out.
    """
    unremarkable = scores[scores < no_alarm_below(scores)]
    if len(unremarkable) < SCALE_BEATS:
        return scores
    own = max(np.quantile(unremarkable, SCALE_QUANTILE), SCALE_LEAST)
    return scores / (own / USUAL_SCALE) ** SCALE_SHARE


def no_alarm_below(scores: np.ndarray) -> float:
    """The score of one recording's beats (n,) below which surely none is abnormal."""
    ordered = np.sort(scores)
    last, first = (np.searchsorted(ordered, GAP_LEVELS + by) for by in (GAP_REACH, -GAP_REACH))
    share = (last - first) / len(scores)  # of the beats, around each level
    before, beyond = np.maximum.accumulate(share), np.maximum.accumulate(share[::-1])[::-1]
    lowest, highest = GAP
    is_gap = (GAP_LEVELS >= lowest) & (GAP_LEVELS < highest) & (beyond >= BEYOND_SHARE)
    is_gap &= np.minimum(before, beyond) >= RARER * share
    return GAP_LEVELS[is_gap][share[is_gap].argmin()] if is_gap.any() else NO_ALARM


def in_fibrillation(beats: Beats) -> np.ndarray:
    """Beats of one recording, in order of time, to (n,) bool."""
    rr_s = np.diff(beats.sample, prepend=beats.sample[:1]) / FS_HZ
    rr_s[:1] = np.nan
    usual, p_coherence = beats.usual, beats.p_coherence
    if usual is None or p_coherence is None:
        usual = like_usual(beats.beat_mv)
        p_coherence = p_wave_coherence(beats.beat_mv, rr_s, usual)
    return fibrillation(rr_s, ~usual, p_coherence)


def against_pieces(beats: Beats, prior: np.ndarray) -> tuple[Values, np.ndarray]:
    """Each piece of the recording against its own reference beats, whose rows are given too."""
    n_pieces = max(1, round(len(beats) / PIECE_BEATS))
    found, references = [], []
    for rows in np.array_split(np.arange(len(beats)), n_pieces):
        values, reference = against_own_recording(beats[rows], prior[rows])
        found.append(values)
        references.append(rows[reference])
    joined = {name: np.concatenate([values[name] for values in found]) for name in found[0]}
    return joined, np.concatenate(references)
