"""Context: what the rhythm and the rest of the recording say about a beat.

No label of any abnormal beat is involved. Parts, each turned into a negative log tail, -log of the
share of normal beats with such a value or more:

    beat        the score of the beat's own window
    rhythm      whether it comes when a normal beat would (models.b2igan.rhythm)
    neighbours  what beat and rhythm say of those beats of the recording that look like it
    qrs p st    how far each region is from the recording's reference beats: not its most frequent
                beats, which may be abnormal ones, but those that beat, rhythm and neighbours
                presume normal; and farther than noise takes it
    patient     whether the GAN that knows whose beat it is, shown the reference beats, holds it
                for synthetic (models.b2igan.patient_gan)

Of patients met in training the parts are added. For unseen ones rhythm, qrs and patient count (what
was learnt of other people's beats is worse than nothing there), as the root of their squares: a
beat that is only early, or only of another shape, is not buried by parts that say nothing. That
score is then taken towards the patient's own scale. In fibrillation the rhythm says less.
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

    In all of it, `beat_scores` (n,) are those of each beat's own window, and what is `left_out`,
    names of parts, has no say in anything.
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
        recordings, by networks that had not met their patient: what is usual among strangers is
        measured on as many as there are.
        """
        self.tails["beat"].fit(calibration_scores)
        if self.patient is None:
            self._fit_networks(recordings, left_out, seed, w_adv)
            self.calibrate(recordings, calibration_scores, left_out)
            return None
        # Half of the patients each, by networks of the other half.
        found = [{} for _ in recordings]
        for k in range(min(2, len(recordings))):
            self._fit_networks(recordings[1 - k :: 2] or recordings, left_out, seed, w_adv)
            for i in range(k, len(recordings), 2):
                beats, beat_scores, _ = recordings[i]
                found[i] = self.values(beats, beat_scores, left_out)
        self._fit_tails([_of(each.normal, values) for each, values in zip(recordings, found)])
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
        self._fit_tails([_of(each.normal, values) for each, values in zip(recordings, found)])

    def _fit_tails(self, found: list[Values]) -> None:
        for name in self.tails.keys() - {"beat"}:
            self.tails[name].fit(np.concatenate([values[name] for values in found]))


def _of(rows: np.ndarray, values: Values) -> Values:
    return {name: value[rows] for name, value in values.items()}
