"""Atrial fibrillation and flutter: RR intervals without order, and no P wave at its place.

RR irregularity is after Petrenas, Marozas, Sornmo: Low-complexity detection of atrial fibrillation
in continuous long-term monitoring, Comput Biol Med 65:184-191, 2015, written from the paper.
Two things differ from it. Ventricular beats are taken out first, as they are known here.
And RR alone cannot tell fibrillation from sinus arrhythmia or scattered atrial ectopics:
P waves at their place before most beats are evidence against it.
"""

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.signal import lfilter

from preprocess.beats import P_WAVE, QRS
from preprocess.signal.filters import without_line

# Petrenas et al. 2015
WINDOW_BEATS = 8  # of the sliding window
DIFFERENT_S = 0.03  # two RR intervals are different that differ by more
IRREGULAR = 0.725  # share of different pairs per second of RR, from which it is fibrillation
NOT_BIGEMINY = 2e-4  # how far the window's mean RR is from that of its medians of three

SMOOTHING = 0.04  # of the exponential means, a beat; the paper's 0.02 blurs onsets over 50 beats
PLAUSIBLE_RR_S = (0.2, 2.5)  # longer ones hold a missed beat, shorter ones are none
P_AVERAGED = 3  # samples averaged, 8 ms: muscle noise is faster than a P wave
P_BEATS = 16  # among which P waves must be alike; f waves come at any phase and average out
P_PRESENT = 0.30  # coherence, between that of fibrillation (0.05) and of sinus rhythm (0.8)
P_ABSENT, P_MOST_FOR = 3.0, 0.3  # against log irregularity; absent P waves alone are no proof
# In fibrillation hardly an interval is like one of the two before; where more of them are, there
# is an order that irregularity does not see: bigeminy that drifts, or scattered atrial ectopics.
REPEATED, REPEATED_SHARE, REPEATED_BEATS, REPEATED_WEIGHT = 0.04, 0.35, 61, 6.0
SHORTEST_EPISODE_S = 10.0  # of an episode, and of a break in one
LIKE_USUAL = 0.75  # correlation of a QRS with the usual one, for its P wave to count
# A premature beat has its P wave elsewhere: RR below so much of a quantile of the RRs around.
EARLY_RATIO, EARLY_QUANTILE, EARLY_BEATS = 0.9, 0.65, 17


def p_wave_coherence(beats_mv, rr_s, usual=None):
    """How much of what comes before R is the same from beat to beat.

    beats_mv: (n, 320) in order of time; rr_s: (n,) before each, NaN where not known;
    usual: (n,) bool, like_usual(beats_mv) where that is at hand. Returns (n,): about 1 when all
    of it is a P wave that stays, about 0 when nothing stays. Only usual beats that are not
    premature count: as EARLY_BEATS around say, of P_BEATS around each.
    """
    usual = like_usual(beats_mv) if usual is None else usual
    usable = usual & ~_early(_interpolated(rr_s)) if len(rr_s) else usual
    if not usable.any():
        return np.zeros(len(beats_mv))
    waves = beats_mv[:, P_WAVE]
    steps = waves.shape[1] // P_AVERAGED
    waves = waves[:, : steps * P_AVERAGED].reshape(-1, steps, P_AVERAGED).mean(2)
    waves = without_line(waves)
    mean_around = lambda values: uniform_filter1d(values, P_BEATS, axis=0, mode="constant")
    weight = usable.astype(float)
    share = np.maximum(mean_around(weight), 1e-9)
    mean = mean_around(waves * weight[:, None]) / share[:, None]
    mean_energy = np.square(mean).sum(1)
    energy = mean_around(np.square(waves).sum(1) * weight) / share
    # A mean of m waves keeps 1/m of the energy of what differs between them.
    by_chance = (energy - mean_energy) / np.maximum(share * P_BEATS - 1, 1)
    coherence = (mean_energy - by_chance) / np.maximum(energy, 1e-9)
    return np.where(share * P_BEATS > 2.5, np.clip(coherence, 0, 1), 0)


def like_usual(beats_mv):
    """(n, 320) to (n,) bool: QRS shaped as the median one."""
    if not len(beats_mv):
        return np.zeros(0, bool)
    qrs = beats_mv[:, QRS][:, ::2]
    usual = np.median(qrs, 0)
    qrs, usual = qrs - qrs.mean(1, keepdims=True), usual - usual.mean()
    norm = np.linalg.norm(qrs, axis=1) * np.linalg.norm(usual)
    return qrs @ usual > LIKE_USUAL * np.maximum(norm, 1e-9)


def fibrillation(rr_s, ectopic=None, p_coherence=None):
    """Which beats are in atrial fibrillation or flutter.

    rr_s: (n,) before each beat, NaN where not known; ectopic: (n,) bool, ventricular and fusion
    beats, or all that are not like_usual, taken out; p_coherence: (n,) from p_wave_coherence,
    None: RR intervals alone decide.
    Returns (n,) bool.
    """
    if len(rr_s) < 2 * WINDOW_BEATS:
        return np.zeros(len(rr_s), bool)
    rr_s = _interpolated(rr_s, ectopic)
    evidence = np.log(np.maximum(irregularity(rr_s), 1e-3) / IRREGULAR)
    evidence -= REPEATED_WEIGHT * np.maximum(repeated_share(rr_s) - REPEATED_SHARE, 0)
    if p_coherence is not None:
        evidence += P_ABSENT * np.minimum(P_PRESENT - p_coherence, P_MOST_FOR / P_ABSENT)
    return _long_enough(evidence > 0, rr_s)


def irregularity(rr_s):
    """(n,) to (n,): share of pairs of RR intervals that differ, per second; 0 in bigeminy."""
    reach = (WINDOW_BEATS // 2, WINDOW_BEATS - 1 - WINDOW_BEATS // 2)
    padded = np.pad(rr_s, reach, "edge")
    different = np.zeros(len(rr_s), int)
    for lag in range(1, WINDOW_BEATS):
        apart = np.abs(padded[lag:] - padded[:-lag]) > DIFFERENT_S  # [n + WINDOW_BEATS - 1 - lag]
        for first in range(WINDOW_BEATS - lag):
            different += apart[first : first + len(rr_s)]
    irregular = _smooth(different * 2 / (WINDOW_BEATS * (WINDOW_BEATS - 1))) / _smooth(rr_s)
    of_three = median_filter(rr_s, 3, mode="nearest")
    ratio = uniform_filter1d(of_three, WINDOW_BEATS, mode="nearest") / uniform_filter1d(
        rr_s, WINDOW_BEATS, mode="nearest"
    )
    return np.where(_smooth(np.square(ratio - 1)) > NOT_BIGEMINY, irregular, 0)


def repeated_share(rr_s):
    """(n,) to (n,): share of the RR intervals that are like one of the two before, of those just
    before or of those just after, whichever is lower: at its edge fibrillation has order beside."""
    log_rr = np.log(rr_s)
    before, second = (np.r_[np.full(lag, np.inf), log_rr[:-lag]] for lag in (1, 2))
    alike = (np.abs(log_rr - before) < REPEATED) | (np.abs(log_rr - second) < REPEATED)
    size = min(REPEATED_BEATS, len(rr_s))
    share = np.pad(uniform_filter1d(alike.astype(float), size, mode="reflect"), size // 2, "edge")
    return np.minimum(share[: len(rr_s)], share[len(share) - len(rr_s) :])


def _early(rr_s):
    """(n,) to (n,) bool: comes before its time."""
    reach = EARLY_BEATS // 2
    around = np.lib.stride_tricks.sliding_window_view(np.pad(rr_s, reach, "edge"), EARLY_BEATS)
    return rr_s < EARLY_RATIO * np.sort(around, 1)[:, round(EARLY_QUANTILE * EARLY_BEATS)]


def _interpolated(rr_s, ectopic=None):
    """RR intervals, with those before and after ectopics, and unknown ones, interpolated."""
    known = np.isfinite(rr_s) & (rr_s > PLAUSIBLE_RR_S[0]) & (rr_s < PLAUSIBLE_RR_S[1])
    if ectopic is not None:
        known &= ~(ectopic | np.r_[False, ectopic[:-1]])
    if not known.any():
        return np.ones(len(rr_s))
    return np.interp(np.arange(len(rr_s)), np.flatnonzero(known), rr_s[known])


def _smooth(values):
    """Exponential mean, forwards and then backwards, so that it is not late."""
    for _ in range(2):
        start = [(1 - SMOOTHING) * values[0]]
        values = lfilter([SMOOTHING], [1, SMOOTHING - 1], values, zi=start)[0][::-1]
    return values


def _long_enough(marked, rr_s):
    """Without breaks, and then without episodes, shorter than SHORTEST_EPISODE_S."""
    ends_s = np.r_[0, np.cumsum(rr_s)]
    for value in (False, True):
        edges = np.flatnonzero(np.diff(np.r_[not value, marked, not value] == value))
        first, last = edges[::2], edges[1::2]
        inside = (first > 0) & (last < len(marked)) if not value else np.ones(len(first), bool)
        for a, b in zip(first[inside], last[inside]):
            if ends_s[b] - ends_s[a] < SHORTEST_EPISODE_S:
                marked[a:b] = not value
    return marked
