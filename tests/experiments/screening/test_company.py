"""Kinds in the company of the beats around, as a reader would settle them."""

import numpy as np

from experiments.screening.company import (
    Beats,
    among_ventricular,
    between_ventricular,
    doubtful,
    for_rhythms,
    renamed,
    second_of_couplet,
)
from preprocess.constants import FS_HZ

USUAL_S = 0.8
ODD, ALMOST_USUAL = -1.0, -3.5  # of otherness


def beats(rr_s, cluster=None, unlike=ODD, premature=None, noise=None):
    """Beats in order of time, with the interval before each against a usual one of USUAL_S."""
    rr_s, n = np.asarray(rr_s, float), len(rr_s)
    after_s = np.append(rr_s[1:], USUAL_S)
    return Beats(
        sample=np.round(np.cumsum(rr_s) * FS_HZ).astype(int),
        rr_s=np.append(np.nan, rr_s[1:]),
        cluster=np.full(n, -1) if cluster is None else np.asarray(cluster),
        before=np.log(rr_s / USUAL_S),
        after=np.log(after_s / USUAL_S),
        unlike=np.full(n, unlike),
        noise=np.ones(n) if noise is None else noise,
        usual=np.ones(n, bool),
        premature=np.zeros(n, bool) if premature is None else premature,
        fibrillation=np.zeros(n, bool),
    )


def letters(text):
    return np.array(list(text))


def marks(found):
    return np.flatnonzero(found).tolist()


def test_an_early_beat_among_ventricular_ones_is_ventricular():
    kind, early = letters("NNVVQNNVSVNNSSSSSVSSSSS"), np.log(0.6)
    before = np.where(kind == "N", 0.0, early)
    assert marks(among_ventricular(kind, before, np.zeros(len(kind), bool))) == [4, 8]
    assert not among_ventricular(kind, np.zeros(len(kind)), np.zeros(len(kind), bool)).any()


def test_an_early_beat_after_a_ventricular_one_and_before_a_pause_makes_a_couplet():
    kind = letters("NNVSNN")
    assert marks(second_of_couplet(kind, beats([0.8, 0.8, 0.5, 0.45, 1.2, 0.8]))) == [3]


def test_the_sinus_beat_after_an_interpolated_one_makes_none():
    kind = letters("NNVQNN")
    # the ventricular beat lies between two sinus beats that are one sinus interval apart
    assert not second_of_couplet(kind, beats([0.8, 0.8, 0.4, 0.42, 0.9, 0.8])).any()
    # nor does an early beat of usual shape, or one that no pause follows
    usual = beats([0.8, 0.8, 0.5, 0.45, 1.2, 0.8], unlike=-4.5)
    assert not second_of_couplet(kind, usual).any()
    assert not second_of_couplet(kind, beats([0.8, 0.8, 0.5, 0.45, 0.8, 0.8])).any()


def test_an_odd_beat_between_two_ventricular_ones_makes_a_run_a_usual_one_does_not():
    kind, rr_s = letters("NNVQVNN"), [0.8, 0.8, 0.5, 0.8, 0.5, 1.1, 0.8]
    assert marks(between_ventricular(kind, beats(rr_s))) == [3]
    assert not between_ventricular(kind, beats(rr_s, unlike=-4.5)).any()


def test_an_odd_shape_on_time_that_never_comes_again_is_not_ventricular():
    kind, cluster, on_time = letters("NNNVNNN"), [-1, -1, -1, 7, -1, -1, -1], [0.8] * 7
    assert marks(doubtful(kind, beats(on_time, cluster))) == [3]
    early = [0.8, 0.8, 0.8, 0.5, 1.1, 0.8, 0.8]
    assert not doubtful(kind, beats(early, cluster)).any()
    often = letters("NV" * 6)
    assert not doubtful(often, beats([0.8] * 12, np.where(often == "V", 7, -1))).any()


def test_amid_noise_even_an_early_one_is_not_unless_beside_one_of_a_known_shape():
    n = 200
    rr_s, cluster, kind = np.full(n, 0.8), np.full(n, -1), np.full(n, "N")
    noise = np.where(np.arange(n) > 140, 4.0, 1.0)
    for at, shape in ((20, 0), (40, 0), (60, 0), (80, 0), (100, 1), (160, 2), (170, 0), (171, 3)):
        kind[at], cluster[at], rr_s[at] = "V", shape, 0.5
    assert marks(doubtful(kind, beats(rr_s, cluster, noise=noise))) == [160]


def test_a_nearly_usual_shape_is_not_ventricular():
    kind, cluster = letters("NNVNNVNN"), np.array([-1, -1, 0, -1, -1, 0, -1, -1])
    early = beats([0.8, 0.8, 0.5, 1.1, 0.8, 0.8, 0.8, 0.8], cluster, ALMOST_USUAL)
    found, _ = renamed(kind, np.ones(8), early)
    assert "".join(found) == "NNSNNQNN"
    assert "".join(kind) == "NNVNNVNN"  # as it was


def test_a_run_holds_the_premature_beats_among_flagged_ones():
    kind = letters("NNSNNNNNNNNNN")
    premature = np.isin(np.arange(13), (2, 3, 4, 9, 10))
    told = for_rhythms(kind, beats([0.8] * 13, premature=premature))
    assert "".join(told) == "NNSSSNNNNNNNN"


def test_one_flagged_beat_makes_no_long_run():
    kind = letters("NS" + "N" * 18)
    told = for_rhythms(kind, beats([0.8] * 20, premature=np.arange(20) > 0))
    assert (told == kind).all()


def test_what_is_as_premature_as_one_flagged_beat_belongs_to_its_run():
    kind = letters("NNNSNNNN")
    # sinus beats 1.9 s apart, and between them an atrial rhythm at 82 a minute
    rr_s = [1.9, 1.9, 0.74, 0.7, 0.73, 0.73, 1.9, 1.9]
    assert "".join(for_rhythms(kind, beats(rr_s))) == "NNSSSSNN"
    # a flagged one among them is named so, too
    found, _ = renamed(letters("NNNSQNNN"), np.ones(8), beats(rr_s, unlike=-4.5))
    assert "".join(found) == "NNNSSNNN"


def test_a_sinus_rhythm_that_goes_on_after_a_premature_beat_is_no_run():
    kind = letters("NNSNNNNN")
    faster = [0.8, 0.8, 0.62, 0.66, 0.66, 0.66, 0.66, 0.66]
    assert (for_rhythms(kind, beats(faster)) == kind).all()
    paused = [0.8, 0.8, 0.6, 1.0, 0.8, 0.8, 0.8, 0.8]
    assert (for_rhythms(kind, beats(paused)) == kind).all()


def test_nothing_goes_on_over_a_gap():
    kind, rr_s = letters("NNSNNN"), [1.9, 1.9, 0.7, 0.72, 1.9, 1.9]
    gapped = beats(rr_s)
    gapped.rr_s[3] = np.nan
    assert (for_rhythms(kind, gapped) == kind).all()
