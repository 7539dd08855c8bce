"""Synthetic rhythms hold early beats of each kind, at times that rise."""

import numpy as np

from preprocess.synthetic_rhythm import synthetic_rhythm


def rhythms(n=200):
    rng = np.random.default_rng(0)
    for _ in range(n):
        yield synthetic_rhythm(300 + 5 * rng.standard_normal(400), rng)


def test_peaks_rise_and_every_kind_occurs():
    kinds = []
    for peaks, kind in rhythms():
        assert len(peaks) == len(kind) and (np.diff(peaks) > 0).all()
        kinds.append(kind)
    assert set(np.concatenate(kinds)) == {0, 1, 2, 3}


def test_early_beats_are_early_and_fusion_beats_about_on_time():
    rr = np.concatenate([np.diff(peaks) for peaks, _ in rhythms()])
    kind = np.concatenate([kind[1:] for _, kind in rhythms()])
    assert max(np.median(rr[kind == early]) for early in (1, 2)) < 0.95 * 300
    assert 0.8 * 300 < np.median(rr[kind == 3]) < 1.05 * 300


def test_in_some_recordings_most_beats_are_abnormal():
    share = np.array([(kind > 0).mean() for _, kind in rhythms()])
    assert (share > 0.5).any() and (share < 0.05).any()
