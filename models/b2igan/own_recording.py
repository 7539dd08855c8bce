"""A beat held against its own recording: its neighbours in shape, and the beats presumed normal.

All beats are lined up and in heights of the recording's QRS. Reference beats are those that are
presumed normal. Distances from them are taken region by region, and noise is allowed for.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from scipy.ndimage import median_filter

from models.b2igan.neighbours import nearest_rows
from preprocess.beats import BEFORE, P_WAVE, QRS, ST, WINDOW, Beats
from preprocess.constants import FS_HZ

# Of the window: where the height of the QRS is measured, and where beats are lined up.
HEIGHT_SPAN, TEMPLATE_SPAN = slice(BEFORE - 30, BEFORE + 35), slice(BEFORE - 30, BEFORE + 40)
QRS_SHIFT = 7  # samples a beat may be moved by to line its QRS up with the recording's

QRS_STEP, ST_STEP = 2, 5  # samples
P_MEAN, P_STEP = 5, 3  # it is small beside noise: means over 14 ms, every third of them

PRIOR_LIMIT = 6.0  # of a prior score, either way: no single beat outvotes its look-alikes
POOL_BEATS = 1500  # beats searched for look-alikes
LOOK_ALIKES = 20  # that are averaged
P_WEIGHT = 3.0  # of the P wave beside the QRS, when look-alikes are searched for: it is small

# The reference: a share of the recording, fewer where few beats are presumed normal.
REFERENCE_SHARE, REFERENCE_SHARE_LEAST = 0.4, 0.1
REFERENCE_BEATS, REFERENCE_BEATS_LEAST = 40, 30  # and so many at least, in a short recording
PRESUMED_SHARE = 0.6  # of the beats whose look-alikes score below 0: how many are trusted
REFERENCE_MOST = 300  # beats that are kept, drawn at random: it bounds the search
KNOWN_MOST = 100  # beats known to be normal that are kept beside those
DRIFT_BEATS = 50  # on either side, half a minute or more: longer than runs of ectopic beats
REFERENCE_NEIGHBOURS = 5  # a distance is that to the fifth nearest of them
UNIT_FLOOR = 0.25  # of the usual distance, added: closer than usual means little
TINY = 1e-3  # QRS heights or mV, so that a flat recording divides by no zero
NEAREST_REFERENCES = 12  # that a network is shown beside a beat
COARSE = 4  # samples that are averaged where these are looked for

NOISE_LAG = 4  # samples: a value is compared with the mean of those so far on either side
NOISE_BEATS = 11  # neighbouring beats whose median is taken: noise comes in stretches
NOISE_QRS_S = 0.12  # on either side of R, where fast waves are the QRS
MEDIAN_ABSOLUTE = 0.6745  # of a normal distribution of unit variance
# What noise of unit variance adds to a squared distance, for each number of a region. Measured on
# DS1 with synthetic muscle noise at 12 and 6 dB; within a tenth of these in three records of four.
NOISE_GAIN = {"qrs": 0.70, "p": 0.48, "st": 0.82}


def against_own_recording(
    beats: Beats, prior: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Beats of a recording, in order, and a prior score of each (n,), higher is more abnormal, to
    {"neighbours" and names of regions: (n,)}, and rows of the reference beats."""
    rng = np.random.default_rng(0)
    shape = regions(aligned(beats.beat_mv))

    # What the prior score says of each beat's look-alikes.
    pool = np.sort(rng.permutation(len(beats))[:POOL_BEATS])
    with_p = np.concatenate([shape["qrs"], P_WEIGHT * shape["p"]], 1)  # [n, 69]
    by_qrs_and_p = _mean_of_look_alikes(with_p, prior, pool)
    by_qrs = _mean_of_look_alikes(shape["qrs"], prior, pool)

    # The reference beats, and how much noisier than those each beat is.
    posterior = prior + by_qrs_and_p + by_qrs
    reference = choose_reference(posterior, by_qrs_and_p, beats.known_normal, rng)
    noise = noise_level(beats.beat_mv)
    excess = np.maximum(noise**2 - np.median(noise[reference]) ** 2, 0)

    distances = {
        name: _distance(values, reference, NOISE_GAIN[name] * excess)
        for name, values in shape.items()
    }
    return {"neighbours": by_qrs_and_p, **distances}, reference


def choose_reference(
    score: np.ndarray, neighbours: np.ndarray, known_normal: np.ndarray | None, rng: Generator
) -> np.ndarray:
    """Rows of the beats presumed normal in this recording: those with the lowest scores (n,), the
    fewer the fewer have neighbours below 0.

    Where someone has looked at some minutes, known normal beats (n,) bool are among them, and the
    presumed ones are of the other minutes: a trace that has drifted since is held against itself.
    """
    if known_normal is None or not known_normal.any():
        return _presumed_normal(score, neighbours, rng)
    known = rng.permutation(np.flatnonzero(known_normal))[:KNOWN_MOST]
    others = np.flatnonzero(~known_normal)
    presumed = others[_presumed_normal(score[others], neighbours[others], rng)]
    return np.union1d(known, presumed)


def _presumed_normal(score, neighbours, rng):
    n = len(score)
    presumed = max(REFERENCE_BEATS_LEAST, int(PRESUMED_SHARE * (neighbours < 0).sum()))
    most = max(REFERENCE_BEATS, int(REFERENCE_SHARE * n))
    size = max(int(REFERENCE_SHARE_LEAST * n), min(most, presumed))
    return rng.permutation(np.argsort(score, kind="stable")[:size])[:REFERENCE_MOST]


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


def regions(traces: np.ndarray) -> dict[str, np.ndarray]:
    """Aligned beats (n, WINDOW) to {"qrs": (n, 45), "p": (n, 24), "st": (n, 27)}."""
    qrs, st = traces[:, QRS][:, ::QRS_STEP], traces[:, ST][:, ::ST_STEP]
    p = np.lib.stride_tricks.sliding_window_view(traces[:, P_WAVE], P_MEAN, axis=1)
    p = p[:, ::P_STEP].mean(2)
    return {"qrs": qrs - qrs.mean(1, keepdims=True), "p": p - p.mean(1, keepdims=True), "st": st}


def noise_level(beats_mv: np.ndarray) -> np.ndarray:
    """(n, WINDOW), in order of time, to (n,): the standard deviation of fast waves outside the QRS,
    in heights of the recording's median QRS, the median of neighbouring beats: a single beat's own
    shape must not count as noise."""
    samples = np.arange(NOISE_LAG, beats_mv.shape[1] - NOISE_LAG)
    away = np.abs(samples - BEFORE) > NOISE_QRS_S * FS_HZ
    around = (beats_mv[:, 2 * NOISE_LAG :] + beats_mv[:, : -2 * NOISE_LAG]) / 2
    rough = beats_mv[:, NOISE_LAG:-NOISE_LAG] - around
    deviation = np.median(np.abs(rough[:, away][:, ::2]), 1) / MEDIAN_ABSOLUTE  # [n]
    return median_filter(deviation, NOISE_BEATS, mode="nearest") / qrs_height(beats_mv)


def _mean_of_look_alikes(shape: np.ndarray, prior: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """Shapes (n, d) to the mean prior score (n,) of the pool's most similar beats, without the
    beat itself."""
    index = nearest_rows(shape[pool], shape, min(LOOK_ALIKES + 1, len(pool)))[1]
    return prior[pool][index[:, min(1, index.shape[1] - 1) :]].mean(1)


def _distance(shape: np.ndarray, reference: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Shapes (n, d) to log distances (n,) to their nearest reference beats, in units of what is
    usual among those, with what noise (n,) adds to each number's squared difference."""
    k = min(REFERENCE_NEIGHBOURS + 1, len(reference))
    distance = nearest_rows(shape[reference], shape, k)[0]
    # The nearest of a reference beat is itself: it takes one more.
    is_reference = np.isin(np.arange(len(shape)), reference)
    distance = np.where(is_reference, distance[:, -1], distance[:, max(0, distance.shape[1] - 2)])
    usual = np.sqrt(np.median(distance[reference]) ** 2 + shape.shape[1] * noise)
    return np.log((distance + UNIT_FLOOR * usual + TINY) / ((1 + UNIT_FLOOR) * usual + TINY))


def nearest_references(traces: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Aligned beats (n, WINDOW) and the rows that are references to the rows (n,
    NEAREST_REFERENCES) nearest to each, itself not among them; where there are too few, some are
    repeated."""
    coarse = traces.reshape(len(traces), -1, COARSE).mean(2)  # [n, 80]
    rows = np.asarray(reference)
    wanted = min(NEAREST_REFERENCES + 1, len(rows))
    index = rows[nearest_rows(coarse[rows], coarse, wanted)[1]]  # [n, wanted]
    itself = index == np.arange(len(traces))[:, None]
    itself[~itself.any(1), -1] = True  # of others the farthest is left out
    others = index[~itself].reshape(len(traces), wanted - 1) if wanted > 1 else index
    return others[:, np.arange(NEAREST_REFERENCES) % others.shape[1]]


# --- lined up and scaled alike


class Placement(NamedTuple):
    """What beats of a recording are lined up and scaled by: the level of each in mV (n, 1), by how
    many samples its QRS is off (n,), and the height in mV of the recording's QRS."""

    level_mv: np.ndarray
    shift: np.ndarray
    height_mv: float


def placement(beats_mv: np.ndarray) -> Placement:
    """Of beats of one recording (n, WINDOW)."""
    level_mv = np.median(beats_mv[:, ::4], 1, keepdims=True)
    return Placement(level_mv, qrs_shift(beats_mv - level_mv), qrs_height(beats_mv))


def aligned(beats_mv: np.ndarray, where: Placement | None = None) -> np.ndarray:
    """Beats of one recording (n, WINDOW) in mV to (n, WINDOW) float32, level, in heights of its
    QRS, each moved so that its QRS lies where the recording's does."""
    level_mv, shift, height_mv = where or placement(beats_mv)
    return (_moved(beats_mv - level_mv, shift) / height_mv).astype(np.float32)


def as_recorded(traces: np.ndarray, where: Placement) -> np.ndarray:
    """Means of two samples of aligned beats (n, WINDOW / 2) to where the beats of a placement lie:
    (n, WINDOW) in mV."""
    at = (np.arange(WINDOW) - 0.5) / 2
    fine = np.stack([np.interp(at, np.arange(WINDOW // 2), trace) for trace in traces])
    return _moved(fine * where.height_mv, -where.shift) + where.level_mv


def _moved(beats: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(n, WINDOW), each read so many samples later; ends are held."""
    padded = np.pad(beats, ((0, 0), (QRS_SHIFT, QRS_SHIFT)), mode="edge")
    at = QRS_SHIFT + shift[:, None] + np.arange(WINDOW)
    return np.take_along_axis(padded, at, 1)


def qrs_height(beats_mv: np.ndarray) -> float:
    """From the lowest to the highest point of the recording's median QRS, in mV."""
    return np.median(np.ptp(beats_mv[:, HEIGHT_SPAN], axis=1)) + TINY


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
