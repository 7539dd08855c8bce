"""Episodes of rhythms written down by hand."""

import numpy as np
import pytest

from experiments.screening.rhythm import episodes as rhythm
from preprocess.constants import FS_HZ
from preprocess.signal.quality import NO_ACTIVITY, NO_RHYTHM


def found(kinds, rr_s=0.8, fibrillation=None, **given):
    """Episodes of a string of kinds; rr_s: of all intervals, or one a beat, before it."""
    kinds = np.array(list(kinds))
    rr_s = np.broadcast_to(np.asarray(rr_s, float), len(kinds))
    peaks = np.round(np.cumsum(rr_s) * FS_HZ).astype(int)
    fibrillation = np.zeros(len(kinds), bool) if fibrillation is None else fibrillation
    return peaks, rhythm.episodes(peaks, kinds, fibrillation, **given)


def codes(episodes):
    return [episode.code for episode in episodes]


@pytest.mark.parametrize(
    "kinds, expected",
    [
        ("", []),
        ("V", []),
        ("NNVNNNN", []),
        ("NNVVNNN", ["(COUPLET"]),
        ("NNFVNNN", ["(COUPLET"]),
        ("NNSSNNN", ["(SCOUPLET"]),
        ("NNVSNNN", []),
        ("NQQQNNN", []),
        ("NVNVNNNNN", []),
        ("NNVNVNVNN", ["(B"]),
        ("NNVNNVNNVNN", ["(T"]),
        ("NSNSNSN", ["(AB"]),
    ],
)
def test_patterns_of_ectopics(kinds, expected):
    assert codes(found(kinds)[1]) == expected


def test_a_run_is_a_tachycardia_from_100_a_minute_on():
    peaks, episodes = found("NNNVVVVNNN", [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.4, 0.8, 0.8, 0.8])
    assert episodes == [rhythm.Episode(int(peaks[3]), int(peaks[6]), "(VT", 4, 150.0)]
    assert codes(found("NNNVVVVNNN")[1]) == ["(IVR"]
    assert codes(found("NNSSSNN", 0.5)[1]) == ["(SVTA"]
    assert codes(found("NNSSSNN")[1]) == ["(SRUN"]


def test_nothing_is_counted_across_what_cannot_be_read():
    peaks, _ = found("NNVVNN")
    gap = [(peaks[2] + 10, peaks[2] + 60)]
    assert codes(found("NNVVNN", gaps=gap)[1]) == []
    assert codes(found("NNNNNN", [0.8, 0.8, 0.8, 3.0, 0.8, 0.8])[1]) == ["(PAUSE"]
    long = [(3 * FS_HZ, 4 * FS_HZ)]
    assert codes(found("NNNNNN", [0.8, 0.8, 0.8, 3.0, 0.8, 0.8], gaps=long)[1]) == []


def test_a_gap_within_a_longer_one_does_not_hide_it():
    peaks = np.array([0, 300, 2000, 2300])
    rr_s = rhythm.known_rr_s(peaks, [(400, 1900), (500, 600)])
    assert np.isnan(rr_s[[0, 2]]).all() and np.isfinite(rr_s[[1, 3]]).all()


def test_pauses_over_a_length_that_can_be_set_and_no_missed_beats():
    rr_s = [0.8, 0.8, 2.2, 0.8, 3.1, 0.8]
    lengths = lambda **given: [round(e.duration_s, 1) for e in found("NNNNNN", rr_s, **given)[1]]
    assert lengths() == [2.2, 3.1]
    assert lengths(pause_s=3.0) == [3.1]
    assert lengths(bumps=np.array([0, 0, 0.4, 0, 0.05, 0])) == [3.1]


def test_bradycardia_and_tachycardia_need_a_while():
    assert codes(found("N" * 40, 1.5)[1]) == ["(SBR"]
    assert codes(found("N" * 60, 0.5)[1]) == ["(TACHY"]
    assert codes(found("N" * 40, 0.8)[1]) == []
    assert codes(found("N" * 50, [0.8] * 20 + [0.5] * 10 + [0.8] * 20)[1]) == []


def test_fast_fibrillation_is_fibrillation_and_no_tachycardia():
    marked = np.r_[np.zeros(20, bool), np.ones(80, bool), np.zeros(20, bool)]
    peaks, episodes = found("N" * 120, np.where(marked, 0.45, 0.8), fibrillation=marked)
    assert codes(episodes) == ["(AFIB"]
    assert (episodes[0].start, episodes[0].end, episodes[0].beats) == (peaks[20], peaks[99], 80)
    marked[60:] = False
    assert codes(found("N" * 120, 0.6, fibrillation=marked)[1]) == ["(SAFIB"]


def test_alarms_of_the_signal_come_in_order_of_time():
    _, episodes = found("NNNVVVNN", alarms=[(100000, 103000, NO_ACTIVITY), (5, 30, NO_RHYTHM)])
    assert codes(episodes) == ["(VF", "(IVR", "(ASYS"]
    assert set(codes(episodes)) <= set(rhythm.MEANINGS)


@pytest.mark.parametrize("length_s, code", [(5.0, "(PAUSE"), (7.0, "(ASYS")])
def test_one_stretch_without_activity_is_a_pause_or_an_asystole_from_beat_to_beat(length_s, code):
    rr_s = [0.8, 0.8, 0.8, length_s, 0.8, 0.8]
    still = (round(3.0 * FS_HZ), round((2.0 + length_s) * FS_HZ), NO_ACTIVITY)
    peaks, (episode,) = found("NNNNNN", rr_s, alarms=[still])
    assert (episode.code, episode.start, episode.end) == (code, peaks[2], peaks[3])


def test_what_a_reader_must_see_first():
    alarms = lambda *given, **more: [e.code for e in found(*given, **more)[1] if e.is_alarm]
    assert [alarms("N" * 5 + kind * 40, 0.3) for kind in "VS"] == [["(VT"], ["(SVTA"]]
    assert alarms("N" * 60, 0.35) == alarms("NNVVVNS" * 9, 0.35) == ["(TACHY"]
    assert alarms("N" * 5 + "V" * 30, 0.3) == alarms("N" * 5 + "V" * 40, 0.5) == []
    assert alarms("NNN", gaps=[(2000, 2000 + 61 * FS_HZ)]) == ["(LOST"]
    assert alarms("NNN", gaps=[(2000, 2000 + 50 * FS_HZ)]) == []


def test_of_overlapping_episodes_the_graver_or_shorter_one_is_the_rhythm():
    made = [
        rhythm.Episode(100, 900, rhythm.FIBRILLATION, 0, 0.0),
        rhythm.Episode(300, 400, rhythm.VT, 0, 0.0),
        rhythm.Episode(900, 950, rhythm.BIGEMINY, 0, 0.0),
    ]
    assert rhythm.rhythm_changes(made) == [
        (100, "(AFIB"),
        (300, "(VT"),
        (400, "(AFIB"),
        (900, "(B"),
        (950, "(N"),
    ]
    assert rhythm.rhythm_changes([]) == [] and set(rhythm.PRIORITY) == set(rhythm.MEANINGS)
