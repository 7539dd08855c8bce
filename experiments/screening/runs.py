"""Which beats make couplets and runs: kinds for rhythm episodes, from kinds in their company.

A reader tells a run by its beats and by where it stands: in it may be beats that nobody would flag
alone, and a flagged one that comes when the sinus node's was due is none of it. Limits were set on
DS1 and SVDB. What is flagged, and the kinds of flagged beats, stay as they are.
"""

import numpy as np
from scipy.ndimage import uniform_filter1d

from experiments.screening.company import beat_after, beat_before, in_supraventricular_runs
from experiments.screening.rhythm_episodes import VENTRICULAR, marked_runs

# Unflagged beats. The second of a couplet has another shape than nearly all around, comes no later
# than so much of the expected interval, as are all below, and has a pause after it.
SHAPES_BEATS, MOST_USUAL, NOT_LATE, WITH_PAUSE = 51, 0.9, 1.15, 1.1
FUSION_BEATS = 51  # around: a fusion beat has others near
ON_TIME_IN_RUN = 0.9  # from then on a beat of usual shape between two ventricular ones is none
LONGER = 1.7  # times the interval before: a supraventricular run has ended
SHORTER_RUN = 1.15  # times a run's median interval: those of the sinus beats beside are longer


def for_rhythms(kind, beats):
    """(n,) kinds from which episodes are told, of all beats in order of time.

    kind: (n,) of company.renamed; beats: company.Beats.
    """
    kind = np.where(second_unflagged(kind, beats), "V", kind)
    kind = np.where(fusion_unflagged(kind, beats), "F", kind)
    supraventricular = in_supraventricular_runs(kind, beats)
    kind = np.where(fusion_after_all(kind, beats) | sinus_between(kind, beats), "Q", kind)
    supraventricular &= ~after_longer(supraventricular, beats.rr_s)
    supraventricular = standing_out(supraventricular, np.isin(kind, VENTRICULAR), beats)
    kind = np.where((kind == "S") & ~supraventricular, "Q", kind)
    return np.where(supraventricular, "S", kind)


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


def sinus_between(kind, beats):
    """(n,) bool: ventricular beats of usual shape between two others, when a sinus beat is due."""
    ventricular = np.isin(kind, VENTRICULAR)
    between = ventricular & beat_before(ventricular) & beat_after(ventricular)
    return between & beats.usual & (beats.before > np.log(ON_TIME_IN_RUN))


def after_longer(supraventricular, rr_s):
    """(n,) bool: supraventricular beats after one, but so much later that they are none of its run:
    a sinus beat after a couplet."""
    shorter_s = np.append(np.nan, rr_s[:-1])[: len(rr_s)]
    return supraventricular & beat_before(supraventricular) & (rr_s > LONGER * shorter_s)


def standing_out(supraventricular, ventricular, beats):
    """(n,) bool: without couplets and runs whose intervals are hardly shorter than those of the
    beats beside, where these are sinus beats: that is a sinus rhythm which varies."""
    rr_s, result = beats.rr_s, supraventricular.copy()
    sinus = beats.linked & ~ventricular & ~beats.premature
    # an interval after a ventricular beat is none of the sinus node's
    begins = sinus & beats.linked & ~beat_before(ventricular)
    for first, end in marked_runs(supraventricular, beats.linked):
        beside_s = []
        if first > 0 and beats.linked[first] and begins[first - 1]:
            beside_s.append(rr_s[first - 1])
        if end < len(rr_s) and sinus[end]:
            beside_s.append(rr_s[end])
        if end - first > 1 and beside_s:
            result[first:end] = min(beside_s) > SHORTER_RUN * np.median(rr_s[first:end])
    return result
