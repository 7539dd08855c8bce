"""Context: what the rhythm and the rest of the recording say about a beat.

No label of any abnormal beat is involved. Parts, each turned into a negative log tail, -log of the
share of normal beats with such a value or more, and then added:

    beat           the score of the beat's own window
    rhythm         whether it comes when a normal beat would (models.b2igan.rhythm)
    neighbours     what beat and rhythm say of those beats of the recording that look like it
    qrs p st       how far each region is from the recording's reference beats: not its most
                   frequent beats, which may be abnormal ones, but those that beat, rhythm and
                   neighbours presume normal; and farther than noise takes it
    record_latent  how far the generator's latent is from those of the reference beats. For unseen
                   patients it takes the place of `beat` in the sum: a beat that is far from other
                   patients' normal beats need not be far from the patient's own
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from models.b2igan.own_recording import PRIOR_LIMIT, REGIONS, against_own_recording
from models.b2igan.rhythm import Rhythm
from preprocess.beats import Beats

ADDED = {  # parts that a context adds up, where there are such
    "rhythm": ("beat", "rhythm"),
    "record": ("beat", "record_latent", "rhythm", "neighbours", *REGIONS),
}
PIECE_BEATS = 3000  # a long recording is taken in pieces of some half an hour, to follow drift
BEAT_WEIGHT = 1.5  # of the beat's negative log tail against the rhythm's log odds, in the prior
TAIL_LEVELS = 256

Values = dict[str, np.ndarray]


class ScoredRecording(NamedTuple):
    """A whole recording, in order of time, and what is known of its n beats."""

    beats: Beats
    beat_scores: np.ndarray  # (n,), of each beat's own window
    latents: np.ndarray | None  # (n, d) of the generator, for unseen patients alone
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


class Context(nn.Module):
    """Fitted on recordings of training patients, of which only the normal beats' labels are known;
    scores any other.

    In all of it, `beat_scores` (n,) are those of each beat's own window, `latents` (n, d) are given
    for unseen patients alone, and what is `left_out`, names of parts, has no say in anything.
    """

    def __init__(self):
        super().__init__()
        self.rhythm = Rhythm()
        self.tails = nn.ModuleDict(
            {name: NegativeLogTail() for name in dict.fromkeys(sum(ADDED.values(), ()))}
        )

    def fit(
        self,
        recordings: list[ScoredRecording],
        calibration_scores: np.ndarray,
        left_out: Collection[str],
        seed: int,
    ) -> None:
        """calibration_scores: (m,) of normal beats that the GAN was not trained on."""
        self.rhythm.fit([(each.beats.sample, each.normal) for each in recordings], seed)
        self.calibrate(recordings, calibration_scores, left_out)

    def calibrate(
        self,
        recordings: list[ScoredRecording],
        calibration_scores: np.ndarray,
        left_out: Collection[str],
    ) -> None:
        """What is usual among normal beats, for each part."""
        self.tails["beat"].fit(calibration_scores)
        found = []
        for beats, beat_scores, latents, normal in recordings:
            values = self.values(beats, beat_scores, latents, left_out)
            found.append({name: value[normal] for name, value in values.items()})
        for name in found[0].keys() - {"beat"}:
            self.tails[name].fit(np.concatenate([values[name] for values in found]))

    def score(
        self,
        beats: Beats,
        beat_scores: np.ndarray,
        latents: np.ndarray | None,
        context: str,
        left_out: Collection[str] = (),
    ) -> np.ndarray:
        """Whole recordings, each in order of time, to scores (n,): the sum of their parts."""
        if context == "rhythm":
            latents = None  # the beat is not held against its own recording
        result = np.zeros(len(beats))
        for name in np.unique(beats.record):
            rows = np.flatnonzero(beats.record == name)
            of_record = None if latents is None else latents[rows]
            parts = self.parts(beats[rows], beat_scores[rows], of_record, left_out)
            for part in ADDED[context]:
                if part in parts and part not in left_out:
                    result[rows] += parts[part]
        return result

    def parts(
        self,
        beats: Beats,
        beat_scores: np.ndarray,
        latents: np.ndarray | None = None,
        left_out: Collection[str] = (),
    ) -> Values:
        """One whole recording to {part: negative log tail (n,)}."""
        found = self.values(beats, beat_scores, latents, left_out)
        return {name: self.tails[name](values) for name, values in found.items()}

    def values(
        self,
        beats: Beats,
        beat_scores: np.ndarray,
        latents: np.ndarray | None = None,
        left_out: Collection[str] = (),
    ) -> Values:
        """The same, before it becomes a negative log tail."""
        # The prior score: what beat and rhythm say, before the recording has been looked at.
        rhythm = self.rhythm.score(beats.sample)  # [n]
        sources = {"rhythm": rhythm, "beat": BEAT_WEIGHT * self.tails["beat"](beat_scores)}
        prior = np.zeros(len(beats))
        for name, source in sources.items():
            if name not in left_out:
                prior += source
        prior = np.clip(prior, -PRIOR_LIMIT, PRIOR_LIMIT)
        if beats.known_normal is not None:
            prior[beats.known_normal] = -PRIOR_LIMIT

        # Each piece of the recording against its own reference beats.
        n_pieces = max(1, round(len(beats) / PIECE_BEATS))
        pieces = [
            against_own_recording(
                beats[rows], prior[rows], None if latents is None else latents[rows]
            )
            for rows in np.array_split(np.arange(len(beats)), n_pieces)
        ]
        recording = {name: np.concatenate([of[name] for of in pieces]) for name in pieces[0]}
        beat = {"beat": beat_scores} if latents is None else {}
        return {**beat, "rhythm": rhythm, **recording}
