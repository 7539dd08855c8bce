"""Context: what the rhythm and the rest of the recording say about a beat.

No label of any abnormal beat is involved. Parts, each turned into a negative log tail, -log of the
share of normal beats with such a value or more:

    beat        the score of the beat's own window
    rhythm      whether it comes when a normal beat would (models.b2igan.rhythm)
    timing      the same, but that a beat after one of another QRS may also be judged by the clock
                of the sinus node, which an interpolated beat does not stop
    neighbours  mean prior score, what beat and rhythm say, of the beats of the recording that
                look most like it
    qrs         distance of its QRS from the recording's reference beats, in the mean of all leads
                (models.b2igan.own_recording): beats that the rhythm presumes normal, as the most
                frequent ones may be abnormal

Where the tested recordings were trained on, the score is the sum of beat, timing, neighbours and
qrs. For unseen patients it is the root of the sum of the squares of timing, qrs and half of
neighbours: in a sum, a beat that is only early, or only of another shape, would be lost; and the
beat's own score, learnt from other people, makes it worse.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from models.b2igan.own_recording import (
    against_own_recording,
    aligned,
    corrected_for_drift,
    mean_of_look_alikes,
)
from models.b2igan.rhythm import Rhythm, tachycardia
from preprocess.beats import Beats

TAIL_LEVELS = 256
COUNTED = {"rhythm": ("beat", "rhythm"), "record": ("beat", "timing", "neighbours", "qrs")}
COUNTED_UNSEEN = COUNTED | {"record": ("timing", "neighbours", "qrs")}
NEIGHBOURS_WEIGHT = 0.5  # of neighbours, for unseen patients
OTHER_QRS = np.log(5)  # log distance from which a QRS is no beat of the sinus node
PRIOR_LIMIT = 6.0  # of a prior score, either way
BEAT_WEIGHT = 1.5  # of the beat's negative log tail against the rhythm's log odds, in the prior

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

    left_out: Collection[str] = ()

    def __init__(self, known_recordings: bool):
        """known_recordings: whether the tested recordings are among those it is fitted on, with
        more than their first minutes."""
        super().__init__()
        self.known_recordings = known_recordings
        self.counted = COUNTED if known_recordings else COUNTED_UNSEEN
        self.rhythm = Rhythm()
        parts = {name for counted in self.counted.values() for name in counted}
        self.tails = nn.ModuleDict({name: NegativeLogTail() for name in sorted(parts)})

    # --- the score ------------------------------------------------------------------------------

    def score(self, beats: Beats, beat_scores: np.ndarray, context: str) -> np.ndarray:
        """Whole recordings, each in order of time, to scores (n,)."""
        result = np.zeros(len(beats))
        for name in np.unique(beats.record):
            rows = np.flatnonzero(beats.record == name)
            parts = self.parts(self.values(beats[rows], beat_scores[rows], context))
            result[rows] = self._combined(parts, context)
        return result

    def _combined(self, parts: Values, context: str) -> np.ndarray:
        """Parts of one whole recording to scores (n,)."""
        counted = {part: parts[part] for part in self.counted[context] if part not in self.left_out}
        total = np.zeros(len(parts["rhythm"]))
        if self.known_recordings or context != "record":
            return sum(counted.values(), total)
        if "neighbours" in counted:
            counted["neighbours"] = NEIGHBOURS_WEIGHT * counted["neighbours"]
        return np.sqrt(sum(map(np.square, counted.values()), total))

    def parts(self, values: Values) -> Values:
        """Values of one recording to {part: negative log tail (n,)}."""
        return {name: tail(values[name]) for name, tail in self.tails.items() if name in values}

    def values(self, beats: Beats, beat_scores: np.ndarray, context: str = "record") -> Values:
        """One whole recording to {part: value (n,)}; for `rhythm`, of beat and rhythm alone."""
        rhythm = self.rhythm.score(beats.sample)
        if context == "rhythm":  # the beat is not held against its own recording
            return {"beat": beat_scores, "rhythm": rhythm}
        if self.known_recordings and beats.known_normal is not None:
            # Minutes that nobody has looked at may have drifted.
            beat_scores = corrected_for_drift(beat_scores, rhythm < 0, self.tails["beat"].median())
        prior = self._prior(beats, beat_scores, rhythm)
        distance = against_own_recording(beats, prior)
        timing = self.rhythm.by_sinus_clock(beats.sample, rhythm, distance > OTHER_QRS)
        found = {"beat": beat_scores, "rhythm": rhythm, "timing": timing, "qrs": distance}
        return found | {"neighbours": mean_of_look_alikes(aligned(beats.beat_mv), prior)}

    def _prior(self, beats: Beats, beat_scores: np.ndarray, rhythm: np.ndarray) -> np.ndarray:
        """What beat and rhythm say (n,), before the recording has been looked at.

        Of unseen patients the rhythm alone does, and whether it is fast.
        """
        prior = np.zeros(len(beats))
        if self.known_recordings and "beat" not in self.left_out:
            prior += BEAT_WEIGHT * self.tails["beat"](beat_scores)
        if not self.known_recordings:
            prior += tachycardia(beats.sample)
        if "timing" not in self.left_out:
            prior += rhythm
        prior = np.clip(prior, -PRIOR_LIMIT, PRIOR_LIMIT)
        if beats.known_normal is not None:
            prior[beats.known_normal] = -PRIOR_LIMIT
        return prior

    # --- fitting --------------------------------------------------------------------------------

    def fit(
        self,
        recordings: list[ScoredRecording],
        calibration_scores: np.ndarray,
        seed: int,
    ) -> Values | None:
        """calibration_scores: (m,) of normal beats that the networks were not trained on.

        For unseen patients, returns {context: scores} of all normal beats in the order of the
        recordings, by networks that were not trained on their patient. Thresholds are measured on
        these, as scores of unseen patients are spread more widely.
        """
        if self.known_recordings:
            self._fit_rhythm(recordings, seed)
            self.calibrate(recordings, calibration_scores)
            return None
        # Cross-fitting: networks of the others score each database, or each half of the only one.
        values = [{} for _ in recordings]
        groups = _databases(recordings)
        for group in np.unique(groups):
            others = [each for each, of in zip(recordings, groups) if of != group]
            self._fit_rhythm(others or recordings, seed)
            for i in np.flatnonzero(groups == group):
                beats, beat_scores, _ = recordings[i]
                values[i] = self.values(beats, beat_scores)
        # What is kept are networks of all patients, and tails of these.
        self._fit_rhythm(recordings, seed)
        self.calibrate(recordings, calibration_scores)
        parts = [self.parts(of_record) for of_record in values]
        return {
            context: np.concatenate(
                [
                    self._combined(of_record, context)[each.normal]
                    for each, of_record in zip(recordings, parts)
                ]
            )
            for context in self.counted
        }

    def _fit_rhythm(self, recordings, seed):
        self.rhythm.fit([(each.beats.sample, each.normal) for each in recordings], seed)

    def calibrate(self, recordings: list[ScoredRecording], calibration_scores: np.ndarray) -> None:
        """Fits the tail of each part, by networks that know these recordings."""
        self.tails["beat"].fit(calibration_scores)
        values = [self.values(each.beats, each.beat_scores) for each in recordings]
        for name in self.tails.keys() - {"beat"}:
            of_normals = [v[name][each.normal] for each, v in zip(recordings, values)]
            self.tails[name].fit(np.concatenate(of_normals))


def _databases(recordings: list[ScoredRecording]) -> np.ndarray:
    """(n,): which database each is of, where records are called FOLDER/NAME; else 0 and 1 in
    turn."""
    names = [str(each.beats.record[0]) for each in recordings]
    folders = np.unique([name.partition("/")[0] for name in names], return_inverse=True)[1]
    return folders if all("/" in name for name in names) else np.arange(len(names)) % 2
