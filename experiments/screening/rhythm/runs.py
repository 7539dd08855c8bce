"""Which beats make couplets and runs: kinds for rhythm episodes, from kinds in their company.

A reader tells a run by its beats and by where it stands: in it may be beats that nobody would flag
alone, and a flagged one that comes when the sinus node's was due is none of it. Limits were set on
DS1 and SVDB. What is flagged, and the kinds of flagged beats, stay as they are.
"""

import numpy as np
from scipy.ndimage import uniform_filter1d

from experiments.screening.rhythm.company import (
    beat_after,
    beat_before,
    in_supraventricular_runs,
    since_before_last,
    with_as_premature,
)
from experiments.screening.rhythm.episodes import VENTRICULAR, marked_runs

# Unflagged beats. The second of a couplet has another shape than nearly all around, comes no later
# than so much of the expected interval, as are all below, and has a pause after it.
SHAPES_BEATS, MOST_USUAL, NOT_LATE, WITH_PAUSE = 51, 0.9, 1.15, 1.1
# Or it is the third, early, hardly later after the second than that after the first, and odd; or
# one of so many beats that are early, of which half are ventricular.
THIRD_EARLY, AS_FAST, HARDLY_ODD = 0.7, 1.05, -3.0
MIXED_BEATS, MOSTLY = 4, 0.5
FUSION_BEATS = 51  # around: a fusion beat has others near
IN_SINUS_RHYTHM, NO_PAUSE_AFTER = (0.9, 1.1), 1.1  # beats at the sinus node's own rate
INTERPOLATED = 1.3  # expected intervals from beat to beat around a ventricular one, at most
# Expected intervals from the beat before an early one that did not reset the sinus node: to the
# beat after it, at most; to the one after that, from and to.
NOT_RESET, NOT_RESET_TWICE = 1.2, (1.9, 2.1)
LONGER = 1.7  # times the interval before: a supraventricular run has ended
# Times a run's median interval that those of the sinus beats beside are at least; and where none of
# its beats is flagged.
SHORTER, CLEARLY_SHORTER = 1.15, 1.3


def for_rhythms(kind, beats):
    """(n,) kinds from which episodes are told, of all beats in order of time.

    kind: (n,) of company.renamed; beats: company.Beats.
    """
    kind = np.where(unflagged_among(kind, beats), "V", kind)
    kind = np.where(third_unflagged(kind, beats), "V", kind)
    kind = np.where(second_unflagged(kind, beats), "V", kind)
    kind = np.where(fusion_unflagged(kind, beats), "F", kind)
    kind = np.where(after_interpolated(kind, beats), "Q", kind)
    confirmed = in_supraventricular_runs(kind, beats)
    premature = (kind == "S") | ((kind == "N") & beats.premature)
    premature = with_as_premature(premature, kind, beats)
    at_sinus_rate = in_sinus_rhythm(kind, beats)
    kind = np.where(fusion_after_all(kind, beats), "Q", kind)
    ventricular = np.isin(kind, VENTRICULAR)
    supraventricular = standing_out(confirmed, ventricular, beats) | standing_out(
        premature, ventricular, beats, unflagged=True
    )
    kind = np.where(((kind == "S") & ~supraventricular) | at_sinus_rate, "Q", kind)
    kind = np.where(supraventricular, "S", kind)
    return np.where(in_sinus_time(kind, beats), "Q", kind)


def unflagged_among(kind, beats):
    """(n,) bool: unflagged premature beats among as many ventricular ones without a sinus beat."""
    ventricular, result = kind == "V", np.zeros(len(kind), bool)
    early = (ventricular | beats.premature) & (kind != "F")
    for first, end in marked_runs(early, beats.linked):
        if end - first >= MIXED_BEATS:
            result[first:end] = ventricular[first:end].mean() >= MOSTLY
    return result & (kind == "N")


def third_unflagged(kind, beats):
    """(n,) bool: unflagged beats that go on with a ventricular couplet at its interval."""
    ventricular = kind == "V"
    found = (beats.cluster < 0) & beat_before(ventricular & beat_before(ventricular))
    found &= (beats.rr_s < AS_FAST * beats.previous_rr_s) & (beats.before < np.log(THIRD_EARLY))
    return found & (beats.unlike > HARDLY_ODD)


def second_unflagged(kind, beats):
    """(n,) bool: unflagged beats of another shape right after a ventricular one, and a pause."""
    unflagged = beats.cluster < 0
    around, usual = (
        uniform_filter1d(marked.astype(float), SHAPES_BEATS)
        for marked in (unflagged, unflagged & beats.usual)
    )
    found = unflagged & ~beats.usual & (usual > MOST_USUAL * around)
    found &= beat_before(kind == "V") & beats.linked & ~beats.premature
    return found & (beats.before < np.log(NOT_LATE)) & (beats.after > np.log(WITH_PAUSE))


def fusion_unflagged(kind, beats):
    """(n,) bool: unflagged beats like fusion beats right before a ventricular one, where there are
    fusion beats near."""
    near = uniform_filter1d((kind == "F").astype(float), FUSION_BEATS) > 0.5 / FUSION_BEATS
    found = (beats.cluster < 0) & beat_after((kind == "V") & beats.linked)
    return found & near & beats.like_fusion & ~beats.premature & ~beats.fibrillation


def fusion_after_all(kind, beats):
    """(n,) bool: fusion beats that make no run: the sinus node meets a ventricular rhythm where it
    begins. Those beside others alone, and in a run of three or more those that none follows."""
    ventricular = np.isin(kind, VENTRICULAR)
    before = beat_before(ventricular) & beats.linked
    after = beat_after(ventricular & beats.linked)
    of_couplet = before & beat_before(kind == "V") & ~beat_before(before) & ~after
    fusion = (kind == "F") & (before | after)
    return fusion & ~beat_after((kind == "V") & beats.linked) & ~of_couplet


def in_sinus_rhythm(kind, beats):
    """(n,) bool: ventricular beats that come when the sinus node's would: beats conducted
    otherwise. Those that begin a run, those that end one without a pause, and couplets of them.
    Where a fusion beat is among them it is a rhythm of the ventricles."""
    (low, high), result = IN_SINUS_RHYTHM, np.zeros(len(kind), bool)
    due = (beats.before > np.log(low)) & (beats.before < np.log(high))
    for first, end in marked_runs(np.isin(kind, VENTRICULAR), beats.linked):
        if end - first == 1 or (kind[first:end] == "F").any():
            continue
        no_pause = beats.after[end - 1] < np.log(NO_PAUSE_AFTER)
        leading, trailing = (_leading(due[first:end][::step]) for step in (1, -1))
        if end - first == 2:
            result[first:end] = no_pause and leading == 2
            continue
        result[first : first + leading] = True
        result[end - trailing : end] |= no_pause
    return result


def _leading(marked):
    """How many are True before the first that is not."""
    return int(np.argmin(np.append(marked, False)))


def after_interpolated(kind, beats):
    """(n,) bool: supraventricular beats right after a ventricular one, which so little time after
    the beat before it are the sinus node's."""
    found = (kind == "S") & beat_before(np.isin(kind, VENTRICULAR)) & beats.linked
    return found & (since_before_last(beats.before) < INTERPOLATED)


def in_sinus_time(kind, beats):
    """(n,) bool: the second of two supraventricular beats where it is the sinus node's: its P wave
    is at its place, and it and the next come as if the first were not there. An atrial beat resets
    the sinus node; the first is ventricular and interpolated, or no beat."""
    until_next = since_before_last(beats.before)
    (low, high), until_second = NOT_RESET_TWICE, until_next + np.exp(beats.after)
    supraventricular = kind == "S"
    second = beat_before(supraventricular) & ~beat_before(beat_before(supraventricular))
    found = supraventricular & second & beats.linked & beat_after(beats.linked)
    found &= beats.p_in_place & (until_next < NOT_RESET)
    return found & (until_second > low) & (until_second < high)


def standing_out(supraventricular, ventricular, beats, unflagged=False):
    """(n,) bool: without couplets and runs whose intervals are hardly shorter than those of the
    beats beside, where these are sinus beats: that is a sinus rhythm which varies.

    A beat so much later than the one before is none of its run. unflagged: of runs that no flagged
    beat confirms those alone whose intervals are clearly shorter than on both sides.
    """
    rr_s = beats.rr_s
    later = beat_before(supraventricular) & (rr_s > LONGER * beats.previous_rr_s)
    result = supraventricular & ~later
    sinus = beats.linked & ~ventricular & ~beats.premature
    begins = sinus & ~beat_before(ventricular)  # its interval is the sinus node's
    times, fewest = (CLEARLY_SHORTER, 2) if unflagged else (SHORTER, 1)
    for first, end in marked_runs(result.copy(), beats.linked):
        if end - first == 1:
            result[first] = not unflagged
            continue
        beside_s = []
        if first > 0 and beats.linked[first] and begins[first - 1]:
            beside_s.append(rr_s[first - 1])
        if end < len(rr_s) and sinus[end]:
            beside_s.append(rr_s[end])
        if len(beside_s) < fewest:
            result[first:end] = not unflagged
        else:
            result[first:end] = min(beside_s) > times * np.median(rr_s[first:end])
    return result
