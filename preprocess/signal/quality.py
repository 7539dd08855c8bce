"""Which stretches of a recording cannot be read, and in which the heart has lost its rhythm.

Three things must never pass for normal: a signal that is none (missing, flat, clipped) or is too
disturbed to read (wild swings, noise, wander), a signal without organised beats (fibrillation or
flutter of the ventricles), and a lead that is attached while the heart does nothing.

No decision looks further than 20 s around (30 s at the ends of an episode that several reasons
make). So a long recording can be judged in stretches with such margins, each of which starts at a
multiple of BIN samples.
"""

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter, minimum_filter1d, uniform_filter1d

from preprocess.constants import BEFORE, FS_HZ
from preprocess.signal import ventricular_fibrillation as vf
from preprocess.signal.bins import BIN, binned, extremes, holding, opened, width, within
from preprocess.signal.filters import bandpass

REASONS = (
    "",
    "missing",
    "flat",
    "at a rail",
    "wild swings",
    "noise",
    "baseline wander",
    "no organised rhythm",
    "no electrical activity",
)
MISSING, FLAT, RAIL, WILD, NOISE, WANDER, NO_RHYTHM, NO_ACTIVITY = range(1, len(REASONS))
ALARMS = (NO_RHYTHM, NO_ACTIVITY)  # what a reader must see first

FLAT_S, FLAT_MV = 2.0, 0.02
STUCK_MV, STUCK_FROM_MEAN_MV, MEAN_S = 1e-3, 0.8, 10.0
WILD_S, WILD_MV = 1.0, 12.0
SETTLE_S = 0.25  # of the filter, on both sides of what is unreadable

# Between 0.25 and 0.30 three of four detected peaks are beats, beyond half are (MIT-BIH, DS1, with
# muscle noise of NSTDB at 12 to -6 dB); clean, it is beyond 0.25 for 0.1 % of the time.
NOISE_BAND_HZ, NOISE_S, NOISE_SHARE = (18.0, 45.0), 4.0, 0.25

# Correlation of the QRS envelope, less its mean of WAVES_S, with itself a beat later: 0.9 in most
# of MIT-BIH and SVDB, above 0.8 in 5 % of the annotated fibrillation of vfdb.
WAVES_S, REGULAR = 2.0, 0.8

# How far the baseline moves in a second, in heights of the QRS envelope, of which a QRS has 3.6:
# 3 are five sixths of a QRS (after basSQI: Clifford et al., Physiol Meas 2012). With wander of
# NSTDB in DS1 and SVDB, of the beats beyond, half have an ST segment that is off by a tenth of the
# QRS or more, and four times as many normal ones are flagged; clean, 0.04 % of the time is beyond.
BASELINE_S, WANDER_S, WANDER_SHARE = 1.0, 8.0, 3.0
TIMES_WAVES = 2.7  # so of half of what vfdb's annotators call noise, of 7 % of fibrillation
LEAST_WANDER_S = 3.0  # a shorter stretch is at the limit, and costs beats on both sides

QUIET_S = 3.0  # without a beat: a pause of the sinus node (ACC/AHA/HRS guideline 2018)
QUIET_MV, QUIET_MOST_MV, QUIET_SHARE = 0.02, 0.08, 0.12  # of the QRS envelope; of its usual peaks
USUAL_S = 40.0  # in which the usual peaks are sought

# A trace without a beat that yet moves so far is that of a loose electrode (record 208 at 23:04).
ADRIFT_S, ADRIFT_MV = 1.0, 0.6

LONG_RR_S, AFTER_BEAT_S, BEFORE_BEAT_S = 1.2, 0.45, 0.2  # between beats: neither T wave nor QRS
USUAL_BEATS = 17
NOISE_STEP = 3  # samples, 8 ms

# In s from R. In a lead like II P wave and QRS point up in health; disease turns the one over or
# the other (and T waves often), wrong electrodes both.
BEFORE_QRS_S, P_WAVE_S, QRS_S = (-0.30, -0.06), (-0.26, -0.06), (-0.06, 0.06)
LEAST_P = 0.01  # of the QRS's height, that a P wave must go down more than up


def judge(signal_mv, there, filtered_mv, envelope):
    """What is wrong with each sample.

    signal_mv: (n,) as recorded; there: (n,) bool, whether it was; filtered_mv: (n,)
    filters.bandpass of it; envelope: (n,) rpeaks.qrs_envelope of it.
    Returns (n,) int8, indices into REASONS, 0: readable. An episode of ALARMS is flagged whole:
    what is unreadable inside one belongs to it.
    """
    low_mv, high_mv = extremes(signal_mv)
    mean_mv = binned(signal_mv).mean(1)
    fast_mv, peaks_mv = fast_waves(signal_mv), extremes(envelope)[1]
    highest_mv = maximum_filter1d(peaks_mv, width(vf.BEAT_S))
    beats_mv = beat_heights(highest_mv)
    noise = noise_ratio(fast_mv, beats_mv)
    regular = regular_bins(envelope, np.flatnonzero(noise > NOISE_SHARE))
    noise[regular] = 0
    reason = unreadable_bins(low_mv, high_mv, mean_mv, extremes(there)[0], noise)
    quiet = no_activity_bins(peaks_mv, highest_mv, reason)
    nothing = np.isin(reason, (MISSING, FLAT))
    score = vf.episode_score(filtered_mv, envelope, fast_mv, nothing)
    score[regular_bins(envelope, np.flatnonzero(score > vf.LIKELY))] = vf.LIKELY - 1
    score[adrift(mean_mv, filtered_mv)] = vf.LIKELY - 1
    # The waves of fibrillation are low in the envelope, and found in a band without wander.
    wander = (wander_ratio(mean_mv, beats_mv) > WANDER_SHARE) & (score <= vf.LIKELY)
    lost = vf.fibrillating_bins(score, reason > 0)
    reason[(reason == 0) & opened(wander, LEAST_WANDER_S)] = WANDER
    reason[quiet] = NO_ACTIVITY
    moving = span(low_mv, high_mv, ADRIFT_S) > ADRIFT_MV
    reason[holding(quiet, moving & ~within(~quiet, ADRIFT_S))] = WILD
    reason[lost] = NO_RHYTHM
    return np.repeat(reason, BIN)[: len(signal_mv)]


def spans(reason, codes):
    """(n,) reasons to [(start, end, code), ...] in samples, of the given codes, in order."""
    edges = np.flatnonzero(np.diff(reason, prepend=-1, append=-1) != 0)
    return [
        (int(a), int(b), int(reason[a]))
        for a, b in zip(edges[:-1], edges[1:])
        if reason[a] in codes
    ]


def drop_contradicted(reasons):
    """(leads, n) reasons, changed in place: an alarm of one lead is noise of it where another can
    be read through most of the episode."""
    is_readable = reasons == 0
    for k, reason in enumerate(reasons):
        for start, end, _ in spans(reason, ALARMS):
            if is_readable[:, start:end].mean(1).max() > 0.5:
                reasons[k, start:end] = NOISE


def readable(reason):
    """(n,) reasons to (n,) bool: where a beat's window may lie, and an interval. Where the heart
    does nothing that is so too: the pause is between two beats, which must not be lost for it."""
    return (reason == 0) | (reason == NO_ACTIVITY)


def fast_noise(beats_mv):
    """(n, 320) to (n,) in mV: how much neighbouring samples, 8 ms apart, jump to and fro in most
    of each beat: muscle and electrodes do; waves, and the few samples of a QRS, do not."""
    steps = np.diff(beats_mv[:, ::NOISE_STEP], 2, axis=1)
    return np.median(np.abs(steps), 1)


def bump_between(envelope, peaks):
    """QRS envelope (n,) and R peaks (k,) to (k,): the highest bump between a beat and the one
    before, in heights of the beats around; 0 where they are near. A pause has none."""
    bumps = np.zeros(len(peaks))
    if len(peaks) < 2:
        return bumps
    first, last = (round(seconds * FS_HZ) for seconds in (AFTER_BEAT_S, BEFORE_BEAT_S))
    usual = median_filter(envelope[peaks], USUAL_BEATS, mode="nearest")
    for i in np.flatnonzero(np.diff(peaks) > LONG_RR_S * FS_HZ) + 1:
        between = envelope[peaks[i - 1] + first : peaks[i] - last]
        bumps[i] = between.max() / max(usual[i], 1e-6)
    return bumps


def upside_down(beat_mv):
    """(320,) a recording's median beat, to whether P wave and QRS both point down.

    Of 122 median beats of MIT-BIH, SVDB and cudb 6 % seem so as they are, turned over 60 %.
    """
    before_qrs, p_wave, qrs = (
        slice(*(BEFORE + round(edge_s * FS_HZ) for edge_s in span_s))
        for span_s in (BEFORE_QRS_S, P_WAVE_S, QRS_S)
    )
    level_mv = beat_mv - np.median(beat_mv[before_qrs])
    p_mv, qrs_mv = level_mv[p_wave], level_mv[qrs]
    from_line = p_mv - np.linspace(p_mv[0], p_mv[-1], len(p_mv))
    p_down = -(from_line.max() + from_line.min()) > LEAST_P * np.ptp(qrs_mv)
    return bool(-qrs_mv.min() > qrs_mv.max() and p_down)


# ------------------------------------------------------------------------------- unreadable


def unreadable_bins(low_mv, high_mv, mean_mv, there, noise):
    """Reasons (m,) int8 of each bin, the first of MISSING to NOISE that applies.

    low_mv, high_mv, mean_mv: (m,), of the signal in each bin; there: (m,) bool, whether all of it
    was recorded; noise: (m,), of noise_ratio.
    """
    off_centre = np.abs(mean_mv - uniform_filter1d(mean_mv, width(MEAN_S))) > STUCK_FROM_MEAN_MV
    found = (
        ~there,
        within(span(low_mv, high_mv, FLAT_S) < FLAT_MV, FLAT_S / 2),
        (high_mv - low_mv < STUCK_MV) & off_centre,
        within(span(low_mv, high_mv, WILD_S) > WILD_MV, WILD_S / 2),
        within(noise > NOISE_SHARE, NOISE_S / 4),
    )
    reason = np.zeros(len(mean_mv), np.int8)
    for code in range(len(found), 0, -1):  # the first reason wins
        reason[within(found[code - 1], SETTLE_S)] = code
    return reason


def span(low_mv, high_mv, seconds):
    """Extremes of each bin (m,) to (m,): how far the trace moves in so many seconds around it."""
    size = width(seconds)
    return maximum_filter1d(high_mv, size) - minimum_filter1d(low_mv, size)


def fast_waves(signal_mv):
    """(n,) to the root mean square (m,) of each bin in NOISE_BAND_HZ."""
    return np.sqrt(np.square(binned(bandpass(signal_mv, *NOISE_BAND_HZ))).mean(1))


def beat_heights(highest_mv):
    """Highest of the QRS envelope within BEAT_S of each bin (m,), to (m,): how high the beats
    around are in it, or what is highest where there are none."""
    return np.maximum(uniform_filter1d(highest_mv, width(NOISE_S)), 1e-6)


def noise_ratio(fast_mv, beats_mv):
    """Fast waves of each bin and beat_heights, (m,) each, to (m,): what is fast between the beats,
    in heights of the beats.

    The mean of square roots, squared, passes over the few large values of the beats themselves.
    """
    return np.square(uniform_filter1d(np.sqrt(fast_mv), width(NOISE_S))) / beats_mv


def regular_bins(envelope, rows):
    """QRS envelope (n,) and bins (k,) to those of them around which its waves come regularly, at
    40 to 300 a minute: beats, be the trace between them as it may."""
    waves = binned(envelope).reshape(-1, FS_HZ // vf.SLOW_HZ).mean(1)
    waves = waves - uniform_filter1d(waves, round(WAVES_S * vf.SLOW_HZ))
    return rows[vf.repetition(waves, rows)[0] > REGULAR]


def wander_ratio(mean_mv, beats_mv):
    """Mean of each bin and beat_heights, (m,) each, to (m,): how far the baseline, the mean of
    BASELINE_S, moves within such a time, in heights of the beats.

    The mean of square roots, squared, passes over a lone step.
    """
    return np.square(uniform_filter1d(np.sqrt(_baseline_mv(mean_mv)), width(WANDER_S))) / beats_mv


def adrift(mean_mv, filtered_mv):
    """Mean of each bin (m,) and band-passed signal (n,) to (m,) bool: the baseline moves so much
    farther than the waves on it that these tell no rhythm."""
    waves_mv = uniform_filter1d(np.abs(binned(filtered_mv)).mean(1), width(vf.FEATURE_S))
    moves_mv = uniform_filter1d(_baseline_mv(mean_mv), width(vf.FEATURE_S))
    return moves_mv > TIMES_WAVES * waves_mv


def _baseline_mv(mean_mv):
    """(m,): how far the mean of BASELINE_S moves within such a time."""
    baseline_mv = uniform_filter1d(mean_mv, width(BASELINE_S))
    return span(baseline_mv, baseline_mv, BASELINE_S)


# -------------------------------------------------------------------- no electrical activity


def no_activity_bins(peaks_mv, highest_mv, reason):
    """Highest of the QRS envelope in each bin, and within BEAT_S of it, (m,) each, and reasons so
    far (m,), to (m,) bool: no beat for QUIET_S.

    It is small against the beats around, or against any beat where there is none around.
    """
    usual = np.square(uniform_filter1d(np.sqrt(highest_mv), width(USUAL_S)))
    small = (peaks_mv < QUIET_MV) | ((peaks_mv < QUIET_SHARE * usual) & (peaks_mv < QUIET_MOST_MV))
    small &= ~np.isin(reason, (MISSING, FLAT, RAIL, WILD))
    return opened(small, QUIET_S)
