"""Context: what the rhythm and the rest of the recording say about a beat. No label of any abnormal beat is involved.

Parts, each turned into a surprise, -log of the share of normal beats with such a value or more, and then added:

    beat      the GAN's score of the beat's own window
    rhythm    whether it comes when a normal beat would (models.rhythm)
    group     what beat and rhythm say of those beats of the recording that look like it: a beat keeps its company
    qrs p st  how far each region is from the recording's reference beats: not its most frequent beats, which may be
              abnormal ones, but those that beat, rhythm and group find normal; and farther than noise takes it
    own       how far the generator's latent is from those of the reference beats. For patients never met it takes the
              place of `beat` in the sum: who is strange to the GAN need not be so to himself
"""

import numpy as np
import torch
from scipy.ndimage import median_filter
from torch import nn

from models.b2igan.memory import nearest
from models.b2igan.rhythm import Rhythm
from preprocess.beats import BEFORE
from preprocess.records import FS_HZ

PARTS = {
    "rhythm": ("beat", "rhythm"),
    "record": ("beat", "own", "rhythm", "group", "qrs", "p", "st"),
}
REGIONS = ("qrs", "p", "st")
ALIGN = 7  # samples a beat may be moved by to line its QRS up with the recording's
SEGMENT_BEATS = (
    3000  # a long recording is taken in pieces of some half an hour, so that drift is followed
)
POOL, ALIKE = 1500, 20  # beats searched for look-alikes, and look-alikes averaged
BEAT_WEIGHT = 1.5  # of the beat's surprise against the rhythm's log odds, in the first opinion
OPINION_LIMIT = 6.0
REFERENCE_LEAST, REFERENCE_SHARE, REFERENCE_MOST, REFERENCE_NEIGHBOURS = 0.1, 0.4, 300, 5
LEVELS = 256
NOISE_LAG, NOISE_BEATS = (
    4,
    11,
)  # samples, and neighbouring beats whose median is taken: noise comes in stretches
# What noise of unit variance adds to a squared distance, for each number of a region. Measured on DS1 with synthetic
# muscle noise at 12 and 6 dB; within a tenth of these in three records of four. Latents are taken as they are: with their
# 0.86 the part alone is better in noise (0.958 for 0.887 at 12 dB) and the sum is not (0.988 for 0.990).
NOISE_IN = {"qrs": 0.70, "p": 0.48, "st": 0.82, "own": 0.0}


class Surprise(nn.Module):
    """A value to -log of the share of normal beats at or above it."""

    def __init__(self):
        super().__init__()
        self.register_buffer("values", torch.zeros(LEVELS, dtype=torch.float64))
        self.register_buffer("surprises", torch.zeros(LEVELS, dtype=torch.float64))

    def fit(self, normals):
        shares = np.geomspace(1, 1 / max(2, len(normals)), LEVELS)
        values = np.maximum.accumulate(np.quantile(normals, 1 - shares))
        self.values.copy_(torch.as_tensor(values))
        self.surprises.copy_(torch.as_tensor(-np.log(shares)))

    def __call__(self, values):
        return np.interp(values, self.values.cpu().numpy(), self.surprises.cpu().numpy())


class Context(nn.Module):
    """Fitted on recordings of training patients, of which only the normal beats' labels are known; scores any other."""

    def __init__(self):
        super().__init__()
        self.rhythm = Rhythm()
        self.surprise = nn.ModuleDict(
            {name: Surprise() for name in ("beat", "own", "rhythm", "group", *REGIONS)}
        )

    def fit(self, recordings, held_out_scores, left_out, seed):
        """recordings: [(Beats, scores alone (n,), latents (n, d) or None of patients met, normal (n,) bool), ...], each
        whole and in order; held_out_scores: (m,) of normal beats that the GAN was not trained on; left_out: names not to
        use."""
        self.rhythm.fit([(beats.sample, normal) for beats, *_, normal in recordings], seed)
        self.calibrate(recordings, held_out_scores, left_out)

    def calibrate(self, recordings, held_out_scores, left_out):
        """What is usual among normal beats, for each part."""
        self.surprise["beat"].fit(held_out_scores)
        found = [
            {
                name: values[normal]
                for name, values in self.values(beats, scores, latents, left_out).items()
            }
            for beats, scores, latents, normal in recordings
        ]
        for name in found[0].keys() - {"beat"}:
            self.surprise[name].fit(np.concatenate([part[name] for part in found]))

    def score(self, beats, scores, latents, context, left_out=()):
        """One whole recording to the sum (n,) of its parts."""
        parts = self.parts(beats, scores, latents, left_out)
        return sum(
            (parts[name] for name in PARTS[context] if name in parts and name not in left_out),
            np.zeros(len(beats)),
        )

    def parts(self, beats, scores, latents=None, left_out=()):
        """One whole recording to {part: surprise (n,)}; latents (n, d), or None of patients that were met."""
        found = self.values(beats, scores, latents, left_out)
        return {name: self.surprise[name](values) for name, values in found.items()}

    def values(self, beats, scores, latents=None, left_out=()):
        """The same, before it becomes a surprise. What is left out has no say in the others either."""
        rhythm = self.rhythm.score(beats.sample)
        heard = {"rhythm": rhythm, "beat": BEAT_WEIGHT * self.surprise["beat"](scores)}
        opinion = sum((heard[name] for name in heard.keys() - left_out), np.zeros(len(beats)))
        opinion = np.clip(opinion, -OPINION_LIMIT, OPINION_LIMIT)
        if beats.known_normal is not None:
            opinion[beats.known_normal] = -OPINION_LIMIT
        pieces = np.array_split(np.arange(len(beats)), max(1, round(len(beats) / SEGMENT_BEATS)))
        found = [
            against_own_recording(
                beats[rows], opinion[rows], None if latents is None else latents[rows]
            )
            for rows in pieces
        ]
        alone = {"beat": scores} if latents is None else {}
        return {
            **alone,
            "rhythm": rhythm,
            **{k: np.concatenate([f[k] for f in found]) for k in found[0]},
        }


def against_own_recording(beats, opinion, latents=None):
    """Beats of a recording and a first opinion of each (n,), higher is more abnormal, to {"group", REGIONS and, with
    latents (n, d), "own": (n,)}."""
    rng, shape = np.random.default_rng(0), regions(beats.beat_mv)
    pool = np.sort(rng.permutation(len(beats))[:POOL])
    by_qrs_and_p = _mean_of_alike(np.concatenate([shape["qrs"], 3 * shape["p"]], 1), opinion, pool)
    by_qrs = _mean_of_alike(shape["qrs"], opinion, pool)
    reference = choose_reference(
        opinion + by_qrs_and_p + by_qrs, by_qrs_and_p, beats.known_normal, rng
    )
    noise = noise_level(beats.beat_mv)
    excess = np.maximum(noise**2 - np.median(noise[reference]) ** 2, 0)
    compared = {name: shape[name] for name in REGIONS} | (
        {} if latents is None else {"own": latents}
    )
    return {
        "group": by_qrs_and_p,
        **{
            name: _distance(of, reference, NOISE_IN[name] * excess) for name, of in compared.items()
        },
    }


def choose_reference(opinion, group, known_normal, rng):
    """Rows of the beats that stand for what is normal in this recording; known normal beats (or None) always do."""
    n = len(opinion)
    trusted = int(0.6 * (group < 0).sum())
    size = max(int(REFERENCE_LEAST * n), min(max(int(REFERENCE_SHARE * n), 40), max(30, trusted)))
    rows = rng.permutation(np.argsort(opinion, kind="stable")[:size])[:REFERENCE_MOST]
    if known_normal is not None:
        rows = np.union1d(rows, rng.permutation(np.flatnonzero(known_normal))[:REFERENCE_MOST])
    return rows


def regions(beats_mv):
    """(n, 320) to {"qrs": (n, 45), "p": (n, 24), "st": (n, 27)}, in heights of the recording's median QRS.

    Beats are lined up on the recording's median QRS first. qrs is -0.10 to 0.15 s from R, p -0.26 to -0.06 s, averaged
    over 14 ms, and st 0.11 to 0.47 s.
    """
    level = beats_mv - np.median(beats_mv[:, ::4], 1, keepdims=True)
    height = _height(beats_mv)
    rows, at = np.arange(len(level))[:, None], BEFORE + _alignment(level)[:, None]

    def cut(start, stop, step=1):
        return level[rows, at + np.arange(start, stop, step)] / height

    qrs, st = cut(-36, 54, 2), cut(40, 173, 5)
    p = np.lib.stride_tricks.sliding_window_view(cut(-94, -20), 5, axis=1)[:, ::3].mean(2)
    return {"qrs": qrs - qrs.mean(1, keepdims=True), "p": p - p.mean(1, keepdims=True), "st": st}


def noise_level(beats_mv):
    """(n, 320), in order of time, to (n,): the standard deviation of what trembles outside the QRS, in heights of the
    recording's median QRS, and as usual among neighbouring beats: a single beat's own shape must not count as noise."""
    away = np.abs(np.arange(NOISE_LAG, beats_mv.shape[1] - NOISE_LAG) - BEFORE) > 0.12 * FS_HZ
    rough = (
        beats_mv[:, NOISE_LAG:-NOISE_LAG]
        - (beats_mv[:, 2 * NOISE_LAG :] + beats_mv[:, : -2 * NOISE_LAG]) / 2
    )
    deviation = (
        np.median(np.abs(rough[:, away][:, ::2]), 1) / 0.6745
    )  # of normally distributed noise
    return median_filter(deviation, NOISE_BEATS, mode="nearest") / _height(beats_mv)


def _height(beats_mv):
    """From the lowest to the highest point of the recording's median QRS, in mV."""
    return np.median(np.ptp(beats_mv[:, 110:175], axis=1)) + 1e-3


def _alignment(level):
    """(n, 320) to shifts (n,) in samples at which each QRS correlates best with the recording's median one."""
    template = np.median(level[:, 110:180], 0)
    around, n = level[:, 110 - ALIGN : 180 + ALIGN], len(template)
    shifted = np.stack(
        [np.pad(template - template.mean(), (k, 2 * ALIGN - k)) for k in range(2 * ALIGN + 1)], 1
    )
    sums, squares = (
        np.cumsum(np.pad(x, ((0, 0), (1, 0))), 1, dtype=float) for x in (around, around**2)
    )
    mean, mean_square = ((total[:, n:] - total[:, :-n]) / n for total in (sums, squares))
    spread = np.sqrt(np.maximum(mean_square - mean**2, 0) * n)
    return np.argmax(around @ shifted / (spread + 1e-3), 1) - ALIGN


def _mean_of_alike(shape, opinion, pool):
    """Shapes (n, d) to the mean opinion (n,) of the pool's most similar beats, the beat itself left out."""
    index = _nearest(shape[pool], shape, min(ALIKE + 1, len(pool)))[1]
    return opinion[pool][index[:, min(1, index.shape[1] - 1) :]].mean(1)


def _distance(shape, reference, noise):
    """Shapes (n, d) to log distances (n,) to their nearest reference beats, in units of what is usual among those, with
    what noise (n,) adds to each number's squared difference."""
    distance = _nearest(shape[reference], shape, min(REFERENCE_NEIGHBOURS + 1, len(reference)))[0]
    is_reference = np.isin(np.arange(len(shape)), reference)
    distance = np.where(
        is_reference, distance[:, -1], distance[:, max(0, distance.shape[1] - 2)]
    )  # not to itself
    usual = np.sqrt(np.median(distance[reference]) ** 2 + shape.shape[1] * noise)
    return np.log((distance + 0.25 * usual + 1e-3) / (1.25 * usual + 1e-3))


def _nearest(points, queries, k):
    points, queries = (
        torch.as_tensor(np.ascontiguousarray(a), dtype=torch.float32) for a in (points, queries)
    )
    distance, index = nearest(points, queries, k)
    return distance.numpy().astype(float), index.numpy()
