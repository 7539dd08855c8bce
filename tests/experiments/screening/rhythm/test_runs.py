"""Couplets and runs, as a reader would tell them on a strip."""

import numpy as np
from told_beats import beats, letters

from experiments.screening.rhythm.runs import for_rhythms

ALONE = [0.8] * 30


def told_as(text, rr_s, **columns):
    """Kinds for rhythms of beats whose kinds are given, with columns of Beats that are not usual:
    those that are True, as their places."""
    kind = letters(text)
    told = beats(rr_s, np.where(kind == "N", -1, 0))
    for name, places in columns.items():
        getattr(told, name)[:] = np.isin(np.arange(len(kind)), places)
    return "".join(for_rhythms(kind, told))


def test_a_run_holds_the_premature_beats_among_flagged_ones():
    kind = letters("NNSNNNNNNNNNN")
    premature = np.isin(np.arange(13), (2, 3, 4, 9, 10))
    told = for_rhythms(kind, beats(np.where(premature, 0.65, 0.8), premature=premature))
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


def test_between_very_slow_sinus_beats_a_run_may_vary_more():
    kind, varied = letters("NNNSNNNN"), [0.74, 0.7, 0.88, 0.7]
    assert "".join(for_rhythms(kind, beats([1.9, 1.9, *varied, 1.9, 1.9]))) == "NNSSSSNN"
    assert "".join(for_rhythms(kind, beats([1.1, 1.1, *varied, 1.1, 1.1]))) != "NNSSSSNN"


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


def test_an_unflagged_odd_beat_between_a_ventricular_one_and_a_pause_makes_a_couplet():
    text = "N" * 30 + "VNN" + "N" * 30
    usual = [place for place in range(len(text)) if place not in (30, 31)]
    rr_s = ALONE + [0.5, 0.8, 1.1] + ALONE
    assert told_as(text, rr_s, usual=usual)[29:33] == "NVVN"
    assert told_as(text, rr_s, usual=[*usual, 31])[29:33] == "NVNN"
    assert told_as(text, ALONE + [0.5, 0.8, 0.8] + ALONE, usual=usual)[29:33] == "NVNN"


def test_an_unflagged_beat_like_fusion_begins_a_couplet_where_there_are_fusion_beats():
    text, rr_s = "NFNNNNVNNN", [0.8] * 6 + [0.5, 1.1, 0.8, 0.8]
    assert told_as(text, rr_s, like_fusion=[5]) == "NFNNNFVNNN"
    assert told_as(text, rr_s) == text
    assert told_as(text.replace("F", "N"), rr_s, like_fusion=[5]) == text.replace("F", "N")


def test_fusion_beats_alone_make_no_run_but_begin_one():
    assert told_as("NNFFFNN", [0.8] * 7) == "NNQQQNN"
    run = [0.8, 0.8, 0.75, 0.5, 0.5, 1.1, 0.8]
    assert told_as("NNFVVNN", run) == "NNFVVNN"
    assert told_as("NNVFFNN", run) == "NNVQQNN"
    assert told_as("NFNNVFN", run) == "NFNNVFN"  # as it is by itself, and in a couplet


def test_the_sinus_beat_after_a_couplet_is_none_of_its_run():
    rr_s = [1.9, 1.9, 0.5, 0.4, 1.1, 0.5, 0.4, 1.9]
    assert told_as("NNSSNSSN", rr_s, premature=range(2, 7)) == "NNSSNSSN"


def test_beats_hardly_earlier_than_those_beside_make_no_run():
    assert told_as("NNSSSNN", [0.7, 0.7, 0.66, 0.66, 0.67, 0.7, 0.7]) == "NNQQQNN"
    assert told_as("NNSSSNN", [0.8, 0.8, 0.5, 0.5, 0.5, 0.9, 0.8]) == "NNSSSNN"
    assert told_as("NNSNN", [0.8, 0.8, 0.78, 0.8, 0.8]) == "NNSNN"  # a single one is no run


def test_unflagged_premature_beats_make_a_couplet_where_it_clearly_stands_out():
    rr_s = [0.8, 0.8, 0.5, 0.5, 0.9, 0.8, 0.5, 0.9, 0.8]
    assert told_as("N" * 9, rr_s, premature=[2, 3, 6]) == "NNSSNNNNN"
    # one that is as premature as the one beside is told with it
    assert told_as("N" * 9, rr_s, premature=[3, 6]) == "NNSSNNNNN"
    assert told_as("N" * 9, rr_s, premature=[6]) == "N" * 9


def test_the_sinus_beat_after_an_interpolated_one_makes_no_couplet():
    interpolated = [0.8, 0.8, 0.5, 0.5, 0.6, 1.0, 0.8]
    assert told_as("NNVSSNN", interpolated, premature=[3, 4]) == "NNVQSNN"
    late = [0.8, 0.8, 0.7, 0.5, 0.5, 1.0, 0.8]
    assert told_as("NNVSSNN", late, premature=[3, 4]) == "NNVSSNN"


def test_a_beat_with_its_p_wave_in_the_sinus_nodes_time_makes_no_couplet():
    # 0.4 + 0.44 is a sinus interval, and with the next it is two: the node was not reset
    rr_s, early = [0.8, 0.8, 0.4, 0.44, 0.76, 0.8, 0.8], [2, 3]
    assert told_as("NNSSNNN", rr_s, premature=early) == "NNSSNNN"
    assert told_as("NNSSNNN", rr_s, premature=early, p_in_place=[3]) == "NNSQNNN"
    # after an atrial couplet the next comes a whole interval later
    reset = [0.8, 0.8, 0.5, 0.55, 0.9, 0.8, 0.8]
    assert told_as("NNSSNNN", reset, premature=early, p_in_place=[3]) == "NNSSNNN"
    # and the last of a run follows an atrial beat
    run = [0.8, 0.8, 0.5, 0.4, 0.4, 0.8, 0.8]
    assert told_as("NNSSSNN", run, premature=[2, 3, 4], p_in_place=[4]) == "NNSSSNN"


def test_an_unflagged_beat_goes_on_with_a_couplet_at_its_interval():
    couplet = [0.8, 0.8, 0.4, 0.4, 0.4, 1.1, 0.8]
    assert told_as("NNVVNNN", couplet) == "NNVVVNN"  # ODD, as all are here
    assert told_as("NNVVNNN", [0.8, 0.8, 0.4, 0.4, 0.5, 1.1, 0.8]) == "NNVVNNN"
    assert told_as("NNVNNNN", [0.8, 0.8, 0.4, 0.4, 1.1, 0.8, 0.8]) == "NNVNNNN"


def test_early_beats_between_as_many_ventricular_ones_make_a_run():
    rr_s = [0.8, 0.8, *[0.45, 0.6] * 4, 1.0, 0.8]
    early = range(2, 10)
    assert told_as("NNVNVNVNVNNN", rr_s, premature=early) == "NNVVVVVVVVNN"
    assert told_as("NNVNVNVNVNNN", rr_s) == "NNVNVNVNVNNN"  # bigeminy, in a fast rhythm


def test_odd_beats_at_the_sinus_nodes_rate_make_no_run_unless_fusion_begins_it():
    usual = [0, 1, 5, 6]
    assert told_as("NNVVVNN", [0.8] * 7, usual=usual) == "NNQQQNN"
    assert told_as("NNFVVNN", [0.8] * 7, usual=usual) == "NNFVVNN"
    assert told_as("NNVVVNN", [0.8, 0.8, 0.5, 0.8, 0.8, 0.8, 0.8], usual=usual) == "NNVQQNN"
    assert told_as("NNVVVNN", [0.8, 0.8, 0.5, 0.8, 0.8, 1.1, 0.8], usual=usual) == "NNVVVNN"
    assert told_as("NNVVVNN", [0.8, 0.8, 0.8, 0.5, 0.5, 1.1, 0.8], usual=usual) == "NNQVVNN"
    assert told_as("NNVVNN", [0.8, 0.8, 0.8, 0.5, 1.1, 0.8]) == "NNVVNN"
    assert told_as("NNVNN", [0.8] * 5) == "NNVNN"
