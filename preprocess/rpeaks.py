"""R peaks of a recording that nobody has annotated, and the stretches of it that cannot be read.

On the 48 MIT-BIH records, at 150 ms and with the flutter of 207 left out as bxb does: figures in experiments/RESULTS.md.
All decisions look at most 20 s around, so that a long recording can be taken stretch by stretch.
"""

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter, uniform_filter1d
from scipy.signal import find_peaks

from preprocess.constants import FS_HZ, WINDOW
from preprocess.filters import bandpass

QRS_BAND_HZ = (7.0, 26.0)
QRS_S = 0.12
REFRACTORY_S, T_WAVE_S, T_WAVE_HEIGHT = (
    0.2,
    0.35,
    0.65,
)  # a bump so soon after, or before, a beat and so much weaker
TYPICAL_S, TYPICAL_BEATS = (
    1.4,
    11,
)  # what is highest within such a time is a beat; the median of so many is typical
LEAST_HEIGHT, LEAST_HEIGHT_IN_GAP = 0.3, 0.22  # of the typical one
GAP, GAP_BEATS, GAP_EDGE_S = 1.6, 9, 0.3  # RR intervals in which a beat is looked for again
R_REACH_S, NEGATIVE = 0.06, 2.0  # a QRS is negative when it goes down twice as far as up


def detect_r_peaks(signal_mv):
    """(n,) mV to the sample of each R peak: sleepecg's detector, then the highest point within 50 ms."""
    import sleepecg  # here, as it takes half a second to import and screening does without

    found = sleepecg.detect_heartbeats(signal_mv, FS_HZ)
    narrow = bandpass(signal_mv, 3.0, 45.0)
    reach = FS_HZ // 20
    around = np.clip(found[:, None] + np.arange(-reach, reach + 1), 0, len(narrow) - 1)
    return np.unique(around[np.arange(len(found)), narrow[around].argmax(1)])


def distance_to_nearest(samples, peaks):
    """For each sample, how far the nearest peak is, in samples; a large number where there is no peak."""
    if len(peaks) == 0:
        return np.full(len(samples), WINDOW)
    right = np.searchsorted(peaks, samples)
    candidates = peaks[np.clip(np.stack([right - 1, right]), 0, len(peaks) - 1)]
    return np.abs(candidates - samples).min(0)


def find(filtered_mv, envelope, readable):
    """(n,) band-passed mV, its qrs_envelope and where it is readable, to the samples of the R peaks."""
    bumps, _ = find_peaks(envelope, distance=round(REFRACTORY_S * FS_HZ))
    bumps = bumps[readable[bumps]]
    if len(bumps) < 2:
        return np.zeros(0, int)
    height = envelope[bumps]
    relative = height / np.maximum(_typical_height(envelope, bumps, height), 1e-9)
    is_beat = _without_t_waves(bumps, height, relative > LEAST_HEIGHT)
    is_beat = _with_missed(bumps, relative, is_beat)
    return np.unique(_r_peak(filtered_mv, bumps[is_beat]))


def qrs_envelope(signal_mv):
    """(n,): root mean square over the length of a QRS, in its band."""
    energy = uniform_filter1d(np.square(bandpass(signal_mv, *QRS_BAND_HZ)), round(QRS_S * FS_HZ))
    return np.sqrt(np.maximum(energy, 0))


def _typical_height(envelope, bumps, height):
    reach = 2 * round(TYPICAL_S / 2 * FS_HZ) + 1
    highest = np.flatnonzero(height >= maximum_filter1d(envelope, reach)[bumps])
    if len(highest) == 0:
        return height
    return np.interp(
        bumps, bumps[highest], median_filter(height[highest], TYPICAL_BEATS, mode="nearest")
    )


def _without_t_waves(bumps, height, is_beat):
    """Drops what is much weaker than a beat right beside it, until nothing is."""
    while True:
        kept = np.flatnonzero(is_beat)
        near = np.diff(bumps[kept]) < T_WAVE_S * FS_HZ
        before, after = height[kept[:-1]], height[kept[1:]]
        weak = np.r_[
            kept[1:][near & (after < T_WAVE_HEIGHT * before)],
            kept[:-1][near & (before < T_WAVE_HEIGHT * after)],
        ]
        if len(weak) == 0:
            return is_beat
        is_beat[weak] = False


def _with_missed(bumps, relative, is_beat):
    """Looks again, less strictly, wherever an RR interval is much longer than those around it."""
    kept = np.flatnonzero(is_beat)
    if len(kept) < 3:
        return is_beat
    rr = np.diff(bumps[kept])
    usual = median_filter(rr, GAP_BEATS, mode="nearest")
    edge = GAP_EDGE_S * FS_HZ
    for i in np.flatnonzero(rr > GAP * usual):
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
            inside = inside[np.abs(bumps[inside] - bumps[best]) > 0.7 * usual[i]]
    return is_beat


def _r_peak(filtered_mv, bumps):
    """The sample of the wave's top, or of its bottom where it is a negative one: where annotators set their mark."""
    reach = round(R_REACH_S * FS_HZ)
    at = np.clip(bumps[:, None] + np.arange(-reach, reach + 1), 0, len(filtered_mv) - 1)
    around = filtered_mv[at]
    up, down, rows = around.argmax(1), around.argmin(1), np.arange(len(bumps))
    negative = -around[rows, down] > NEGATIVE * around[rows, up]
    return at[rows, np.where(negative, down, up)]
