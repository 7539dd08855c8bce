"""Context: what the rhythm and the rest of the recording say about a beat.

No label of any abnormal beat is involved. Parts, each turned into a negative log tail, -log of the
share of normal beats with such a value or more:

    beat        the score of the beat's own window
    rhythm      whether it comes when a normal beat would (models.b2igan.rhythm)
    neighbours  mean of what beat and rhythm say of the beats of the recording most like it
    qrs p st    distance of each region from the recording's reference beats, noise allowed for.
                Reference beats are those that beat, rhythm and neighbours presume normal; the
                most frequent beats of a recording may be abnormal ones
    patient     log odds of being synthetic, by a GAN that is given the reference beats
                (models.b2igan.patient_gan)

Where the tested patients were trained on, the score is the sum of beat, rhythm, neighbours, qrs, p
and st. For unseen patients it is the root of the sum of the squares of rhythm, qrs and patient: in
a sum, a beat that is only early, or only of another shape, would be lost among parts that are
usual; and the beat's own score, learnt from other people, makes it worse. It is then scaled by what
is usual in the recording. In fibrillation the rhythm counts less.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from models.b2igan.own_recording import (
    PRIOR_LIMIT,
    against_own_recording,
    corrected_for_drift,
)
from models.b2igan.patient_gan import PatientGAN
from models.b2igan.rhythm import Rhythm, tachycardia
from preprocess.beats import Beats
from preprocess.constants import FS_HZ
from preprocess.signal.atrial_fibrillation import fibrillation, like_usual, p_wave_coherence

TAIL_LEVELS = 256
# Parts that count with each context: of known recordings, and of unseen patients.
COUNTED = {
    "rhythm": ("beat", "rhythm"),
    "record": ("beat", "rhythm", "neighbours", "qrs", "p", "st"),
}
COUNTED_UNSEEN = COUNTED | {"record": ("rhythm", "qrs", "patient")}
# The recording's own scale: this quantile of its unremarkable scores. Scores are divided by its
# third root: by more, they would be scaled by unusual beats too (lab book, 25 November).
SCALE_QUANTILE, SCALE_SHARE = 0.9, 1 / 3
USUAL_SCALE, SCALE_LEAST = 3.4, 1.0  # the median one of DS1; a calmer one is none
SCALE_BEATS = 30  # that it is measured on, at least
NO_ALARM = 5.0  # what scores less is unremarkable
PIECE_BEATS = 3000  # a trace drifts: each half hour or so has reference beats of its own
BEAT_WEIGHT = 1.5  # of the beat's negative log tail against the rhythm's log odds, in the prior
IN_FIBRILLATION = 1.5  # less of the rhythm's log odds there: no beat has a time to come at

Values = dict[str, np.ndarray]


class ScoredRecording(NamedTuple):
    """A whole recording, in order of time, and what is known of its n beats."""

    beats: Beats
    beat_scores: np.ndarray  # (n,), of each beat's own window
    normal: np.ndarray  # (n,) bool; of the others nothing is known


class NegativeLogTail(nn.Module):
    """A value to -log of the share of normal beats at or above it."""

    def __init__(self):
        super().__init__()
        self.register_buffer("values", torch.zeros(TAIL_LEVELS, dtype=torch.float64))
        self.register_buffer("log_tails", torch.zeros(TAIL_LEVELS, dtype=torch.float64))

    def fit(self, normals: np.ndarray) -> None:
        """normals: (n,) values of normal beats."""
        shares = np.geomspace(1, 1 / max(2, len(normals)), TAIL_LEVELS)
        values = np.maximum.accumulate(np.quantile(normals, 1 - shares))
        self.values.copy_(torch.as_tensor(values))
        self.log_tails.copy_(torch.as_tensor(-np.log(shares)))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return np.interp(values, self.values.cpu().numpy(), self.log_tails.cpu().numpy())

    def median(self) -> float:
        """The value that half of the normal beats are above."""
        return float(np.interp(np.log(2), self.log_tails.cpu().numpy(), self.values.cpu().numpy()))


class Context(nn.Module):
    """Fitted on recordings of training patients, of which only the normal beats' labels are known;
    scores any other.

    `beat_scores` (n,) are those of each beat's own window. `left_out` names parts that are used
    neither in the score nor in choosing reference beats.
    """

    def __init__(self, known_recordings: bool):
        """known_recordings: whether the tested recordings are among those it is fitted on, with
        more than their first minutes."""
        super().__init__()
        self.counted = COUNTED if known_recordings else COUNTED_UNSEEN
        self.rhythm = Rhythm()
        self.patient = None if known_recordings else PatientGAN()
        parts = {name for counted in self.counted.values() for name in counted}
        self.tails = nn.ModuleDict({name: NegativeLogTail() for name in sorted(parts)})

    # --- the score ------------------------------------------------------------------------------

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
            # Since someone looked at a recording's first minutes it may have drifted.
            beat_scores = corrected_for_drift(beat_scores, rhythm < 0, self.tails["beat"].median())
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
        """The prior score (n,), from beat and rhythm; of unseen patients from the rhythm and its
        rate alone."""
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

    # --- fitting --------------------------------------------------------------------------------

    def fit(
        self,
        recordings: list[ScoredRecording],
        calibration_scores: np.ndarray,
        left_out: Collection[str],
        seed: int,
        w_adv: float = 1.0,
    ) -> Values | None:
        """calibration_scores: (m,) of normal beats that the GAN was not trained on.

        For unseen patients, returns {context: scores} of all normal beats in the order of the
        recordings, by networks that were not trained on their patient. Tails and thresholds are
        measured on these, as scores of unseen patients are spread more widely.
        """
        self.tails["beat"].fit(calibration_scores)
        if self.patient is None:
            self._fit_networks(recordings, left_out, seed, w_adv)
            self.calibrate(recordings, calibration_scores, left_out)
            return None
        # Cross-fitting: each half of the patients is scored by networks of the other half.
        values = [{} for _ in recordings]
        for k in range(min(2, len(recordings))):
            self._fit_networks(recordings[1 - k :: 2] or recordings, left_out, seed, w_adv)
            for i in range(k, len(recordings), 2):
                beats, beat_scores, _ = recordings[i]
                values[i] = self.values(beats, beat_scores, left_out)
        self._fit_tails(recordings, values)
        parts = [self._tails_of(of_record) for of_record in values]
        crossed = {
            context: np.concatenate(
                [
                    self._combined(of_record, context, left_out)[each.normal]
                    for each, of_record in zip(recordings, parts)
                ]
            )
            for context in self.counted
        }
        # What is kept are networks of all patients.
        self._fit_networks(recordings, left_out, seed, w_adv)
        return crossed

    def _fit_networks(self, recordings, left_out, seed, w_adv):
        self.rhythm.fit([(each.beats.sample, each.normal) for each in recordings], seed)
        if self.patient is not None:
            referenced = []
            for beats, beat_scores, normal in recordings:
                prior = self._prior(beats, beat_scores, left_out)
                referenced.append((beats.beat_mv, normal, against_pieces(beats, prior)[1]))
            self.patient.fit(referenced, seed, w_adv)

    def calibrate(
        self,
        recordings: list[ScoredRecording],
        calibration_scores: np.ndarray,
        left_out: Collection[str],
    ) -> None:
        """Fits the tail of each part, by networks that know these recordings."""
        self.tails["beat"].fit(calibration_scores)
        values = [self.values(each.beats, each.beat_scores, left_out) for each in recordings]
        self._fit_tails(recordings, values)

    def _fit_tails(self, recordings: list[ScoredRecording], values: list[Values]) -> None:
        for name in self.tails.keys() - {"beat"}:
            of_normals = [v[name][each.normal] for each, v in zip(recordings, values)]
            self.tails[name].fit(np.concatenate(of_normals))


def on_own_scale(scores: np.ndarray) -> np.ndarray:
    """Scores (n,) of one recording, on a scale nearer to that of its own unremarkable beats.

    Where they score high, fewer beats are flagged; where they score low, subtle ones are.
    """
    unremarkable = scores[scores < NO_ALARM]
    if len(unremarkable) < SCALE_BEATS:
        return scores
    own = max(np.quantile(unremarkable, SCALE_QUANTILE), SCALE_LEAST)
    return scores / (own / USUAL_SCALE) ** SCALE_SHARE


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
    """`against_own_recording`, piece by piece of a recording."""
    n_pieces = max(1, round(len(beats) / PIECE_BEATS))
    found, references = [], []
    for rows in np.array_split(np.arange(len(beats)), n_pieces):
        values, reference = against_own_recording(beats[rows], prior[rows])
        found.append(values)
        references.append(rows[reference])
    joined = {name: np.concatenate([values[name] for values in found]) for name in found[0]}
    return joined, np.concatenate(references)
