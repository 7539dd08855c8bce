"""What neighbouring beats say: of a beat's kind, and of the couplets and runs that it is in.

`with_neighbours` goes over the kinds a second time, as a reader does over a strip. An early beat
among ventricular ones is likely ventricular too. A single odd shape that comes on time, or amid
noise, is no extrasystole. A QRS that is nearly the usual one, or shorter, is not ventricular.

`kinds_for_episodes` gives kinds of its own, from which couplets and runs are counted. A run may
hold beats that nobody would flag alone. A flagged beat that comes when the sinus node's was due is
in no run.

No flag is set or taken away here. Limits were set on DS1 and SVDB.
"""

from types import SimpleNamespace

import numpy as np
import pandas as pd
from scipy.ndimage import uniform_filter1d

from experiments.screening.rhythm import kinds
from experiments.screening.rhythm.episodes import VENTRICULAR, marked_runs
from preprocess.constants import FS_HZ

CONFIDENCE = 0.5  # of a kind that neighbours decide
EARLY, PAUSE_FROM = 0.85, 1.1  # of the expected interval, as are all intervals below
RUN_BEATS, MOST_S_IN_RUN = 11, 0.4  # beats around, of which more are supraventricular in a run
NEARLY_USUAL = -3.3  # of otherness: no ventricular beat is so like the usual one
BETWEEN = -3.0  # of otherness: a flagged beat between two ventricular ones, not of usual shape
# The second beat of a couplet comes so long after the beat before the first: a sinus beat after an
# interpolated one, or a T wave, comes sooner.
ROOM, HARDLY_USUAL = 1.1, -3.8
ON_TIME = 0.89  # a ventricular beat is early, or has a pause after it, or others are like it
FEW, NEAR_S = 3, 900  # beats of one shape, within so many seconds on both sides
TIMES_NOISE, NOISE_BEATS = 1.75, 17  # times the recording's median noise; beats around
# Premature beats of usual shape at even intervals, so many in a row, have one origin: where this
# share of them is not ventricular, none is.
EVEN, EVEN_BEATS, NOT_VENTRICULAR = 0.1, 3, 0.1
# A tachycardia of odd beats: how many, how early each is, how late the beat before them.
TACHYCARDIA_BEATS, VERY_EARLY, ON_TIME_BEFORE = 3, 0.7, 0.9
# The second of two atrial beats is conducted otherwise: how early it is, how early the first, and
# how unlike the usual shape at most.
ABERRANT_EARLY, FIRST_EARLY, ABERRANT_SHAPE = 0.6, 0.8, -2.0
# A beat beside a premature one is in its run when its interval is hardly longer, and the intervals
# before and after the run are clearly longer.
CONFIRMED = 0.25  # of a run's beats that are supraventricular by themselves
AS_PREMATURE, STANDS_OUT = 1.1, 1.2  # times the interval beside; times the run's median one
AS_PREMATURE_IN_PAUSE, IN_PAUSE = 1.3, 1.75  # the same where the sinus node is slow by itself

# Unflagged beats in couplets and runs. The second beat of a couplet has another shape than nearly
# all around it and comes no later than NOT_LATE.
SHAPES_BEATS, MOST_USUAL, NOT_LATE = 51, 0.9, 1.15
# The third of a run is early, hardly later after the second than that after the first, and odd.
THIRD_EARLY, AS_FAST, HARDLY_ODD = 0.7, 1.05, -3.0
MIXED_BEATS, MOSTLY = 4, 0.5  # early beats in a row, and the share of them that is ventricular
FUSION_BEATS = 51  # around: a fusion beat has others near
IN_SINUS_RHYTHM = (0.9, 1.1)  # beats at the sinus node's own rate
INTERPOLATED = 1.3  # expected intervals from beat to beat around a ventricular one, at most
# Expected intervals from the beat before an early one that did not reset the sinus node: to the
# beat after it, at most; to the one after that, from and to.
NOT_RESET, NOT_RESET_TWICE = 1.2, (1.9, 2.1)
LONGER = 1.7  # times the interval before: a supraventricular run has ended
# Times a run's median interval that those of the sinus beats beside are at least; and where none of
# its beats is flagged.
SHORTER, CLEARLY_SHORTER = 1.15, 1.3


class BeatsInOrder(SimpleNamespace):
    """All beats in order of time, a column (n,) each.

    sample: at FS_HZ; rr_s: before each, NaN where not known; cluster: -1 where not flagged;
    before, after: logarithms of the intervals against the expected one; unlike: of kinds.otherness;
    shorter: bool, of kinds.shorter_than_usual, False where not flagged; noise: of
    quality.fast_noise; usual: bool, of atrial_fibrillation.like_usual; premature: bool, of
    kinds.premature; like_fusion: bool, of kinds.like_fusion; p_in_place: bool, the P wave is where
    and as it usually is; fibrillation: bool.
    """

    @property
    def linked(self) -> np.ndarray:
        """(n,) bool: nothing is missing since the beat before."""
        return np.isfinite(self.rr_s)

    @property
    def previous_rr_s(self) -> np.ndarray:
        """(n,) the interval before that before each, NaN where not known."""
        return np.append(np.nan, self.rr_s[:-1])[: len(self.rr_s)]


def kinds_of(table: pd.DataFrame, shapes: np.ndarray, fibrillation: np.ndarray):
    """Kind of each beat (n,), its confidence (n,), NaN where not flagged, and its kind for episodes
    (n,).

    table: a row a beat: sample, rr_s, rr_local_s, cluster, premature, like_fusion, p_in_place,
    unlike, usual, noise; shapes: (k, 10), kinds.shape_features of the flagged ones; fibrillation:
    (n,) bool.
    """
    kind, confidence = np.full(len(table), kinds.UNFLAGGED), np.full(len(table), np.nan)
    flagged = table["cluster"].to_numpy() >= 0
    if not flagged.any():
        return kind, confidence, kind
    columns = {name: table[name].to_numpy() for name in table}
    rr_s = columns["rr_s"].astype(float)
    rr_after_s, rr_local_s = np.append(rr_s[1:], np.nan), columns["rr_local_s"].astype(float)
    intervals_s = np.stack([rr_s, rr_after_s, rr_local_s], 1)  # [n, 3]
    # each flagged beat by itself
    log_odds, early = kinds.evidence(shapes, intervals_s, flagged)
    of_flagged = (fibrillation, columns["cluster"], columns["premature"])
    kind[flagged], confidence[flagged] = kinds.decide(
        log_odds, early, *(column[flagged] for column in of_flagged)
    )
    # and among its neighbours
    before, after, _ = kinds.timing(intervals_s, flagged).T
    shorter = np.zeros(len(table), bool)
    shorter[flagged] = kinds.shorter_than_usual(shapes)
    columns |= {"rr_s": rr_s, "before": before, "after": after, "shorter": shorter}
    beats = BeatsInOrder(**columns, fibrillation=fibrillation)
    kind, confidence = with_neighbours(kind, confidence, beats)
    return kind, confidence, kinds_for_episodes(kind, beats)


# ------------------------------------------------------------------- of a kind


def with_neighbours(kind, confidence, beats):
    """Kinds (n,) and confidences (n,) of each beat by itself, to those among its neighbours."""
    kind, confidence = kind.copy(), confidence.copy()

    def name(rows, as_kind):
        kind[rows], confidence[rows] = as_kind, CONFIDENCE

    name(among_ventricular(kind, beats.before, beats.premature), "V")
    usual = (kind == "V") & (beats.unlike < NEARLY_USUAL)
    early = (beats.before < np.log(EARLY)) & ~beats.fibrillation
    name(usual & early, "S")
    name(usual & ~early, "Q")
    name((kind == "V") & beats.shorter, "Q")
    name(second_of_couplet(kind, beats) | between_ventricular(kind, beats), "V")
    name(doubtful(kind, beats), "Q")
    name((kind == "Q") & in_supraventricular_runs(kind, beats), "S")
    name(among_supraventricular(kind, beats) | aberrant(kind, beats), "S")
    name((kind != "V") & in_tachycardia(kind, beats), "V")
    return kind, confidence


def among_ventricular(kind, before, premature):
    """(n,) bool: flagged beats that follow two ventricular beats or stand between two, early; but
    not in a run of supraventricular ones."""
    share = uniform_filter1d((kind == "S").astype(float), RUN_BEATS, mode="nearest")
    candidate = np.isin(kind, ("S", "Q")) & (before < np.log(EARLY))
    candidate &= ~premature & (share <= MOST_S_IN_RUN)
    ventricular = np.isin(kind, VENTRICULAR)
    previous, following = beat_before(ventricular), beat_after(ventricular)
    return candidate & previous & (beat_before(previous) | following)


def second_of_couplet(kind, beats):
    """(n,) bool: early flagged beats right after a ventricular one that a pause follows, or that
    have quite another shape."""
    found = np.isin(kind, ("S", "Q")) & beat_before(np.isin(kind, VENTRICULAR)) & beats.linked
    found &= (beats.before < np.log(EARLY)) & (since_before_last(beats.before) > ROOM)
    with_pause = (beats.after > np.log(PAUSE_FROM)) & (beats.unlike > HARDLY_USUAL)
    return found & (with_pause | (beats.unlike > kinds.OTHER_SHAPE))


def between_ventricular(kind, beats):
    """(n,) bool: flagged beats of another shape between two ventricular ones, early or not. After a
    ventricular beat the sinus node's comes late."""
    ventricular = np.isin(kind, VENTRICULAR)
    found = beat_before(ventricular) & beat_after(ventricular) & beats.linked
    return found & (kind == "Q") & (beats.unlike > BETWEEN)


def doubtful(kind, beats):
    """(n,) bool: ventricular beats of a rare shape, on time and without a pause, or amid noise; but
    not beside a ventricular beat of a common shape."""
    ventricular, rare = kind == "V", alike_near(beats.sample, beats.cluster) <= FEW
    common = ventricular & ~rare
    on_time = (beats.before > np.log(ON_TIME)) & (beats.after < np.log(PAUSE_FROM))
    noise = uniform_filter1d(beats.noise, NOISE_BEATS, mode="nearest")
    noisy = noise > TIMES_NOISE * np.median(beats.noise)
    return ventricular & rare & (on_time | noisy) & ~beat_before(common) & ~beat_after(common)


def alike_near(sample, cluster):
    """(n,) int: beats of the same cluster within NEAR_S of each, itself among them."""
    apart = int(sample[-1]) + 2 * NEAR_S * FS_HZ if len(sample) else 0
    place = (cluster.astype(np.int64) + 1) * 2 * apart + sample
    ordered, reach = np.sort(place), NEAR_S * FS_HZ
    first = np.searchsorted(ordered, place - reach)
    return np.searchsorted(ordered, place + reach, "right") - first


def among_supraventricular(kind, beats):
    """(n,) bool: ventricular beats of usual shape among premature ones at the same intervals, also
    of usual shape, some of which are not ventricular. A tachycardia has one origin."""
    ratio = beats.rr_s / beats.previous_rr_s
    even = np.abs(ratio - 1) < EVEN  # False where an interval is not known
    candidate = beats.premature & beats.usual & (kind != "F")
    not_ventricular = np.isin(kind, ("N", "S"))

    def of_one_origin(first, end):
        return end - first >= EVEN_BEATS and not_ventricular[first:end].mean() >= NOT_VENTRICULAR

    return in_runs(candidate, even, of_one_origin) & (kind == "V")


def aberrant(kind, beats):
    """(n,) bool: ventricular beats of nearly usual shape that come very early after an early
    supraventricular one. Part of the ventricles has not recovered yet (Ashman)."""
    atrial = (kind == "S") | ((kind == "N") & beats.premature)
    found = (kind == "V") & beats.linked & (beats.unlike < ABERRANT_SHAPE)
    found &= beat_before(atrial & (beats.before < np.log(FIRST_EARLY)))
    return found & (beats.before < np.log(ABERRANT_EARLY))


def in_tachycardia(kind, beats):
    """(n,) bool: beats of other shapes, of whatever kind, in a row so fast that it must be the
    ventricles'."""
    odd = np.isin(kind, ("V", "F", "Q")) & (beats.unlike > kinds.OTHER_SHAPE)

    def between_sinus_beats(first, end):
        if end - first < TACHYCARDIA_BEATS or first == 0 or end == len(kind):
            return False
        return beats.before[first - 1] > np.log(ON_TIME_BEFORE) and kind[end] == "N"

    return in_runs(odd & (beats.before < np.log(VERY_EARLY)), beats.linked, between_sinus_beats)


def in_supraventricular_runs(kind, beats):
    """(n,) bool: supraventricular beats, the premature ones among them, and those that are as
    premature in a run that stands out."""
    certain = kind == "S"
    premature = certain | ((kind == "N") & beats.premature)
    result = certain.copy()
    for marked, times in (
        (premature, 0.0),
        (with_as_premature(premature, kind, beats), STANDS_OUT),
        (with_as_premature(premature, kind, beats, AS_PREMATURE_IN_PAUSE), IN_PAUSE),
    ):

        def confirmed(first, end, times=times):
            stands_out = not times or _stands_out(beats.rr_s, first, end, times)
            return stands_out and certain[first:end].mean() >= CONFIRMED

        result |= in_runs(marked, beats.linked, confirmed)
    return result


def with_as_premature(premature, kind, beats, times=AS_PREMATURE):
    """(n,) bool: premature beats, and on both sides those of usual shape that are as premature:
    after at most so many times the interval beside."""
    rr_s = np.where(beats.linked, beats.rr_s, np.inf)
    before_s, after_s = np.append(np.inf, rr_s[:-1]), np.append(rr_s[1:], 0.0)
    shape = ((kind == "N") & beats.usual) | ((kind == "Q") & (beats.unlike < kinds.USUAL_SHAPE))
    free = shape & ~beats.fibrillation & ~beat_before(np.isin(kind, VENTRICULAR)) & beats.linked
    # a gap is an endless interval: nothing goes on over it
    onwards = free & np.isfinite(before_s) & (rr_s < times * before_s)
    found = _spread(premature, onwards)
    backwards = free & np.isfinite(after_s) & (rr_s < times * after_s)
    return _spread(found[::-1], backwards[::-1])[::-1]


def _spread(seeds, follows):
    """(n,) bool: seeds, and what follows each without a break."""
    at = np.arange(len(seeds))
    last_seed = np.maximum.accumulate(np.where(seeds, at, -1))
    last_break = np.maximum.accumulate(np.where(seeds | follows, -1, at))
    return last_seed > last_break


def _stands_out(rr_s, first, end, times):
    """Whether the intervals before and after a run are so many times as long as its own."""
    if first == 0 or end == len(rr_s):
        return False
    return min(rr_s[first - 1], rr_s[end]) > times * np.median(rr_s[first:end])


# ------------------------------------------------------- of couplets and runs


def kinds_for_episodes(kind, beats):
    """Kinds (n,) of with_neighbours to those (n,) from which couplets and runs are counted."""
    kind = np.where(unflagged_among(kind, beats), "V", kind)
    kind = np.where(third_unflagged(kind, beats), "V", kind)
    kind = np.where(second_unflagged(kind, beats), "V", kind)
    kind = np.where(fusion_unflagged(kind, beats), "F", kind)
    kind = np.where(after_interpolated(kind, beats), "Q", kind)
    confirmed = in_supraventricular_runs(kind, beats)
    premature = (kind == "S") | ((kind == "N") & beats.premature)
    premature = with_as_premature(premature, kind, beats)
    at_sinus_rate = in_sinus_rhythm(kind, beats)
    kind = np.where(fusion_outside_runs(kind, beats), "Q", kind)
    ventricular = np.isin(kind, VENTRICULAR)
    supraventricular = standing_out(confirmed, ventricular, beats) | standing_out(
        premature, ventricular, beats, unflagged=True
    )
    kind = np.where(((kind == "S") & ~supraventricular) | at_sinus_rate, "Q", kind)
    kind = np.where(supraventricular, "S", kind)
    return np.where(in_sinus_time(kind, beats), "Q", kind)


def unflagged_among(kind, beats):
    """(n,) bool: unflagged premature beats among as many ventricular ones without a sinus beat."""
    ventricular = kind == "V"
    early = (ventricular | beats.premature) & (kind != "F")

    def mixed(first, end):
        return end - first >= MIXED_BEATS and ventricular[first:end].mean() >= MOSTLY

    return in_runs(early, beats.linked, mixed) & (kind == "N")


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
    return found & (beats.before < np.log(NOT_LATE)) & (beats.after > np.log(PAUSE_FROM))


def fusion_unflagged(kind, beats):
    """(n,) bool: unflagged beats like fusion beats right before a ventricular one, where there are
    fusion beats near."""
    near = uniform_filter1d((kind == "F").astype(float), FUSION_BEATS) > 0.5 / FUSION_BEATS
    found = (beats.cluster < 0) & beat_after((kind == "V") & beats.linked)
    return found & near & beats.like_fusion & ~beats.premature & ~beats.fibrillation


def fusion_outside_runs(kind, beats):
    """(n,) bool: fusion beats that are in no run: those beside fusion beats alone, and in a run of
    three or more those that no ventricular beat follows. For the sinus node meets a ventricular
    rhythm where it begins."""
    ventricular = np.isin(kind, VENTRICULAR)
    before = beat_before(ventricular) & beats.linked
    after = beat_after(ventricular & beats.linked)
    of_couplet = before & beat_before(kind == "V") & ~beat_before(before) & ~after
    fusion = (kind == "F") & (before | after)
    return fusion & ~beat_after((kind == "V") & beats.linked) & ~of_couplet


def in_sinus_rhythm(kind, beats):
    """(n,) bool: ventricular beats that come when the sinus node's would, as they are conducted
    otherwise: those that begin a run, those that end one without a pause, and couplets of them.
    A run with a fusion beat in it is a rhythm of the ventricles."""
    (low, high), result = IN_SINUS_RHYTHM, np.zeros(len(kind), bool)
    due = (beats.before > np.log(low)) & (beats.before < np.log(high))
    for first, end in marked_runs(np.isin(kind, VENTRICULAR), beats.linked):
        if end - first == 1 or (kind[first:end] == "F").any():
            continue
        no_pause = beats.after[end - 1] < np.log(PAUSE_FROM)
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
    """(n,) bool: supraventricular beats right after an interpolated ventricular one. They come
    hardly more than a sinus interval after the beat before it, so they are the sinus node's."""
    found = (kind == "S") & beat_before(np.isin(kind, VENTRICULAR)) & beats.linked
    return found & (since_before_last(beats.before) < INTERPOLATED)


def in_sinus_time(kind, beats):
    """(n,) bool: the second of two supraventricular beats, where it is the sinus node's.

    Its P wave is at its usual place, and it and the next beat come as if the first were not there.
    An atrial beat would have reset the sinus node: the first is an interpolated ventricular beat,
    or no beat.
    """
    until_next = since_before_last(beats.before)
    (low, high), until_second = NOT_RESET_TWICE, until_next + np.exp(beats.after)
    supraventricular = kind == "S"
    second = beat_before(supraventricular) & ~beat_before(beat_before(supraventricular))
    found = supraventricular & second & beats.linked & beat_after(beats.linked)
    found &= beats.p_in_place & (until_next < NOT_RESET)
    return found & (until_second > low) & (until_second < high)


def standing_out(supraventricular, ventricular, beats, unflagged=False):
    """(n,) bool: supraventricular beats without the couplets and runs whose intervals are hardly
    shorter than those of the sinus beats beside: that is a sinus rhythm which varies.

    A run ends before a beat that comes much later than the one before. unflagged: keep the runs
    alone whose intervals are clearly shorter than on both sides, as no flagged beat confirms them.
    """
    rr_s = beats.rr_s
    later = beat_before(supraventricular) & (rr_s > LONGER * beats.previous_rr_s)
    sinus = beats.linked & ~ventricular & ~beats.premature
    begins = sinus & ~beat_before(ventricular)  # its interval is the sinus node's
    times, fewest = (CLEARLY_SHORTER, 2) if unflagged else (SHORTER, 1)

    def shorter_than_beside(first, end):
        beside_s = []
        if first > 0 and beats.linked[first] and begins[first - 1]:
            beside_s.append(rr_s[first - 1])
        if end < len(rr_s) and sinus[end]:
            beside_s.append(rr_s[end])
        if end - first == 1 or len(beside_s) < fewest:
            return not unflagged
        return min(beside_s) > times * np.median(rr_s[first:end])

    return in_runs(supraventricular & ~later, beats.linked, shorter_than_beside)


# -------------------------------------------------------------------- helpers


def in_runs(marked, linked, counts):
    """(n,) bool: those runs of marked beats for which counts(first, after the last) holds."""
    result = np.zeros(len(marked), bool)
    for first, end in marked_runs(marked, linked):
        result[first:end] = counts(first, end)
    return result


def since_before_last(before):
    """(n,) logarithms of the intervals to (n,): how many of the expected ones two beats took."""
    return np.exp(before) + np.exp(np.append(0.0, before[:-1]))[: len(before)]


def beat_before(marked):
    """(n,) bool: of the beat before."""
    return np.append(False, marked[:-1])[: len(marked)]


def beat_after(marked):
    """(n,) bool: of the beat after."""
    return np.append(marked[1:], False)[: len(marked)]
