"""What the beats around say of a beat's kind, once each has been named by itself.

As a reader goes over a strip a second time: an early beat among ventricular ones, or right after
one, is likely ventricular too; a single odd shape that comes on time, or amid noise, is no
extrasystole; and a QRS that is nearly the usual one is none of a ventricle.

No beat is flagged here, and of no flagged one the flag is taken. Limits were set on DS1 and SVDB.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from experiments.screening.rhythm_episodes import VENTRICULAR, marked_runs
from preprocess.constants import FS_HZ

CONFIDENCE = 0.5  # of a kind that company gives
EARLY = 0.85  # of the expected interval, as are all intervals below
IN_RUN_STEPS = 3  # beats that a run grows by, from those that are ventricular by themselves
RUN_BEATS, MOST_S_IN_RUN = 11, 0.4  # beats around, of which more are supraventricular in a run
NEARLY_USUAL = -3.3  # of prematurity.otherness: no ventricular beat is so like the usual one
# The second beat of a couplet. A sinus beat after one that is interpolated, and a T wave, come
# sooner after the beat before the first; and neither has a pause after it.
ROOM, PAUSE, HARDLY_USUAL = 1.1, 1.1, -3.8
# A ventricular beat is early, or has a pause after it, or there are others like it.
ON_TIME, NO_PAUSE = 0.89, 1.1
FEW, NEAR_S = 3, 900  # beats of one shape, within so many seconds on both sides
NOISY, NOISE_BEATS = 1.75, 17  # times the recording's median noise; beats around
CONFIRMED = 0.25  # of a run's beats that are flagged, for premature ones to be told with them


@dataclass
class Beats:
    """All beats in order of time, (n,) each.

    sample: at FS_HZ; linked: bool, nothing is missing since the beat before; cluster: -1 where not
    flagged; before, after: logarithms of the intervals against the expected one;
    unlike: prematurity.otherness, NaN where not flagged; noise: of quality.fast_noise;
    premature: of prematurity.premature; fibrillation: bool.
    """

    sample: np.ndarray
    linked: np.ndarray
    cluster: np.ndarray
    before: np.ndarray
    after: np.ndarray
    unlike: np.ndarray
    noise: np.ndarray
    premature: np.ndarray
    fibrillation: np.ndarray


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
    name(second_of_couplet(kind, beats), "V")
    name(doubtful(kind, beats), "Q")
    return kind, confidence


def among_ventricular(kind, before, premature):
    """(n,) bool: flagged beats that follow two ventricular beats or stand between two, early; but
    not in a run of supraventricular ones."""
    share = uniform_filter1d((kind == "S").astype(float), RUN_BEATS, mode="nearest")
    candidate = np.isin(kind, ("S", "Q")) & (before < np.log(EARLY))
    candidate &= ~premature & (share <= MOST_S_IN_RUN)
    found = np.isin(kind, VENTRICULAR)
    for _ in range(IN_RUN_STEPS):
        previous, following = _before(found), _after(found)
        found = found | (candidate & previous & (_before(previous) | following))
    return found & candidate


def second_of_couplet(kind, beats):
    """(n,) bool: flagged beats right after a ventricular one, early, that a pause follows."""
    since_last = np.exp(beats.before) + np.exp(np.append(0.0, beats.before[:-1]))
    found = np.isin(kind, ("S", "Q")) & _before(np.isin(kind, VENTRICULAR)) & beats.linked
    found &= (beats.before < np.log(EARLY)) & (beats.after > np.log(PAUSE))
    return found & (since_last > ROOM) & (beats.unlike > HARDLY_USUAL)


def doubtful(kind, beats):
    """(n,) bool: ventricular beats of a shape that is hardly seen again, on time and without a
    pause, or amid noise; but not beside one of a shape that is."""
    ventricular, few = kind == "V", alike_near(beats.sample, beats.cluster) <= FEW
    sure = ventricular & ~few
    on_time = (beats.before > np.log(ON_TIME)) & (beats.after < np.log(NO_PAUSE))
    noise = uniform_filter1d(beats.noise, NOISE_BEATS, mode="nearest")
    noisy = noise > NOISY * np.median(beats.noise)
    return ventricular & few & (on_time | noisy) & ~_before(sure) & ~_after(sure)


def alike_near(sample, cluster):
    """(n,) int: beats of the same cluster within NEAR_S of each, itself among them."""
    apart = int(sample[-1]) + 2 * NEAR_S * FS_HZ if len(sample) else 0
    place = (cluster.astype(np.int64) + 1) * 2 * apart + sample
    ordered, reach = np.sort(place), NEAR_S * FS_HZ
    first = np.searchsorted(ordered, place - reach)
    return np.searchsorted(ordered, place + reach, "right") - first


def for_rhythms(kind, beats):
    """(n,) kinds from which runs are told: a premature beat that is not flagged belongs to a run
    whose other beats are, a quarter of them at least."""
    kind, supraventricular = kind.copy(), kind == "S"
    either = supraventricular | ((kind == "N") & beats.premature)
    for first, end in marked_runs(either, beats.linked):
        if supraventricular[first:end].mean() >= CONFIRMED:
            kind[first:end] = "S"
    return kind


def _before(marked):
    """(n,) bool: of the beat before."""
    return np.append(False, marked[:-1])[: len(marked)]


def _after(marked):
    """(n,) bool: of the beat after."""
    return np.append(marked[1:], False)[: len(marked)]
