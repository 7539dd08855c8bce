"""What the beats around say of a beat's kind, once each has been named by itself.

As a reader goes over a strip a second time: an early beat among ventricular ones, or right after
one, is likely ventricular too; a single odd shape that comes on time, or amid noise, is no
extrasystole; and a QRS that is nearly the usual one, or shorter, is none of a ventricle.

No beat is flagged here, and of no flagged one the flag is taken. Limits were set on DS1 and SVDB.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from experiments.screening.rhythm.episodes import VENTRICULAR, marked_runs
from experiments.screening.rhythm.prematurity import OTHER_SHAPE, USUAL_SHAPE
from preprocess.constants import FS_HZ

CONFIDENCE = 0.5  # of a kind that company gives
EARLY = 0.85  # of the expected interval, as are all intervals below
RUN_BEATS, MOST_S_IN_RUN = 11, 0.4  # beats around, of which more are supraventricular in a run
NEARLY_USUAL = -3.3  # of prematurity.otherness: no ventricular beat is so like the usual one
BETWEEN = -3.0  # of otherness: a flagged beat between two ventricular ones, not of usual shape
# The second beat of a couplet. A sinus beat after one that is interpolated, and a T wave, come
# sooner after the beat before the first; and neither has a pause after it.
ROOM, PAUSE, HARDLY_USUAL = 1.1, 1.1, -3.8
# A ventricular beat is early, or has a pause after it, or there are others like it.
ON_TIME, NO_PAUSE = 0.89, 1.1
FEW, NEAR_S = 3, 900  # beats of one shape, within so many seconds on both sides
NOISY, NOISE_BEATS = 1.75, 17  # times the recording's median noise; beats around
# Premature beats of usual shape at even intervals are of one kind; of so many of them at least one
# in ten is not called ventricular.
EVEN, EVEN_BEATS, NOT_VENTRICULAR = 0.1, 3, 0.1
# So many odd beats in a row, all very early, after one on time and before an unflagged one.
TACHYCARDIA_BEATS, VERY_EARLY, ON_TIME_BEFORE = 3, 0.7, 0.9
# The second of two atrial beats, early after an early one, is conducted otherwise, but not quite.
ABERRANT_EARLY, FIRST_EARLY, ABERRANT_SHAPE = 0.6, 0.8, -2.0
# Runs of supraventricular beats. One beside a premature beat, after an interval that is hardly
# longer, is as premature as that, where the run stands out: from a longer interval to a longer one.
CONFIRMED = 0.25  # of a run's beats that are supraventricular by themselves
AS_PREMATURE, STANDS_OUT = 1.1, 1.2  # times the interval beside; times the run's median one
AS_PREMATURE_IN_PAUSE, IN_PAUSE = 1.3, 1.75  # the same where the sinus node is slow by itself


@dataclass
class Beats:
    """All beats in order of time, (n,) each.

    sample: at FS_HZ; rr_s: before each, NaN where not known; cluster: -1 where not flagged;
    before, after: logarithms of the intervals against the expected one; unlike: of
    prematurity.otherness; shorter: bool, kinds.shorter_than_usual, False where not flagged;
    noise: of quality.fast_noise; usual: bool, of fibrillation.like_usual; premature: of
    prematurity.premature; like_fusion: of kinds.like_fusion; p_in_place: bool, the P wave is where
    and as it usually is; fibrillation: bool.
    """

    sample: np.ndarray
    rr_s: np.ndarray
    cluster: np.ndarray
    before: np.ndarray
    after: np.ndarray
    unlike: np.ndarray
    shorter: np.ndarray
    noise: np.ndarray
    usual: np.ndarray
    premature: np.ndarray
    like_fusion: np.ndarray
    p_in_place: np.ndarray
    fibrillation: np.ndarray

    @property
    def linked(self) -> np.ndarray:
        """(n,) bool: nothing is missing since the beat before."""
        return np.isfinite(self.rr_s)

    @property
    def previous_rr_s(self) -> np.ndarray:
        """(n,) the interval before that before each, NaN where not known."""
        return np.append(np.nan, self.rr_s[:-1])[: len(self.rr_s)]


def renamed(kind, confidence, beats):
    """Kinds (n,) and confidences (n,) of each beat by itself, to those in their company."""
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
    """(n,) bool: flagged beats right after a ventricular one, early, that a pause follows; or of
    quite another shape, as the sinus node's are not."""
    found = np.isin(kind, ("S", "Q")) & beat_before(np.isin(kind, VENTRICULAR)) & beats.linked
    found &= (beats.before < np.log(EARLY)) & (since_before_last(beats.before) > ROOM)
    with_pause = (beats.after > np.log(PAUSE)) & (beats.unlike > HARDLY_USUAL)
    return found & (with_pause | (beats.unlike > OTHER_SHAPE))


def between_ventricular(kind, beats):
    """(n,) bool: flagged beats of another shape between two ventricular ones, early or not: after
    the first of them the sinus node's would come late."""
    ventricular = np.isin(kind, VENTRICULAR)
    found = beat_before(ventricular) & beat_after(ventricular) & beats.linked
    return found & (kind == "Q") & (beats.unlike > BETWEEN)


def doubtful(kind, beats):
    """(n,) bool: ventricular beats of a shape that is hardly seen again, on time and without a
    pause, or amid noise; but not beside one of a shape that is."""
    ventricular, few = kind == "V", alike_near(beats.sample, beats.cluster) <= FEW
    sure = ventricular & ~few
    on_time = (beats.before > np.log(ON_TIME)) & (beats.after < np.log(NO_PAUSE))
    noise = uniform_filter1d(beats.noise, NOISE_BEATS, mode="nearest")
    noisy = noise > NOISY * np.median(beats.noise)
    return ventricular & few & (on_time | noisy) & ~beat_before(sure) & ~beat_after(sure)


def alike_near(sample, cluster):
    """(n,) int: beats of the same cluster within NEAR_S of each, itself among them."""
    apart = int(sample[-1]) + 2 * NEAR_S * FS_HZ if len(sample) else 0
    place = (cluster.astype(np.int64) + 1) * 2 * apart + sample
    ordered, reach = np.sort(place), NEAR_S * FS_HZ
    first = np.searchsorted(ordered, place - reach)
    return np.searchsorted(ordered, place + reach, "right") - first


def among_supraventricular(kind, beats):
    """(n,) bool: ventricular beats of usual shape among premature ones of usual shape that are not,
    at the same intervals: a tachycardia has one origin."""
    ratio = beats.rr_s / beats.previous_rr_s
    even = np.abs(ratio - 1) < EVEN  # False where an interval is not known
    candidate = beats.premature & beats.usual & (kind != "F")
    not_ventricular, result = np.isin(kind, ("N", "S")), np.zeros(len(kind), bool)
    for first, end in marked_runs(candidate, even):
        if end - first >= EVEN_BEATS:
            result[first:end] = not_ventricular[first:end].mean() >= NOT_VENTRICULAR
    return result & (kind == "V")


def aberrant(kind, beats):
    """(n,) bool: ventricular beats of a shape not far from the usual one that come very early after
    an early supraventricular one: not all of the ventricles is ready again (Ashman)."""
    atrial = (kind == "S") | ((kind == "N") & beats.premature)
    found = (kind == "V") & beats.linked & (beats.unlike < ABERRANT_SHAPE)
    found &= beat_before(atrial & (beats.before < np.log(FIRST_EARLY)))
    return found & (beats.before < np.log(ABERRANT_EARLY))


def in_tachycardia(kind, beats):
    """(n,) bool: beats of other shapes, whatever they were called, in a row so fast that only the
    ventricles do it."""
    odd = np.isin(kind, ("V", "F", "Q")) & (beats.unlike > OTHER_SHAPE)
    fast, result = odd & (beats.before < np.log(VERY_EARLY)), np.zeros(len(kind), bool)
    for first, end in marked_runs(fast, beats.linked):
        if end - first >= TACHYCARDIA_BEATS and 0 < first and end < len(kind):
            begins = beats.before[first - 1] > np.log(ON_TIME_BEFORE)
            result[first:end] = begins and kind[end] == "N"
    return result


def since_before_last(before):
    """(n,) logarithms of the intervals to (n,): how many of the expected ones two beats took."""
    return np.exp(before) + np.exp(np.append(0.0, before[:-1]))[: len(before)]


def in_supraventricular_runs(kind, beats):
    """(n,) bool: supraventricular beats, the premature ones among them, and those that are as
    premature in a run that stands out."""
    certain = kind == "S"
    told = certain | ((kind == "N") & beats.premature)
    result = certain.copy()
    for marked, times in (
        (told, 0.0),
        (with_as_premature(told, kind, beats), STANDS_OUT),
        (with_as_premature(told, kind, beats, AS_PREMATURE_IN_PAUSE), IN_PAUSE),
    ):
        for first, end in marked_runs(marked, beats.linked):
            if certain[first:end].mean() < CONFIRMED:
                continue
            if not times or _stands_out(beats.rr_s, first, end, times):
                result[first:end] = True
    return result


def with_as_premature(told, kind, beats, times=AS_PREMATURE):
    """(n,) bool: premature beats, and on both sides those of usual shape that are as premature:
    after at most so many times the interval beside."""
    rr_s = np.where(beats.linked, beats.rr_s, np.inf)
    before_s, after_s = np.append(np.inf, rr_s[:-1]), np.append(rr_s[1:], 0.0)
    shape = ((kind == "N") & beats.usual) | ((kind == "Q") & (beats.unlike < USUAL_SHAPE))
    free = shape & ~beats.fibrillation & ~beat_before(np.isin(kind, VENTRICULAR)) & beats.linked
    # a gap is an endless interval: nothing goes on over it
    onwards = free & np.isfinite(before_s) & (rr_s < times * before_s)
    found = _spread(told, onwards)
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


def beat_before(marked):
    """(n,) bool: of the beat before."""
    return np.append(False, marked[:-1])[: len(marked)]


def beat_after(marked):
    """(n,) bool: of the beat after."""
    return np.append(marked[1:], False)[: len(marked)]
