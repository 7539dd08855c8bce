"""Kinds in the company of the beats around, as a reader would settle them."""

import numpy as np
from told_beats import ALMOST_USUAL, beats, letters, marks

from experiments.screening.rhythm.company import (
    aberrant,
    among_supraventricular,
    among_ventricular,
    between_ventricular,
    doubtful,
    in_tachycardia,
    renamed,
    second_of_couplet,
)


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
    # nor does an early beat of usual shape, or a somewhat other one that no pause follows
    paused, unpaused = [0.8, 0.8, 0.5, 0.45, 1.2, 0.8], [0.8, 0.8, 0.5, 0.45, 0.8, 0.8]
    assert not second_of_couplet(kind, beats(paused, unlike=-4.5)).any()
    assert not second_of_couplet(kind, beats(unpaused, unlike=-2.5)).any()
    assert marks(second_of_couplet(kind, beats(paused, unlike=-2.5))) == [3]
    # one of quite another shape needs no pause
    assert marks(second_of_couplet(kind, beats(unpaused))) == [3]


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


def test_a_qrs_shorter_than_the_usual_one_is_not_ventricular():
    kind, cluster = letters("NNVNN"), np.array([-1, -1, 0, -1, -1])
    told = beats([0.8, 0.8, 0.7, 0.9, 0.8], cluster)
    assert "".join(renamed(kind, np.ones(5), told)[0]) == "NNVNN"
    told.shorter[2] = True
    assert "".join(renamed(kind, np.ones(5), told)[0]) == "NNQNN"


def test_a_tachycardia_of_usual_shape_has_one_origin():
    kind, rr_s = letters("NNNNVVNVVVNN"), [0.8, 0.8] + [0.45] * 8 + [0.9, 0.8]
    premature = np.isin(np.arange(12), range(2, 10))
    told = beats(rr_s, np.where(kind == "V", 0, -1), premature=premature)
    assert marks(among_supraventricular(kind, told)) == [4, 5, 7, 8, 9]
    # ventricular bigeminy comes at two intervals, and what is all called ventricular stays so
    uneven = beats([0.8, 0.8] + [0.45, 0.65] * 4 + [0.9, 0.8], told.cluster, premature=premature)
    assert not among_supraventricular(kind, uneven).any()
    kind = letters("NNVVVVVVVVNN")
    assert not among_supraventricular(kind, told).any()


def test_a_run_of_supraventricular_beats_holds_flagged_ones_that_are_as_premature():
    # sinus beats 1.9 s apart, and between them an atrial rhythm at 82 a minute
    told = beats([1.9, 1.9, 0.74, 0.7, 0.73, 0.73, 1.9, 1.9], unlike=-4.5)
    found, _ = renamed(letters("NNNSQNNN"), np.ones(8), told)
    assert "".join(found) == "NNNSSNNN"


def test_the_second_of_two_early_atrial_beats_may_be_conducted_otherwise():
    kind, rr_s = letters("NNSVNN"), [0.8, 0.8, 0.55, 0.4, 1.1, 0.8]
    assert marks(aberrant(kind, beats(rr_s, unlike=-2.5))) == [3]
    assert not aberrant(kind, beats(rr_s)).any()  # too far from the usual shape
    assert not aberrant(letters("NNNVNN"), beats(rr_s, unlike=-2.5)).any()
    assert not aberrant(kind, beats([0.8, 0.8, 0.55, 0.6, 1.1, 0.8], unlike=-2.5)).any()


def test_odd_beats_in_a_very_fast_row_between_sinus_beats_are_a_tachycardia():
    kind, rr_s = letters("NNQFQVQNN"), [0.8, 0.8, *[0.3] * 5, 0.8, 0.8]
    assert marks(in_tachycardia(kind, beats(rr_s))) == [2, 3, 4, 5, 6]
    assert not in_tachycardia(kind, beats(rr_s, unlike=-2.5)).any()
    assert not in_tachycardia(kind, beats([0.8, 0.8, *[0.6] * 5, 0.8, 0.8])).any()
    assert not in_tachycardia(letters("NNQFQVQQN"), beats([0.8, 0.8, *[0.3] * 5, 0.8, 0.8])).any()
