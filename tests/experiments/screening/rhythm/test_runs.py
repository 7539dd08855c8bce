"""What neighbouring beats say, as a reader would settle it on a strip."""

import numpy as np
import pytest

from experiments.screening.rhythm import runs
from experiments.screening.rhythm.runs import BeatsInOrder, kinds_for_episodes, with_neighbours
from preprocess.constants import FS_HZ

USUAL_S = 0.8
ODD, OTHER, ALMOST_USUAL, USUAL = -1.0, -2.5, -3.5, -4.5  # of otherness
COLUMNS = ("shorter", "premature", "like_fusion", "p_in_place", "fibrillation")


def beats(rr_s, unlike=ODD, cluster=None, noise=None, **places):
    """Beats in order of time, with the interval before each against a usual one of USUAL_S.

    places: where bool columns are True; `usual` is everywhere unless given, the others nowhere.
    """
    rr_s, n = np.asarray(rr_s, float), len(rr_s)
    places = dict.fromkeys(COLUMNS, ()) | {"usual": range(n)} | places
    return BeatsInOrder(
        sample=np.round(np.cumsum(rr_s) * FS_HZ).astype(int),
        rr_s=np.append(np.nan, rr_s[1:]),
        cluster=np.full(n, -1) if cluster is None else cluster,
        before=np.log(rr_s / USUAL_S),
        after=np.log(np.append(rr_s[1:], USUAL_S) / USUAL_S),
        unlike=np.full(n, unlike),
        noise=np.ones(n) if noise is None else noise,
        **{name: np.isin(np.arange(n), list(at)) for name, at in places.items()},
    )


def letters(text):
    return np.array(list(text))


def marks(found):
    return np.flatnonzero(found).tolist()


# ------------------------------------------------------------------- of a kind


def test_an_early_beat_among_ventricular_ones_is_ventricular():
    kind = letters("NNVVQNNVSVNNSSSSSVSSSSS")
    none, before = np.zeros(len(kind), bool), np.where(kind == "N", 0.0, np.log(0.6))
    assert marks(runs.among_ventricular(kind, before, none)) == [4, 8]
    assert not runs.among_ventricular(kind, np.zeros(len(kind)), none).any()


PAUSED, UNPAUSED = [0.8, 0.8, 0.5, 0.45, 1.2, 0.8], [0.8, 0.8, 0.5, 0.45, 0.8, 0.8]
INTERPOLATED = [0.8, 0.8, 0.4, 0.42, 0.9, 0.8]  # between two beats a sinus interval apart


@pytest.mark.parametrize(
    "rr_s, unlike, found",
    [
        (PAUSED, ODD, True),
        (PAUSED, OTHER, True),
        (PAUSED, USUAL, False),
        (UNPAUSED, OTHER, False),
        (UNPAUSED, ODD, True),  # of quite another shape: it needs no pause
        (INTERPOLATED, ODD, False),
    ],
)
def test_an_early_beat_after_a_ventricular_one_and_before_a_pause_makes_a_couplet(
    rr_s, unlike, found
):
    kind = letters("NNVQNN")
    assert marks(runs.second_of_couplet(kind, beats(rr_s, unlike))) == [3] * found


def test_an_odd_beat_between_two_ventricular_ones_makes_a_run_a_usual_one_does_not():
    kind, rr_s = letters("NNVQVNN"), [0.8, 0.8, 0.5, 0.8, 0.5, 1.1, 0.8]
    assert marks(runs.between_ventricular(kind, beats(rr_s))) == [3]
    assert not runs.between_ventricular(kind, beats(rr_s, USUAL)).any()


def test_an_odd_shape_on_time_that_never_comes_again_is_not_ventricular():
    kind, cluster = letters("NNNVNNN"), np.array([-1, -1, -1, 7, -1, -1, -1])
    assert marks(runs.doubtful(kind, beats([0.8] * 7, cluster=cluster))) == [3]
    early = [0.8, 0.8, 0.8, 0.5, 1.1, 0.8, 0.8]
    assert not runs.doubtful(kind, beats(early, cluster=cluster)).any()
    often = letters("NV" * 6)
    common = beats([0.8] * 12, cluster=np.where(often == "V", 7, -1))
    assert not runs.doubtful(often, common).any()


def test_amid_noise_even_an_early_one_is_not_unless_beside_one_of_a_known_shape():
    n = 200
    rr_s, cluster, kind = np.full(n, 0.8), np.full(n, -1), np.full(n, "N")
    noise = np.where(np.arange(n) > 140, 4.0, 1.0)
    for at, shape in ((20, 0), (40, 0), (60, 0), (80, 0), (100, 1), (160, 2), (170, 0), (171, 3)):
        kind[at], cluster[at], rr_s[at] = "V", shape, 0.5
    assert marks(runs.doubtful(kind, beats(rr_s, cluster=cluster, noise=noise))) == [160]


@pytest.mark.parametrize(
    "text, rr_s, unlike, columns, expected",
    [
        ("NNVNNVNN", [0.8, 0.8, 0.5, 1.1, *[0.8] * 4], ALMOST_USUAL, {}, "NNSNNQNN"),
        ("NNVNN", [0.8, 0.8, 0.7, 0.9, 0.8], ODD, {}, "NNVNN"),
        ("NNVNN", [0.8, 0.8, 0.7, 0.9, 0.8], ODD, {"shorter": [2]}, "NNQNN"),
        # sinus beats 1.9 s apart, and between them an atrial rhythm at 82 a minute
        ("NNNSQNNN", [1.9, 1.9, 0.74, 0.7, 0.73, 0.73, 1.9, 1.9], USUAL, {}, "NNNSSNNN"),
    ],
)
def test_kinds_among_neighbours(text, rr_s, unlike, columns, expected):
    kind = letters(text)
    of_one_shape = np.where(kind == "V", 0, -1)
    made = beats(rr_s, unlike, cluster=of_one_shape, **columns)
    assert "".join(with_neighbours(kind, np.ones(len(kind)), made)[0]) == expected
    assert "".join(kind) == text  # as it was


def test_a_tachycardia_of_usual_shape_has_one_origin():
    kind, rr_s = letters("NNNNVVNVVVNN"), [0.8, 0.8] + [0.45] * 8 + [0.9, 0.8]
    fast = beats(rr_s, premature=range(2, 10))
    assert marks(runs.among_supraventricular(kind, fast)) == [4, 5, 7, 8, 9]
    # ventricular bigeminy comes at two intervals, and what is all called ventricular stays so
    uneven = beats([0.8, 0.8] + [0.45, 0.65] * 4 + [0.9, 0.8], premature=range(2, 10))
    assert not runs.among_supraventricular(kind, uneven).any()
    assert not runs.among_supraventricular(letters("NNVVVVVVVVNN"), fast).any()


@pytest.mark.parametrize(
    "text, second_s, unlike, found",
    [
        ("NNSVNN", 0.4, OTHER, True),
        ("NNSVNN", 0.4, ODD, False),  # too far from the usual shape
        ("NNNVNN", 0.4, OTHER, False),
        ("NNSVNN", 0.6, OTHER, False),
    ],
)
def test_the_second_of_two_early_atrial_beats_may_be_conducted_otherwise(
    text, second_s, unlike, found
):
    made = beats([0.8, 0.8, 0.55, second_s, 1.1, 0.8], unlike)
    assert marks(runs.aberrant(letters(text), made)) == [3] * found


def test_odd_beats_in_a_very_fast_row_between_sinus_beats_are_a_tachycardia():
    kind, rr_s = letters("NNQFQVQNN"), [0.8, 0.8, *[0.3] * 5, 0.8, 0.8]
    assert marks(runs.in_tachycardia(kind, beats(rr_s))) == [2, 3, 4, 5, 6]
    slower = beats([0.8, 0.8, *[0.6] * 5, 0.8, 0.8])
    for other_kind, made in (
        (kind, beats(rr_s, OTHER)),
        (kind, slower),
        (letters("NNQFQVQQN"), beats(rr_s)),
    ):
        assert not runs.in_tachycardia(other_kind, made).any()


# ------------------------------------------------------- of couplets and runs


SLOW_SINUS = [1.9, 1.9, 0.74, 0.7, 0.73, 0.73, 1.9, 1.9]
VARIED = [0.74, 0.7, 0.88, 0.7]
TWO_EARLY = [0.8, 0.8, 0.5, 0.5, 0.9, 0.8, 0.5, 0.9, 0.8]
NOT_RESET = [0.8, 0.8, 0.4, 0.44, 0.76, 0.8, 0.8]  # 0.4 + 0.44 is a sinus interval
RESET = [0.8, 0.8, 0.5, 0.55, 0.9, 0.8, 0.8]
TWO_COUPLETS = [1.9, 1.9, 0.5, 0.4, 1.1, 0.5, 0.4, 1.9]
MIXED = [0.8, 0.8, *[0.45, 0.6] * 4, 1.0, 0.8]


@pytest.mark.parametrize(
    "text, rr_s, columns, expected",
    [
        # a run holds premature beats beside flagged ones; one flagged beat makes no long run
        ("NNSNNNN", [0.8, 0.8, 0.65, 0.65, 0.65, 0.8, 0.8], {"premature": [2, 3, 4]}, "NNSSSNN"),
        ("NS" + "N" * 18, [0.8] * 20, {"premature": range(1, 20)}, "NS" + "N" * 18),
        # what is as premature as one flagged beat belongs to its run, more so in slow rhythms
        ("NNNSNNNN", SLOW_SINUS, {}, "NNSSSSNN"),
        ("NNNSNNNN", [1.9, 1.9, *VARIED, 1.9, 1.9], {}, "NNSSSSNN"),
        ("NNNSNNNN", [1.1, 1.1, *VARIED, 1.1, 1.1], {}, "NNSSNNNN"),
        # a sinus rhythm that goes on after a premature beat is no run
        ("NNSNNNNN", [0.8, 0.8, 0.62, *[0.66] * 5], {}, "NNSNNNNN"),
        ("NNSNNNNN", [0.8, 0.8, 0.6, 1.0, *[0.8] * 4], {}, "NNSNNNNN"),
        # an unflagged beat like fusion begins a couplet where there are fusion beats
        ("NFNNNNVNNN", [*[0.8] * 6, 0.5, 1.1, 0.8, 0.8], {"like_fusion": [5]}, "NFNNNFVNNN"),
        ("NFNNNNVNNN", [*[0.8] * 6, 0.5, 1.1, 0.8, 0.8], {}, "NFNNNNVNNN"),
        ("NNNNNNVNNN", [*[0.8] * 6, 0.5, 1.1, 0.8, 0.8], {"like_fusion": [5]}, "NNNNNNVNNN"),
        # fusion beats alone make no run but begin one
        ("NNFFFNN", [0.8] * 7, {}, "NNQQQNN"),
        ("NNFVVNN", [0.8, 0.8, 0.75, 0.5, 0.5, 1.1, 0.8], {}, "NNFVVNN"),
        ("NNVFFNN", [0.8, 0.8, 0.75, 0.5, 0.5, 1.1, 0.8], {}, "NNVQQNN"),
        ("NFNNVFN", [0.8] * 7, {}, "NFNNVFN"),
        # the sinus beat after a couplet is not part of its run
        ("NNSSNSSN", TWO_COUPLETS, {"premature": range(2, 7)}, "NNSSNSSN"),
        # beats hardly earlier than those beside make no run
        ("NNSSSNN", [0.7, 0.7, 0.66, 0.66, 0.67, 0.7, 0.7], {}, "NNQQQNN"),
        ("NNSSSNN", [0.8, 0.8, 0.5, 0.5, 0.5, 0.9, 0.8], {}, "NNSSSNN"),
        ("NNSNN", [0.8, 0.8, 0.78, 0.8, 0.8], {}, "NNSNN"),
        # unflagged premature beats make a couplet where it clearly stands out
        ("N" * 9, TWO_EARLY, {"premature": [2, 3, 6]}, "NNSSNNNNN"),
        ("N" * 9, TWO_EARLY, {"premature": [3, 6]}, "NNSSNNNNN"),
        ("N" * 9, TWO_EARLY, {"premature": [6]}, "N" * 9),
        # the sinus beat after an interpolated one makes no couplet
        ("NNVSSNN", [0.8, 0.8, 0.5, 0.5, 0.6, 1.0, 0.8], {"premature": [3, 4]}, "NNVQSNN"),
        ("NNVSSNN", [0.8, 0.8, 0.7, 0.5, 0.5, 1.0, 0.8], {"premature": [3, 4]}, "NNVSSNN"),
        # nor does a beat with its P wave in the sinus node's time, unless the node was reset
        ("NNSSNNN", NOT_RESET, {"premature": [2, 3]}, "NNSSNNN"),
        ("NNSSNNN", NOT_RESET, {"premature": [2, 3], "p_in_place": [3]}, "NNSQNNN"),
        ("NNSSNNN", RESET, {"premature": [2, 3], "p_in_place": [3]}, "NNSSNNN"),
        # an unflagged odd beat goes on with a couplet at its interval
        ("NNVVNNN", [0.8, 0.8, 0.4, 0.4, 0.4, 1.1, 0.8], {}, "NNVVVNN"),
        ("NNVVNNN", [0.8, 0.8, 0.4, 0.4, 0.5, 1.1, 0.8], {}, "NNVVNNN"),
        ("NNVNNNN", [0.8, 0.8, 0.4, 0.4, 1.1, 0.8, 0.8], {}, "NNVNNNN"),
        # early beats between as many ventricular ones make a run, fast bigeminy does not
        ("NNVNVNVNVNNN", MIXED, {"premature": range(2, 10)}, "NNVVVVVVVVNN"),
        ("NNVNVNVNVNNN", MIXED, {}, "NNVNVNVNVNNN"),
        # odd beats at the sinus node's rate make no run, unless fusion begins it
        ("NNVVVNN", [0.8] * 7, {"usual": [0, 1, 5, 6]}, "NNQQQNN"),
        ("NNFVVNN", [0.8] * 7, {"usual": [0, 1, 5, 6]}, "NNFVVNN"),
        ("NNVVVNN", [0.8, 0.8, 0.5, *[0.8] * 4], {"usual": [0, 1, 5, 6]}, "NNVQQNN"),
        ("NNVVVNN", [0.8, 0.8, 0.5, 0.8, 0.8, 1.1, 0.8], {"usual": [0, 1, 5, 6]}, "NNVVVNN"),
        ("NNVVVNN", [0.8, 0.8, 0.8, 0.5, 0.5, 1.1, 0.8], {"usual": [0, 1, 5, 6]}, "NNQVVNN"),
    ],
)
def test_kinds_for_episodes(text, rr_s, columns, expected):
    kind = letters(text)
    made = beats(rr_s, cluster=np.where(kind == "N", -1, 0), **columns)
    assert "".join(kinds_for_episodes(kind, made)) == expected


def test_an_unflagged_odd_beat_between_a_ventricular_one_and_a_pause_makes_a_couplet():
    kind, around = letters("N" * 30 + "VNN" + "N" * 30), [0.8] * 30
    for after_s, odd, expected in (
        (1.1, (30, 31), "NVVN"),
        (1.1, (30,), "NVNN"),
        (0.8, (30, 31), "NVNN"),
    ):
        usual = [place for place in range(len(kind)) if place not in odd]
        made = beats([*around, 0.5, 0.8, after_s, *around], usual=usual)
        made.cluster[30] = 0
        assert "".join(kinds_for_episodes(kind, made)[29:33]) == expected


def test_nothing_goes_on_over_a_gap():
    kind, gapped = letters("NNSNNN"), beats([1.9, 1.9, 0.7, 0.72, 1.9, 1.9])
    gapped.rr_s[3] = np.nan
    assert (kinds_for_episodes(kind, gapped) == kind).all()
