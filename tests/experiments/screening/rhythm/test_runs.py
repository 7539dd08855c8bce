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


SLOW_SINUS = [1.9, 1.9, 0.74, 0.7, 0.73, 0.73, 1.9, 1.9]
VARIED = [0.74, 0.7, 0.88, 0.7]
TWO_EARLY = [0.8, 0.8, 0.5, 0.5, 0.9, 0.8, 0.5, 0.9, 0.8]
NOT_RESET = [0.8, 0.8, 0.4, 0.44, 0.76, 0.8, 0.8]  # 0.4 + 0.44 is a sinus interval
RESET = [0.8, 0.8, 0.5, 0.55, 0.9, 0.8, 0.8]
TWO_COUPLETS = [1.9, 1.9, 0.5, 0.4, 1.1, 0.5, 0.4, 1.9]
MIXED = [0.8, 0.8, *[0.45, 0.6] * 4, 1.0, 0.8]
PAUSED, UNPAUSED = [0.8, 0.8, 0.5, 0.45, 1.2, 0.8], [0.8, 0.8, 0.5, 0.45, 0.8, 0.8]
INTERPOLATED = [0.8, 0.8, 0.4, 0.42, 0.9, 0.8]  # between two beats a sinus interval apart
BETWEEN = [0.8, 0.8, 0.5, 0.8, 0.5, 1.1, 0.8]
EARLY_PAIR = [0.8, 0.8, 0.55, 0.4, 1.1, 0.8]
FAST = [0.8, 0.8, *[0.45] * 8, 0.9, 0.8]
FASTEST = [0.8, 0.8, *[0.3] * 5, 0.8, 0.8]


@pytest.mark.parametrize(
    "text, rr_s, unlike, columns, expected",
    [
        # an early beat right after a ventricular one makes a couplet before a pause, or if odd
        ("NNVQNN", PAUSED, OTHER, {}, "NNVVNN"),
        ("NNVQNN", UNPAUSED, ODD, {}, "NNVVNN"),
        ("NNVQNN", INTERPOLATED, ODD, {}, "NNVQNN"),
        # an odd beat between two ventricular ones makes a run, as does an early one
        ("NNVQVNN", BETWEEN, ODD, {}, "NNVVVNN"),
        ("NNVVSNN", [0.8, 0.8, *[0.45] * 3, 1.1, 0.8], OTHER, {}, "NNVVVNN"),
        # the second of two early atrial beats may be conducted otherwise
        ("NNSVNN", EARLY_PAIR, OTHER, {}, "NNSSNN"),
        ("NNSVNN", EARLY_PAIR, ODD, {}, "NNSVNN"),
        # odd beats in a very fast row between sinus beats are a tachycardia
        ("NNQFQVQNN", FASTEST, ODD, {}, "NNVVVVVNN"),
        # a tachycardia of usual shape has one origin; ventricular bigeminy has two intervals
        ("NNNNVVNVVVNN", FAST, OTHER, {"premature": range(2, 10)}, "NNNNSSNSSSNN"),
        ("NNNVNVNVNVNN", MIXED, OTHER, {"premature": range(2, 10)}, "NNNVNVNVNVNN"),
        # a QRS nearly the usual one, or shorter, is not ventricular
        ("NNVNNVNN", [0.8, 0.8, 0.5, 1.1, *[0.8] * 4], ALMOST_USUAL, {}, "NNSNNQNN"),
        ("NNVNN", [0.8, 0.8, 0.7, 0.9, 0.8], ODD, {}, "NNVNN"),
        ("NNVNN", [0.8, 0.8, 0.7, 0.9, 0.8], ODD, {"shorter": [2]}, "NNQNN"),
        # sinus beats 1.9 s apart, and between them an atrial rhythm at 82 a minute
        ("NNNSQNNN", SLOW_SINUS, USUAL, {}, "NNNSSNNN"),
    ],
)
def test_kinds_among_neighbours(text, rr_s, unlike, columns, expected):
    kind = letters(text)
    made = beats(rr_s, unlike, cluster=np.where(kind == "V", 0, -1), **columns)
    assert "".join(with_neighbours(kind, np.ones(len(kind)), made)[0]) == expected
    assert "".join(kind) == text  # as it was


def test_a_rare_shape_on_time_or_amid_noise_is_not_ventricular_unless_beside_a_common_one():
    n = 200
    rr_s, cluster, kind = np.full(n, 0.8), np.full(n, -1), np.full(n, "N")
    noise = np.where(np.arange(n) > 140, 4.0, 1.0)
    for at, shape in ((20, 0), (40, 0), (60, 0), (80, 0), (100, 1), (160, 2), (170, 0), (171, 3)):
        kind[at], cluster[at], rr_s[at] = "V", shape, 0.5
    rr_s[120:122], cluster[120], kind[120] = 0.8, 4, "V"  # the only one on time
    doubtful = runs.doubtful(kind, beats(rr_s, cluster=cluster, noise=noise))
    assert np.flatnonzero(doubtful).tolist() == [120, 160]


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
        # an unflagged beat like fusion begins a couplet where there are fusion beats
        ("NFNNNNVNNN", [*[0.8] * 6, 0.5, 1.1, 0.8, 0.8], {"like_fusion": [5]}, "NFNNNFVNNN"),
        ("NFNNNNVNNN", [*[0.8] * 6, 0.5, 1.1, 0.8, 0.8], {}, "NFNNNNVNNN"),
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
        # unflagged premature beats make a couplet where it clearly stands out
        ("N" * 9, TWO_EARLY, {"premature": [2, 3, 6]}, "NNSSNNNNN"),
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
        # early beats between as many ventricular ones make a run, fast bigeminy does not
        ("NNVNVNVNVNNN", MIXED, {"premature": range(2, 10)}, "NNVVVVVVVVNN"),
        ("NNVNVNVNVNNN", MIXED, {}, "NNVNVNVNVNNN"),
        # odd beats at the sinus node's rate make no run, unless fusion begins it
        ("NNVVVNN", [0.8] * 7, {"usual": [0, 1, 5, 6]}, "NNQQQNN"),
        ("NNFVVNN", [0.8] * 7, {"usual": [0, 1, 5, 6]}, "NNFVVNN"),
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
