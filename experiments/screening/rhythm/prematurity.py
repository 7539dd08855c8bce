"""Which beats come before their time and are shaped as usual: those of the atria.

A reader's rule, beat after beat: the sinus node's interval is known from the beats before; a beat
is premature that comes well before it, and a run lasts until an interval is nearly the sinus
node's again. What the sinus node does by itself, breathing and exercise, changes from beat to beat
by less. A P wave that lies at its place as usual speaks against prematurity, another for it.

No label is learnt from. The limits are the field's (premature: a fifth early; supraventricular
tachycardia: from 100 a minute on), set within its range on records of DS1 and SVDB.
"""

from dataclasses import dataclass

import numpy as np

from experiments.screening.rhythm.episodes import marked_runs
from experiments.screening.rhythm.kinds import SHAPE_NAMES

FIRST_BEATS, FIRST_QUANTILE = 40, 0.6  # whose intervals give the first expected one
PREMATURE = 0.80  # of the expected interval: premature, where the P wave tells nothing
RUN_GOES_ON = 0.76  # of it: a run goes on
TIMES_VARIATION = 2.5  # so many times the usual change from beat to beat is no prematurity
LARGEST_VARIATION = 0.16
PAUSE_AFTER = 1.15  # of the interval before: a single premature beat is followed by a pause
P_SHARE = 0.04  # of the expected interval, for each deviation of the P wave from its usual distance
P_EVIDENCE = (-1.0, 3.0)  # deviations beyond the first that count
P_ELSEWHERE = 3.0  # deviations, from which on a P wave is not at its place
NEW_RATE_BEATS, FASTEST_NEW_RATE_S = 40, 0.6  # a run so long and slow is a new sinus rate
SUSTAINED = 10  # beats of a run that is also found from its end
FOLLOW, FOLLOW_AFTER_RUN, FOLLOW_VARIATION = 0.15, 0.05, 0.05  # weights of the newest interval
HALF = 0.08  # of the expected interval, by which half of it may differ from half
STEP_LIMITS = (0.85, 1.15)  # of the expected interval, that one interval can say
VARIATION, VARIATION_STEP = 0.04, 0.3  # of healthy sinus rhythm, at first; the most of one beat
OTHER_SHAPE = -1.8  # of otherness: the QRS is not the patient's usual one
USUAL_SHAPE = -2.2  # of otherness: it is
OUT_OF_RHYTHM = 3.25  # log odds: 26 to 1


@dataclass
class SinusNode:
    """What is expected of it: interval in s, its usual change from beat to beat as a share."""

    interval_s: float
    variation: float
    last_s: float

    def follow(self, rr_s):
        step = abs(rr_s - self.last_s) / self.interval_s
        self.variation += FOLLOW_VARIATION * (min(step, VARIATION_STEP) - self.variation)
        low, high = (limit * self.interval_s for limit in STEP_LIMITS)
        self.interval_s += FOLLOW * (max(min(rr_s, high), low) - self.interval_s)
        self.last_s = rr_s

    def follow_after_run(self, rr_s):
        longest_s = STEP_LIMITS[1] * self.interval_s
        self.interval_s += FOLLOW_AFTER_RUN * (min(rr_s, longest_s) - self.interval_s)
        self.last_s = self.interval_s  # a pause is no change of the sinus node's

    @property
    def limit(self):
        return min(PREMATURE, 1 - TIMES_VARIATION * min(self.variation, LARGEST_VARIATION))


def premature(rr_s, other, p_deviations):
    """Beats (n,) bool of usual shape that come before their time.

    rr_s: (n,) before each beat, NaN where not known; other: (n,) bool, beats of another shape,
    ventricular ones; p_deviations: (n,), how much farther than usual what precedes R is from the
    usual P wave, in its usual deviations.
    """
    known = rr_s[np.isfinite(rr_s)][:FIRST_BEATS]
    if not len(known):
        return np.zeros(len(rr_s), bool)
    moved = P_SHARE * np.clip(p_deviations - 1, *P_EVIDENCE)
    found = _one_way(rr_s, other, moved)
    # a run whose beginning is not in the recording still ends at once: backwards in time
    after_s, moved_after = np.append(rr_s[1:], np.nan), np.append(moved[1:], 0.0)
    backwards = _one_way(after_s[::-1], other[::-1], moved_after[::-1])[::-1]
    backwards = np.append(False, backwards[:-1])[: len(rr_s)]  # the interval after is the next's
    for first, end in marked_runs(backwards):
        if end - first >= SUSTAINED:
            found[first:end] = True
    return found & ~other


def _one_way(rr_s, other, moved):
    known = rr_s[np.isfinite(rr_s)][:FIRST_BEATS]
    first_s = float(np.quantile(known, FIRST_QUANTILE))
    sinus = SinusNode(first_s, VARIATION, first_s)
    found, run, run_s = [False] * len(rr_s), 0, 0.0
    following = [*rr_s[1:].tolist(), float("nan")]
    beats = zip(rr_s.tolist(), following, other.tolist(), [True, *other[:-1].tolist()], moved)
    for i, (before_s, after_s, is_other, follows_other, more) in enumerate(beats):
        if before_s != before_s or is_other or follows_other:  # not known, or no sinus interval
            run = 0
            continue
        share = before_s / sinus.interval_s
        if run:
            if share < max(RUN_GOES_ON, sinus.limit) + more:
                found[i], run = True, run + 1
                run_s += 0.1 * (before_s - run_s)
                if run > NEW_RATE_BEATS and run_s > FASTEST_NEW_RATE_S:
                    sinus.interval_s, run = run_s, 0
                continue
            run = 0
            sinus.follow_after_run(before_s)
            continue
        if _every_other_fell_out(before_s, after_s, sinus.interval_s):
            sinus.interval_s = sinus.last_s = before_s
            continue
        goes_on = after_s < RUN_GOES_ON * sinus.interval_s
        no_pause = after_s < PAUSE_AFTER * before_s
        if share < sinus.limit + more and (goes_on or not no_pause):
            found[i], run, run_s = True, 1, before_s
            continue
        sinus.follow(before_s)
    return np.array(found)


def _every_other_fell_out(before_s, after_s, expected_s):
    """Whether two intervals are half of the expected one, and slow for a tachycardia: then every
    other beat was blocked before, or missed, and nothing is premature."""
    halves = (abs(2 * rr_s / expected_s - 1) < HALF for rr_s in (before_s, after_s))
    return before_s > FASTEST_NEW_RATE_S and all(halves)


def out_of_rhythm(log_odds, unlike):
    """Log odds (n,) of Detector.rhythm_log_odds, learnt from normal beats and synthetic rhythms
    alone, and otherness (n,), to (n,) bool: beats of usual shape that come when no normal one
    would, and not after one of another shape, whose pause is no sinus interval."""
    follows_other = np.append(False, unlike[:-1] > OTHER_SHAPE)
    return (log_odds > OUT_OF_RHYTHM) & (unlike < USUAL_SHAPE) & ~follows_other


def otherness(shapes):
    """(n, 10) kinds.shape_features to (n,): how far the QRS is from the patient's usual one, in
    logarithms, more where it is wider and less where it correlates."""
    likeness, span, difference = (
        shapes[:, SHAPE_NAMES.index(name)] for name in ("likeness", "span", "difference")
    )
    return difference - 1.5 * likeness + 0.5 * np.maximum(span, 0)


def p_deviations(shapes, presumed_normal):
    """(n, 10) and (n,) bool to (n,): distance of what precedes R from the usual P wave, against
    that of beats presumed normal, in their deviations."""
    distance = shapes[:, SHAPE_NAMES.index("p_difference")]
    usual = distance[presumed_normal]
    middle = np.median(usual)
    deviation = 1.48 * np.median(np.abs(usual - middle)) + 0.05
    return (distance - middle) / deviation
