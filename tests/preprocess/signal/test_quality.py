"""What must never pass for normal, on made signals whose truth is known."""

import numpy as np
import pytest

from preprocess.constants import FS_HZ
from preprocess.signal import quality
from preprocess.signal.filters import bandpass
from preprocess.signal.rpeaks import qrs_envelope

SECONDS = 60


def heart(beats_at_s, seconds=SECONDS, seed=0):
    """Narrow QRS and a T wave at given times, with a little noise, in mV."""
    t = np.arange(seconds * FS_HZ) / FS_HZ
    signal_mv = 0.01 * np.random.default_rng(seed).standard_normal(len(t))
    for at in beats_at_s:
        for delay_s, width_s, mv in ((0, 0.012, 1.2), (0.04, 0.012, -0.3), (0.3, 0.05, 0.25)):
            signal_mv += mv * np.exp(-0.5 * np.square((t - at - delay_s) / width_s))
    return signal_mv


def reasons(signal_mv, there=None):
    there = np.ones(len(signal_mv), bool) if there is None else there
    return quality.judge(signal_mv, there, bandpass(signal_mv), qrs_envelope(signal_mv))


def share(reason, code, start_s, end_s):
    return (reason[int(start_s * FS_HZ) : int(end_s * FS_HZ)] == code).mean()


def fibrillating(signal_mv, start_s, end_s, seed=1):
    """Puts waves of wandering 4 to 6 Hz, without any beat, where the heart was."""
    part = slice(int(start_s * FS_HZ), int(end_s * FS_HZ))
    rng, n = np.random.default_rng(seed), part.stop - part.start
    hz = 5 + np.convolve(rng.standard_normal(n), np.ones(360) / 19, "same").clip(-1, 1)
    height_mv = 0.5 + 0.15 * np.sin(np.arange(n) / FS_HZ * 2.1)
    result = signal_mv.copy()
    result[part] = height_mv * np.sin(2 * np.pi * np.cumsum(hz) / FS_HZ)
    return result


BEATS_S = np.arange(0.5, SECONDS, 0.8)
TIME_S = np.arange(SECONDS * FS_HZ) / FS_HZ
MIDDLE = slice(20 * FS_HZ, 40 * FS_HZ)


def without(start_s, end_s):
    """A heart that does not beat for some time, with the lead attached."""
    return heart(BEATS_S[(BEATS_S < start_s) | (BEATS_S > end_s)])


def stepped():
    """A lone step and a slow drift of the baseline."""
    return heart(BEATS_S) + np.where(TIME_S > 20, 3.0, 0.0) + np.linspace(0, 12, len(TIME_S))


@pytest.mark.parametrize(
    "signal_mv",
    [
        heart(BEATS_S),
        heart(np.arange(0.5, SECONDS, 0.4)),
        heart(np.arange(0.5, SECONDS, 0.3)),  # fast, but organised
        stepped(),
        without(20, 22),  # a pause shorter than three seconds is no asystole
    ],
)
def test_what_can_be_read_is_readable_throughout(signal_mv):
    assert (reasons(signal_mv) == 0).all()


def with_muscle(deviation_mv):
    muscle = bandpass(np.random.default_rng(2).standard_normal(len(TIME_S)), 5, 100)
    return deviation_mv * muscle / muscle.std()


def wander(height_mv, hz):
    return height_mv / 2 * np.sin(2 * np.pi * hz * TIME_S)


@pytest.mark.parametrize(
    "added_mv, code",
    [
        (with_muscle(0.6), quality.NOISE),  # as strong as the beats
        (with_muscle(0.02), 0),
        (wander(4.0, 0.4), quality.WANDER),  # of a patient who moves
        (wander(0.45, 0.3), 0),  # of one who breathes
    ],
)
def test_strong_noise_and_wander_cannot_be_read_and_weak_ones_can(added_mv, code):
    signal_mv = heart(BEATS_S)
    signal_mv[MIDDLE] += added_mv[MIDDLE]
    reason = reasons(signal_mv)
    assert share(reason, code, 22, 38) == 1
    assert (reason[: 15 * FS_HZ] == 0).all() and (reason[45 * FS_HZ :] == 0).all()


def test_ventricular_fibrillation_has_no_organised_rhythm():
    reason = reasons(fibrillating(heart(BEATS_S), 20, 45))
    assert share(reason, quality.NO_RHYTHM, 23, 42) == 1
    assert share(reason, quality.NO_RHYTHM, 0, 15) == share(reason, quality.NO_RHYTHM, 50, 60) == 0


def test_a_gap_inside_fibrillation_belongs_to_it():
    signal_mv, there = fibrillating(heart(BEATS_S), 15, 45), np.ones(len(TIME_S), bool)
    there[29 * FS_HZ : 31 * FS_HZ] = False
    signal_mv[~there] = 0
    assert share(reasons(signal_mv, there), quality.NO_RHYTHM, 18, 42) == 1


def test_asystole_with_the_lead_attached_is_no_electrical_activity():
    reason = reasons(without(20, 28))
    assert share(reason, quality.NO_ACTIVITY, 21, 27) == 1
    assert share(reason, quality.NO_ACTIVITY, 0, 19) == 0
    assert quality.readable(reason).all()  # a pause lies between two beats, which must be found


def test_a_loose_electrode_is_no_asystole():
    loose_mv = 3 * np.exp(-np.maximum(TIME_S - 21, 0)) * (TIME_S > 21)
    reason = reasons(without(20, 28) + loose_mv)
    assert share(reason, quality.NO_ACTIVITY, 20, 28) == 0
    assert not quality.readable(reason)[22 * FS_HZ : 26 * FS_HZ].any()


def test_what_is_flat_or_moves_slowly_throughout_is_no_fibrillation():
    assert (reasons(np.zeros(100 * FS_HZ)) == quality.FLAT).all()
    reason = reasons(np.sin(np.arange(100 * FS_HZ) / 2000))
    assert (reason != quality.NO_RHYTHM).all() and share(reason, quality.NO_ACTIVITY, 0, 95) > 0.8
    assert len(reasons(heart([], 10))) == 10 * FS_HZ


def test_flat_missing_and_clipped_stretches_have_their_own_reasons():
    signal_mv, there = heart(BEATS_S), np.ones(len(TIME_S), bool)
    there[10 * FS_HZ : 12 * FS_HZ] = False
    signal_mv[10 * FS_HZ : 12 * FS_HZ] = 0
    signal_mv[20 * FS_HZ : 26 * FS_HZ] = 0.1
    signal_mv[40 * FS_HZ : 42 * FS_HZ] = 5.0
    reason = reasons(signal_mv, there)
    assert share(reason, quality.MISSING, 10, 12) == share(reason, quality.RAIL, 40, 42) == 1
    assert share(reason, quality.FLAT, 20.1, 25.9) == 1
    assert not quality.readable(reason)[41 * FS_HZ]


def test_a_recording_may_be_judged_in_stretches_with_margins():
    beats = np.arange(0.5, 240, 0.8)
    signal_mv = fibrillating(heart(beats[(beats < 60) | (beats > 66)], 240), 130, 160)
    moved = slice(110 * FS_HZ, 125 * FS_HZ)  # across the edge
    signal_mv[moved] += 2 * np.sin(np.arange(15 * FS_HZ) / FS_HZ * 2.5)
    edge, margin = 120 * FS_HZ, 30 * FS_HZ  # multiples of a bin
    first, last = reasons(signal_mv[: edge + margin]), reasons(signal_mv[edge - margin :])
    assert (reasons(signal_mv) == np.r_[first[:edge], last[margin:]]).mean() > 0.999


@pytest.mark.parametrize("missed, expected", [(0.5, True), (0.0, False)])
def test_a_missed_beat_leaves_a_bump_and_a_pause_leaves_none(missed, expected):
    beats = np.r_[np.arange(1, 10, 0.8), np.arange(12.5, 20, 0.8)]
    signal_mv = heart(beats, 25) + missed * heart([11.2], 25, seed=3)
    bumps = quality.bump_between(qrs_envelope(signal_mv), np.round(beats * FS_HZ).astype(int))
    long = int(np.diff(beats).argmax()) + 1
    assert (bumps[long] > 0.22) == expected
    assert bumps[np.arange(len(bumps)) != long].max() == 0
    assert len(quality.bump_between(np.zeros(100), np.zeros(0, int))) == 0


def test_a_lead_with_all_waves_down_is_upside_down_and_one_wave_down_is_not():
    wave = lambda at, width: np.exp(-0.5 * np.square(((np.arange(320) - 140) / FS_HZ - at) / width))
    beat = lambda p_mv, r_mv: p_mv * wave(-0.16, 0.02) + r_mv * wave(0, 0.012)
    assert quality.upside_down(beat(-0.12, -1.2))
    for p_mv, r_mv in ((0.12, 1.2), (0.12, -1.2), (-0.12, 1.2), (0, 0)):
        assert not quality.upside_down(beat(p_mv, r_mv))


def test_an_alarm_stands_unless_another_lead_can_be_read_through_most_of_it():
    reasons = np.zeros((2, 400), np.int8)
    reasons[0, 100:200] = reasons[0, 300:380] = quality.NO_RHYTHM
    reasons[1, 320:400] = quality.NOISE
    quality.drop_contradicted(reasons)
    assert (reasons[0, 100:200] == quality.NOISE).all()
    assert (reasons[0, 300:380] == quality.NO_RHYTHM).all()
