"""A beat held against its own recording: the beats presumed normal, and how far its QRS is from
theirs.

All beats are lined up and in heights of the recording's QRS.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from scipy.ndimage import median_filter

from models.b2igan.neighbours import nearest_rows
from preprocess.augment import moved
from preprocess.beats import BEFORE, QRS, Beats

# Of the window: where the height of the QRS is measured, and where beats are lined up.
HEIGHT_SPAN, TEMPLATE_SPAN = slice(BEFORE - 30, BEFORE + 35), slice(BEFORE - 30, BEFORE + 40)
QRS_SHIFT = 7  # samples a beat may be moved by to line its QRS up with the recording's
QRS_STEP = 2  # samples

PIECE_BEATS = 3000  # a long recording is taken in pieces of some half an hour, to follow drift
# The reference: a share of the recording, fewer where few beats are presumed normal.
REFERENCE_SHARE, REFERENCE_SHARE_LEAST = 0.4, 0.1
REFERENCE_BEATS, REFERENCE_BEATS_LEAST = 40, 30  # and so many at least, in a short recording
PRESUMED_SHARE = 0.6  # of the beats whose prior score is below 0: how many are trusted
REFERENCE_MOST = 300  # beats that are kept, drawn at random: it bounds the search
KNOWN_MOST = 100  # beats known to be normal that are kept beside those
REFERENCE_NEIGHBOURS = 10  # a distance is that to the tenth nearest of them
LOOK_ALIKES, POOL_BEATS = 20, 1500  # that are averaged; beats searched for them
COARSE = 4  # samples that are averaged where look-alikes are searched for
DRIFT_BEATS = 50  # on either side, half a minute or more: longer than runs of ectopic beats
TINY = 1e-3  # QRS heights or mV, so that a flat recording divides by no zero


def against_own_recording(beats: Beats, prior: np.ndarray) -> np.ndarray:
    """Beats of a recording, in order, and a prior score of each (n,), higher is more abnormal, to
    the log distance (n,) of each QRS from those of the reference beats, in units of what is usual
    among these, in the mean of all leads."""
    rng, distances = np.random.default_rng(0), []
    n_pieces = max(1, round(len(beats) / PIECE_BEATS))
    for rows in np.array_split(np.arange(len(beats)), n_pieces):
        known = None if beats.known_normal is None else beats.known_normal[rows]
        reference = choose_reference(prior[rows], known, rng)
        distances.append(_mean_distance(beats[rows], reference))
    return np.concatenate(distances)


def _mean_distance(beats, reference):
    """(n,), over the leads on which each beat can be read."""
    leads_mv = beats.beat_mv[:, None] if beats.leads_mv is None else beats.leads_mv
    distances = np.full(leads_mv.shape[:2], np.nan)  # [n, leads]
    for k in range(leads_mv.shape[1]):
        there = np.isfinite(leads_mv[:, k, 0])
        referred = np.flatnonzero(np.isin(np.flatnonzero(there), reference))
        if len(referred) >= min(len(reference), REFERENCE_BEATS_LEAST):
            distances[there, k] = qrs_distance(aligned(leads_mv[there, k]), referred)
    nowhere = np.isnan(distances).all(1)
    distances[nowhere] = 0  # too few beats to be held against
    return np.nanmean(distances, 1)


def choose_reference(
    prior: np.ndarray, known_normal: np.ndarray | None, rng: Generator
) -> np.ndarray:
    """Rows of the beats presumed normal: those with the lowest prior scores (n,), the fewer the
    fewer are below 0.

    Where someone has looked at some minutes, known normal beats (n,) bool are among them, and the
    presumed ones are of the other minutes: a trace that has drifted since is held against itself.
    """
    if known_normal is None or not known_normal.any():
        return _presumed_normal(prior, rng)
    known = rng.permutation(np.flatnonzero(known_normal))[:KNOWN_MOST]
    others = np.flatnonzero(~known_normal)
    return np.union1d(known, others[_presumed_normal(prior[others], rng)])


def _presumed_normal(prior, rng):
    n = len(prior)
    presumed = max(REFERENCE_BEATS_LEAST, int(PRESUMED_SHARE * (prior < 0).sum()))
    most = max(REFERENCE_BEATS, int(REFERENCE_SHARE * n))
    size = max(int(REFERENCE_SHARE_LEAST * n), min(most, presumed))
    return rng.permutation(np.argsort(prior, kind="stable")[:size])[:REFERENCE_MOST]


def qrs_distance(traces: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Aligned beats (n, WINDOW) to log distances (n,) of their QRS from those of the nearest
    reference beats, in units of what is usual among those."""
    qrs = traces[:, QRS][:, ::QRS_STEP]  # [n, 45]
    qrs = qrs - qrs.mean(1, keepdims=True)
    return log_distance(qrs, reference, REFERENCE_NEIGHBOURS)


def log_distance(points: np.ndarray, reference: np.ndarray, neighbours: int) -> np.ndarray:
    """Points (n, d) to log distances (n,) from the `neighbours`th nearest of those at rows
    `reference`, in units of what is usual among these."""
    k = min(neighbours + 1, len(reference))
    distance = nearest_rows(points[reference], points, k)[0]  # [n, k]
    # The nearest of a reference beat is itself: it takes one more.
    is_reference = np.isin(np.arange(len(points)), reference)
    distance = np.where(is_reference, distance[:, -1], distance[:, max(0, k - 2)])
    return np.log((distance + TINY) / (np.median(distance[reference]) + TINY))


def mean_of_look_alikes(traces: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Aligned beats (n, WINDOW) of one recording to the mean prior score (n,) of the beats most
    like each, without the beat itself."""
    coarse = traces.reshape(len(traces), -1, COARSE).mean(2)  # [n, 80]
    return prior[look_alikes(coarse, LOOK_ALIKES)].mean(1)


def look_alikes(points: np.ndarray, count: int) -> np.ndarray:
    """Points (n, d) to the rows (n, count) of those most like each, of POOL_BEATS drawn from them,
    without the nearest: itself."""
    pool = np.sort(np.random.default_rng(0).permutation(len(points))[:POOL_BEATS])
    index = nearest_rows(points[pool], points, min(count + 1, len(pool)))[1]
    return pool[index[:, min(1, index.shape[1] - 1) :]]


def corrected_for_drift(scores: np.ndarray, in_time: np.ndarray, usual: float) -> np.ndarray:
    """Scores (n,) of beats in order of time, less what they have all come to lie above the usual.

    Where a trace drifts, its normal beats score higher together. They are those that come in time,
    (n,) bool: the median of DRIFT_BEATS of them on either side is what has drifted.
    """
    rows = np.flatnonzero(in_time)
    if len(rows) < 2 * DRIFT_BEATS:
        return scores
    level = median_filter(scores[rows], 2 * DRIFT_BEATS + 1, mode="nearest")
    level = np.interp(np.arange(len(scores)), rows, level)
    return scores - np.maximum(level - usual, 0)


def normal_versions(beats_mv: np.ndarray, references_mv: np.ndarray) -> np.ndarray:
    """Beats (n, WINDOW) and reference beats (k, WINDOW) of one recording, in mV, to the normal
    version of each, (n, WINDOW) in mV: the mean of the references with the nearest P and T waves,
    where the beat lies."""
    n, both_mv = len(beats_mv), np.concatenate([beats_mv, references_mv])
    where = placement(both_mv)
    traces = aligned(both_mv, where)
    away = np.delete(traces, QRS, 1)
    near = nearest_rows(away[n:], away[:n], REFERENCE_NEIGHBOURS)[1]  # [n, 10]
    normal_mv = traces[n:][near].mean(1) * where.height_mv
    return moved(normal_mv, -where.shift[:n]) + where.level_mv[:n]


# --- lined up and scaled alike


class Placement(NamedTuple):
    """What beats of a recording are lined up and scaled by: the level of each in mV (n, 1), by how
    many samples its QRS is off (n,), and the median height in mV of the recording's QRS."""

    level_mv: np.ndarray
    shift: np.ndarray
    height_mv: float


def placement(beats_mv: np.ndarray) -> Placement:
    """Of beats of one recording (n, WINDOW)."""
    level_mv = np.median(beats_mv[:, ::4], 1, keepdims=True)
    height_mv = np.median(np.ptp(beats_mv[:, HEIGHT_SPAN], axis=1)) + TINY
    return Placement(level_mv, qrs_shift(beats_mv - level_mv), height_mv)


def aligned(beats_mv: np.ndarray, where: Placement | None = None) -> np.ndarray:
    """Beats of one recording (n, WINDOW) in mV to (n, WINDOW) float32, level, in heights of its
    QRS, each moved so that its QRS lies where the recording's does."""
    level_mv, shift, height_mv = where or placement(beats_mv)
    return (moved(beats_mv - level_mv, shift) / height_mv).astype(np.float32)


def qrs_shift(level: np.ndarray) -> np.ndarray:
    """(n, WINDOW) to shifts (n,) in samples at which each QRS correlates best with the recording's
    median one."""
    template = np.median(level[:, TEMPLATE_SPAN], 0)
    n, n_shifts = len(template), 2 * QRS_SHIFT + 1
    around = level[:, TEMPLATE_SPAN.start - QRS_SHIFT : TEMPLATE_SPAN.stop + QRS_SHIFT]
    centred = template - template.mean()
    shifted = np.stack([np.pad(centred, (k, n_shifts - 1 - k)) for k in range(n_shifts)], 1)

    # Mean and spread of each beat under the template, at every shift, from running sums.
    sums, squares = (
        np.cumsum(np.pad(x, ((0, 0), (1, 0))), 1, dtype=float) for x in (around, around**2)
    )
    mean, mean_square = ((total[:, n:] - total[:, :-n]) / n for total in (sums, squares))
    spread = np.sqrt(np.maximum(mean_square - mean**2, 0) * n)  # [n, n_shifts]
    return np.argmax(around @ shifted / (spread + TINY), 1) - QRS_SHIFT
