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
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from models.b2igan.context_score import (
    COUNTED,
    COUNTED_UNSEEN,
    ContextScore,
    Values,
    against_pieces,
)
from models.b2igan.patient_gan import PatientGAN
from models.b2igan.rhythm import Rhythm
from preprocess.beats import Beats

TAIL_LEVELS = 256


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


class Context(nn.Module, ContextScore):
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
        found = [{} for _ in recordings]
        for k in range(min(2, len(recordings))):
            self._fit_networks(recordings[1 - k :: 2] or recordings, left_out, seed, w_adv)
            for i in range(k, len(recordings), 2):
                beats, beat_scores, _ = recordings[i]
                found[i] = self.values(beats, beat_scores, left_out)
        self._fit_tails([_rows_of(each.normal, values) for each, values in zip(recordings, found)])
        parts = [self._tails_of(values) for values in found]
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
        """What is usual among normal beats, for each part, of patients met in training."""
        self.tails["beat"].fit(calibration_scores)
        found = [self.values(each.beats, each.beat_scores, left_out) for each in recordings]
        self._fit_tails([_rows_of(each.normal, values) for each, values in zip(recordings, found)])

    def _fit_tails(self, found: list[Values]) -> None:
        for name in self.tails.keys() - {"beat"}:
            self.tails[name].fit(np.concatenate([values[name] for values in found]))


def _rows_of(rows: np.ndarray, values: Values) -> Values:
    return {name: value[rows] for name, value in values.items()}
