"""R peaks: those that training compares annotations with, and those that screening cuts beats at.

Training takes sleepecg's detector, as a reference that is not ours; screening takes `find_r_peaks`.
Agreement with the annotators of the MIT-BIH records: experiments/RESULTS.md.
`find_r_peaks` looks at most 20 s around: a long recording can be taken part by part.
"""

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter, uniform_filter1d
from scipy.signal import find_peaks

from preprocess.constants import FS_HZ, WINDOW
from preprocess.signal.filters import bandpass

QRS_BAND_HZ = (7.0, 26.0)  # between T waves and muscle
QRS_ENERGY_S = 0.12  # its length, over which its energy is averaged
REFRACTORY_S = 0.2  # no heart beats again so soon

# A bump so near to a beat, and so much weaker than it, is a T wave (or a P wave); and one still
# nearer, where no beat comes after another but in the fastest tachycardia, whose beats are alike.
T_WAVE_UNTIL_S, T_WAVE_HEIGHT = 0.35, 0.65
SPLIT_UNTIL_S, SPLIT_HEIGHT = 0.25, 0.85
# A T wave so late and so high has others like it near, after other beats; else it is a beat.
LATE_T_WAVE_S, HIGH_T_WAVE, FEW_ALIKE, ALIKE_NEAR_S = 0.31, 0.4, 3, 20.0
ALIKE_DELAY_S, ALIKE_HEIGHT = 0.05, 0.2  # by which delays and heights of such may differ

# What is highest within such a time is a beat; the median of so many is the typical height.
TYPICAL_S, TYPICAL_BEATS = 1.4, 11

# Parts of the typical height: of any beat, and of one looked for where one seems to be missing.
LEAST_HEIGHT, LEAST_HEIGHT_IN_GAP = 0.3, 0.22

# A beat seems to be missing where RR is so many times the median of GAP_BEATS intervals around;
# it is looked for at least GAP_EDGE_S from both ends, and a second one GAP_NEXT median RR away.
LONG_RR, GAP_BEATS, GAP_EDGE_S, GAP_NEXT = 1.5, 9, 0.3, 0.7

# The R peak lies so near to the envelope's; a QRS that goes down twice as far as up is negative.
R_REACH_S, NEGATIVE = 0.06, 2.0

# What a lead has between its beats: the median of ten seconds, looked at 20 times a second; and in
# heights of a beat, the least that makes a difference.
BETWEEN_STEP, BETWEEN_WIDTH, LEAST_BETWEEN = 18, 201, 0.02
# Its electrode moved where it is so many times as high as its beats, and so near: others are read.
# 3, 4 and 6 are alike, on DS1 a little better than none, on SVDB and QTDB the same.
MOVED, MOVED_S, UNHEARD = 4, 0.3, 1e-6

NARROW_BAND_HZ = (3.0, 45.0)  # in which reference_r_peaks looks for the top: without slow T waves
NARROW_REACH_S = 0.05


def reference_r_peaks(signal_mv: np.ndarray) -> np.ndarray:
    """(n,) mV to (k,) samples of the R peaks: sleepecg's, moved to the highest point near by."""
    import sleepecg  # here, as it takes half a second to import and screening does without

    found = sleepecg.detect_heartbeats(signal_mv, FS_HZ)
    narrow = bandpass(signal_mv, *NARROW_BAND_HZ)
    reach = round(NARROW_REACH_S * FS_HZ)
    # [k, 2 reach + 1]
    around = np.clip(found[:, None] + np.arange(-reach, reach + 1), 0, len(narrow) - 1)
    return np.unique(around[np.arange(len(found)), narrow[around].argmax(1)])


def distance_to_nearest(samples: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """(k,) samples and (m,) peaks, rising, to (k,): samples to the nearest; WINDOW without any."""
    if len(peaks) == 0:
        return np.full(len(samples), WINDOW)
    right = np.searchsorted(peaks, samples)
    # [2, k]: the peaks on the left and on the right
    candidates = peaks[np.clip(np.stack([right - 1, right]), 0, len(peaks) - 1)]
    return np.abs(candidates - samples).min(0)


def find_r_peaks(filtered_mv: np.ndarray, envelope: np.ndarray, readable: np.ndarray) -> np.ndarray:
    """(k,) samples of the R peaks, rising, without any annotation.

    filtered_mv: (n,) band-passed. envelope: (n,) of qrs_envelope. readable: (n,) bool.
    """
    bumps, _ = find_peaks(envelope, distance=round(REFRACTORY_S * FS_HZ))
    bumps = bumps[readable[bumps]]
    if len(bumps) < 2:
        return np.zeros(0, int)
    height = envelope[bumps]
    relative = height / np.maximum(_typical_height(envelope, bumps, height), 1e-9)
    high = relative > LEAST_HEIGHT
    is_beat = _without_t_waves(bumps, height, high.copy())
    is_beat |= _no_t_waves(bumps, height, is_beat, np.flatnonzero(high & ~is_beat))
    is_beat = _with_missed(bumps, relative, is_beat)
    return np.unique(_r_peak(filtered_mv, bumps[is_beat]))


def qrs_envelope(signal_mv: np.ndarray) -> np.ndarray:
    """(n,) mV to (n,) mV: root mean square over the length of a QRS, in its band."""
    squared = np.square(bandpass(signal_mv, *QRS_BAND_HZ))
    return np.sqrt(np.maximum(uniform_filter1d(squared, round(QRS_ENERGY_S * FS_HZ)), 0))


def combined_envelope(envelopes: np.ndarray, readable: np.ndarray) -> np.ndarray:
    """(leads, n) of qrs_envelope and (leads, n) bool to one (n,), 1 at a typical beat: root mean
    square of the leads, each in heights of its beats and weighted by how little it has between
    them, where it can be read."""
    squares, weights = np.zeros((2, envelopes.shape[1]))
    for envelope, there in zip(envelopes, readable):
        bumps, _ = find_peaks(envelope, distance=round(REFRACTORY_S * FS_HZ))
        bumps = bumps[there[bumps]]
        if len(bumps) < 2:
            continue
        samples = np.arange(len(envelope))
        typical = _typical_height(envelope, bumps, envelope[bumps])
        heights = envelope / np.maximum(np.interp(samples, bumps, typical), 1e-9)
        between = median_filter(heights[::BETWEEN_STEP], BETWEEN_WIDTH, mode="nearest")
        between = np.interp(samples, samples[::BETWEEN_STEP], between)
        weight = there / np.maximum(between, LEAST_BETWEEN) ** 2
        highest = maximum_filter1d(envelope, 2 * round(MOVED_S * FS_HZ) + 1)
        weight[highest > MOVED * np.median(typical)] *= UNHEARD
        squares += weight * heights**2
        weights += weight
    return np.sqrt(squares / np.maximum(weights, 1e-9))


def _typical_height(envelope, bumps, height):
    """(k,): the height of beats around each bump, whether or not it is one itself."""
    reach = 2 * round(TYPICAL_S / 2 * FS_HZ) + 1
    highest = np.flatnonzero(height >= maximum_filter1d(envelope, reach)[bumps])
    if len(highest) == 0:
        return height
    typical = median_filter(height[highest], TYPICAL_BEATS, mode="nearest")
    return np.interp(bumps, bumps[highest], typical)


def _without_t_waves(bumps, height, is_beat):
    """Drops what is much weaker than a beat right beside it, until nothing is."""
    while True:
        kept = np.flatnonzero(is_beat)
        gap_s = np.diff(bumps[kept]) / FS_HZ
        least = np.where(gap_s < SPLIT_UNTIL_S, SPLIT_HEIGHT, T_WAVE_HEIGHT)
        least[gap_s >= T_WAVE_UNTIL_S] = 0
        before, after = height[kept[:-1]], height[kept[1:]]
        weak = np.r_[kept[1:][after < least * before], kept[:-1][before < least * after]]
        if len(weak) == 0:
            return is_beat
        is_beat[weak] = False


def _no_t_waves(bumps, height, is_beat, dropped):
    """(k,) bool: of those dropped as T waves, what is too late or too high for one and has no
    others like it near: a T wave comes after every beat of a shape, at its delay."""
    result, beats = np.zeros(len(bumps), bool), np.flatnonzero(is_beat)
    if not (len(beats) and len(dropped)):
        return result
    # the beats on both sides [2, dropped], with how far they are and how much higher
    right = np.searchsorted(beats, dropped)
    beside = beats[np.clip(np.stack([right - 1, right]), 0, len(beats) - 1)]
    away_s = np.abs(bumps[dropped] - bumps[beside]) / FS_HZ
    share = height[dropped] / height[beside]
    weak = (away_s < T_WAVE_UNTIL_S) & (share < T_WAVE_HEIGHT)
    unlikely = ~weak | ((away_s >= LATE_T_WAVE_S) & (share >= HIGH_T_WAVE))
    # each one's delay and height against the beat that it would belong to, the first of the two
    side, column = np.where(weak[0], 0, 1), np.arange(len(dropped))
    delay_s, share = away_s[side, column], share[side, column]
    alike = np.zeros(len(dropped), int)
    for lag in range(1, len(dropped)):
        near = bumps[dropped[lag:]] - bumps[dropped[:-lag]] < ALIKE_NEAR_S * FS_HZ
        if not near.any():
            break
        near &= np.abs(delay_s[lag:] - delay_s[:-lag]) < ALIKE_DELAY_S
        near &= np.abs(share[lag:] - share[:-lag]) < ALIKE_HEIGHT
        near &= side[lag:] == side[:-lag]
        alike[lag:] += near
        alike[:-lag] += near
    result[dropped[weak.any(0) & unlikely.all(0) & (alike <= FEW_ALIKE)]] = True
    return result


def _with_missed(bumps, relative, is_beat):
    """Looks again, less strictly, wherever an RR interval is much longer than those around it."""
    kept = np.flatnonzero(is_beat)
    if len(kept) < 3:
        return is_beat
    rr = np.diff(bumps[kept])
    local_rr = median_filter(rr, GAP_BEATS, mode="nearest")
    edge = GAP_EDGE_S * FS_HZ
    for i in np.flatnonzero(rr > LONG_RR * local_rr):
        left, right = kept[i], kept[i + 1]
        inside = np.arange(left + 1, right)
        inside = inside[
            (bumps[inside] - bumps[left] > edge)
            & (bumps[right] - bumps[inside] > edge)
            & (relative[inside] > LEAST_HEIGHT_IN_GAP)
        ]
        while len(inside):
            best = inside[relative[inside].argmax()]
            is_beat[best] = True
            inside = inside[np.abs(bumps[inside] - bumps[best]) > GAP_NEXT * local_rr[i]]
    return is_beat


def _r_peak(filtered_mv, bumps):
    """(k,): the wave's top, or its bottom where it is negative, as annotators mark it."""
    reach = round(R_REACH_S * FS_HZ)
    at = np.clip(bumps[:, None] + np.arange(-reach, reach + 1), 0, len(filtered_mv) - 1)
    around = filtered_mv[at]  # [k, 2 reach + 1]
    up, down, rows = around.argmax(1), around.argmin(1), np.arange(len(bumps))
    negative = -around[rows, down] > NEGATIVE * around[rows, up]
    return at[rows, np.where(negative, down, up)]
