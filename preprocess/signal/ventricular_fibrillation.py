"""Ventricular fibrillation and flutter, from the shape of the waves: there are no beats to go by.

In an organised rhythm the trace rests between sharp beats, and what comes a beat later looks the
same. In fibrillation it never rests, its waves are slow and round, and half a wave later it is
itself turned over. Each window of FEATURE_S is described by a few such numbers, after measures of
the field (leakage: Kuo & Dillman, Computers in Cardiology 1978; spread: after the threshold
crossing sample count of Arafat et al. 2011), which a logistic regression puts together.

Its weights were fitted on annotated fibrillation and flutter of cudb and MIT-BIH's DS1. An episode
is shown and not searched for beats; scores and thresholds do not use it.
"""

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter, uniform_filter1d
from scipy.signal import butter, sosfiltfilt

from preprocess.constants import FS_HZ
from preprocess.signal.bins import PER_S, binned, bridged, holding, opened, width, within

SLOW_HZ, SLOW_BAND_HZ = 60, (1.0, 25.0)  # the rate at which all is done, and its band
FEATURE_S = 4.0  # that a feature describes
BEAT_S = 1.4  # what is highest within such a time is a beat
LEAST_MV = 0.03  # mean amplitude; what is weaker is no fibrillation that could be seen

FEATURES = ("spread", "slope", "leakage", "log_hz", "log_hz^2", "log_qrs", "log_mv", "repeats")
AT_REPEATS = FEATURES.index("repeats")
# Of a logistic regression: VF and flutter of cudb and DS1 against the rest of DS1, svdb and cudb.
WAVE_MEANS = np.array([0.161, 0.121, 0.742, 1.698, 2.962, 0.272, -1.659, 0.5])
WAVE_DEVIATIONS = np.array([0.085, 0.067, 0.13, 0.282, 0.92, 0.549, 0.663, 0.283])
WAVE_WEIGHTS = np.array([2.19, 0.487, -0.581, -2.585, 2.827, -0.91, 0.744, -1.858])
WAVE_BIAS = -6.53
POSSIBLE = -4.5  # score without `repeats` from which it is looked for: it adds 3 to 4
ORGANISED, ORGANISED_MORE = 0.85, 0.25  # correlation with a beat later; more than with half a beat
MOST_FAST = 0.22  # of fast waves; 95 % of VF has less, nearly all of NSTDB at -6 dB more
REPEAT_HZ = 30
FAST_S, BEATS_S = (0.10, 0.29), (0.29, 1.5)  # cycles of fibrillation and flutter, and of beats

SMOOTH_S = 8.0
CERTAIN, LIKELY = 0.0, -2.5  # scores: within HOLD_S of any part of an episode; throughout it
SURE = 2.2  # that an episode must reach somewhere; all but three with VF in cudb do
HOLD_S, SHORTEST_VF_S = 8.0, 6.0  # of an episode; the beats of a shorter one are flagged
BRIDGE_S = 8.0  # of a break in an episode
BESIDE_S = 15.0  # of what is unreadable beside one
JOINED_S = 3.0  # between what is unreadable beside an episode and the episode


def episode_score(filtered_mv, envelope, fast_mv, missing):
    """fibrillation_score (m,), smoothed over SMOOTH_S: above LIKELY throughout an episode.

    filtered_mv, envelope: (n,) filters.bandpass and rpeaks.qrs_envelope of a
    signal; fast_mv: (m,) quality.fast_waves of it; missing: (m,) bool, bins without any signal,
    or with a flat one.
    """
    score = fibrillation_score(filtered_mv, envelope, fast_mv)
    score[missing] = LIKELY - 1
    return median_filter(score, width(SMOOTH_S), mode="nearest")


def fibrillating_bins(score, unreadable):
    """Bins (m,) bool in ventricular fibrillation or flutter.

    score: (m,), of episode_score; unreadable: (m,) bool, bins in which nothing can be read: beside
    an episode they belong to it.
    """
    found = (score > LIKELY) & within(score > CERTAIN, HOLD_S)
    found = holding(opened(bridged(found, BRIDGE_S), SHORTEST_VF_S), score > SURE)
    beside = bridged(found | (unreadable & within(found, BESIDE_S)), JOINED_S)
    return holding(beside, found)


def fibrillation_score(filtered_mv, envelope, fast_mv):
    """(n,), (n,) and (m,) to the log odds (m,) of each bin that there are no organised beats."""
    features, fast_share, slow_mv = wave_features(filtered_mv, envelope, fast_mv)
    features[:, AT_REPEATS] = WAVE_MEANS[AT_REPEATS]  # as if nothing were known of it
    score = _log_odds(features)
    rows = np.flatnonzero(score > POSSIBLE)
    later, sooner = repetition(slow_mv, rows)
    features[rows, AT_REPEATS] = later - sooner
    score[rows] = _log_odds(features[rows])
    score[rows[(later > ORGANISED) & (later - sooner > ORGANISED_MORE)]] = POSSIBLE
    score[fast_share > MOST_FAST] = POSSIBLE
    score[features[:, FEATURES.index("log_mv")] <= np.log(LEAST_MV)] = POSSIBLE
    return score


def _log_odds(features):
    return WAVE_BIAS + (features - WAVE_MEANS) / WAVE_DEVIATIONS @ WAVE_WEIGHTS


def wave_features(filtered_mv, envelope, fast_mv):
    """(n,), (n,) and (m,) to FEATURES (m, 8) of the window around each bin, `repeats` left at 0,
    fast waves (m,) as a share of the slow ones, and the signal (3 m,) at SLOW_HZ."""
    step = FS_HZ // SLOW_HZ
    slow_mv = binned(filtered_mv).reshape(-1, step).mean(1)
    band = butter(2, SLOW_BAND_HZ, "bandpass", fs=SLOW_HZ, output="sos")
    slow_mv = sosfiltfilt(band, slow_mv).astype(np.float32)
    qrs_mv = binned(envelope).reshape(-1, step).mean(1).astype(np.float32)
    window, beat = round(FEATURE_S * SLOW_HZ), round(BEAT_S * SLOW_HZ)
    mean = lambda values: uniform_filter1d(values, window)
    highest = lambda values: np.maximum(mean(maximum_filter1d(values, beat)), 1e-5)
    size, change = np.abs(slow_mv), np.abs(np.diff(slow_mv, prepend=slow_mv[:1]))
    mean_size, mean_change = mean(size), mean(change)
    mean_hz = mean_change / np.maximum(mean_size, 1e-5) * SLOW_HZ / (2 * np.pi)
    deviation_mv = np.sqrt(np.maximum(mean(np.square(slow_mv)), 1e-8))
    log_hz = np.log(np.clip(mean_hz, 0.3, 20))
    columns = (
        mean_size / highest(size),
        mean_change / highest(change),
        _leakage(slow_mv, mean_size, mean_change, mean),
        log_hz,
        np.square(log_hz),
        np.log(highest(qrs_mv) / deviation_mv),
        np.log(np.maximum(mean_size, LEAST_MV)),
    )
    middle = SLOW_HZ // PER_S // 2
    columns = [column[middle :: SLOW_HZ // PER_S] for column in columns]
    fast = np.square(uniform_filter1d(np.sqrt(fast_mv), width(FEATURE_S)))
    fast_share = fast / np.maximum(mean_size[middle :: SLOW_HZ // PER_S], 1e-4)
    return np.stack([*columns, np.zeros_like(columns[0])], 1), fast_share, slow_mv


def _leakage(slow_mv, mean_size, mean_change, mean):
    """(k,): what is left when the signal is added to itself half a mean period later; of a sine
    nothing is."""
    half = np.pi * mean_size / np.maximum(mean_change, 1e-6)
    half = np.clip(np.round(half), 1, SLOW_HZ // 2).astype(int)
    moved = slow_mv[np.maximum(np.arange(len(slow_mv)) - half, 0)]
    return mean(np.abs(slow_mv + moved)) / np.maximum(mean(np.abs(slow_mv) + np.abs(moved)), 1e-5)


def repetition(slow_mv, rows):
    """Correlation of the window around each given bin (k,) with what comes a beat later, the
    best of BEATS_S, and half a beat or a wave of fibrillation later, of FAST_S; 0 at least."""
    if len(rows) == 0:
        return np.zeros(0), np.zeros(0)
    signal = slow_mv[: len(slow_mv) // 2 * 2].reshape(-1, 2).mean(1)
    size, longest = round(FEATURE_S * REPEAT_HZ), round(BEATS_S[1] * REPEAT_HZ)
    centre = rows * REPEAT_HZ // PER_S
    padded = np.pad(signal, (size, size + longest))
    cut = padded[centre[:, None] + np.arange(size + longest) + size - (size + longest) // 2]
    first, lags = cut[:, :size], np.arange(round(FAST_S[0] * REPEAT_HZ), longest)
    power = np.cumsum(np.pad(np.square(cut), ((0, 0), (1, 0))), 1)
    power = np.maximum(power[:, size:] - power[:, :-size], 1e-9)  # (k, longest + 1), of each lag
    alike = np.stack([np.einsum("ij,ij->i", first, cut[:, lag : lag + size]) for lag in lags], 1)
    alike = alike / np.sqrt(power[:, :1] * power[:, lags])
    is_fast = lags < FAST_S[1] * REPEAT_HZ
    risen = alike - np.minimum.accumulate(alike, 1) > 0.2  # a signal is always like itself at once
    sooner = np.where(risen & is_fast, alike, 0).max(1)
    return np.maximum(alike[:, ~is_fast].max(1), 0), sooner
