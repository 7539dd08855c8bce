"""What a flagged beat is by itself: its kind, and which beats of usual shape are premature.

A ventricular beat (V) is early, wide and unlike the patient's usual beat, with its T wave turned
over and a full pause after it. A supraventricular one (S) is early and else much like the usual
beat. A fusion beat (F) is between both and on time. Any other is Q. A multinomial logistic
regression weighs this against the patient's own usual beat and own intervals. Its weights were
fitted on annotated beats of MIT-BIH's DS1 and of SVDB. It names what is flagged already; no score,
threshold or flag depends on it.

Premature beats are found by a rule that no label was learnt for, and that outweighs the regression.
The beats before give the sinus node's interval. A beat that comes well before it is premature, and
a run lasts until an interval is nearly the sinus node's again. Breathing and exercise change the
sinus node's interval by less from beat to beat. A P wave at its usual place is evidence against
prematurity, one elsewhere for it. The limits are the field's (premature: a fifth early;
supraventricular tachycardia: from 100 a minute on), set within its range on records of DS1 and
SVDB.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from experiments.screening.rhythm.episodes import marked_runs
from preprocess.beats import BEFORE, P_WAVE
from preprocess.signal.filters import without_line

KINDS = "VSFQ"  # WFDB codes
UNFLAGGED = "N"

SHIFT = 9  # samples by which a beat may be moved to fit the usual one
QRS = slice(BEFORE - 22, BEFORE + 27)  # 60 ms before R to 75 ms after: a narrow QRS
WHOLE_QRS = slice(BEFORE - 40, BEFORE + 61)  # a wide one
T_WAVE = slice(BEFORE + 50, BEFORE + 170)
ON_SLOPE = 0.2  # of the steepest slope: where a QRS begins and ends
EXPECTED_BEATS = 9  # intervals between unflagged beats whose median says when the next is due
RR_LIMITS = (0.2, 3.0)  # of an interval against the expected one
# Mean and deviation of each feature, and its weight for V, S, F and Q: fitted on beats of DS1 and
# SVDB that annotators call abnormal or the shipped detector flags, each record's kinds alike.
MODEL = {
    "likeness": (0.716, 0.396, (-0.477, 0.745, -0.263, -0.005)),
    "qrs_likeness": (0.771, 0.337, (0.222, 0.065, 0.111, -0.399)),
    "height": (0.136, 0.369, (0.109, 0.144, 0.318, -0.571)),
    "width": (0.263, 0.408, (0.293, -0.585, 0.284, 0.008)),
    "span": (0.471, 0.491, (0.045, 0.338, -0.334, -0.05)),
    "difference": (-1.784, 0.952, (1.209, -1.183, 0.826, -0.852)),
    "p_likeness": (0.045, 0.384, (-0.244, 0.182, -0.117, 0.179)),
    "p_difference": (-2.854, 0.587, (-0.196, 0.153, -0.72, 0.763)),
    "t_difference": (-1.937, 0.831, (0.219, -0.396, -0.033, 0.21)),
    "polarity": (0.638, 0.69, (0.088, -0.609, 0.576, -0.055)),
    "before": (-0.396, 0.26, (-0.436, -0.786, 1.348, -0.126)),
    "after": (-0.041, 0.384, (0.577, -0.16, -0.213, -0.204)),
    "previous": (-0.094, 0.319, (0.13, -0.152, 0.469, -0.447)),
}
SHAPE_NAMES = list(MODEL)[:-3]  # the last three are of `timing`
SHAPE_FEATURES = len(SHAPE_NAMES)
FEATURE_MEANS, FEATURE_DEVIATIONS, KIND_WEIGHTS = map(np.array, zip(*MODEL.values()))
KIND_BIAS = np.array([1.416, 0.651, -2.571, 0.503])
EARLY_LOG = -0.03  # log of the interval before it, or before that: a supraventricular beat is early
# Logarithms against the usual QRS: no ventricular beat is shorter than it, as conducted beats of a
# paced patient are; and a fusion beat is higher and has another T wave.
SHORTER_SPAN, SHORTER_WIDTH = -0.6, -0.1
HIGHER, OTHER_T = 0.2, -1.4
LEAST_LIFT = 0.1  # log odds: a premature beat of usual shape is rather S than F or Q
CLUSTER_SHARE = 0.7  # of the cluster's log odds, against the beat's own

# Of premature beats.
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
HALF = 0.08  # of the expected interval, by which twice another may differ from it
STEP_LIMITS = (0.85, 1.15)  # of the expected interval, to which the newest one counts
VARIATION, VARIATION_STEP = 0.04, 0.3  # at first, of healthy sinus rhythm; the most of one beat
OTHER_SHAPE = -1.8  # of otherness: the QRS is not the patient's usual one
USUAL_SHAPE = -2.2  # of otherness: it is
OUT_OF_RHYTHM = 3.25  # log odds: 26 to 1


# ------------------------------------------------------------------------------ the kind


def evidence(shapes, rr_s, flagged):
    """Log odds (k, 4) of KINDS of the flagged beats, and whether each is early (k,).

    shapes: (k, 10) shape_features of the flagged beats; rr_s: (n, 3), flagged: (n,), of all beats
    in order of time.
    """
    intervals = timing(rr_s, flagged)[flagged]
    features = np.concatenate([shapes, intervals], 1)
    log_odds = KIND_BIAS + (features - FEATURE_MEANS) / FEATURE_DEVIATIONS @ KIND_WEIGHTS
    return log_odds, (intervals[:, 0] < EARLY_LOG) | (intervals[:, 2] < EARLY_LOG)


def decide(log_odds, early, fibrillation, cluster, premature):
    """Kinds (k,) and confidences (k,) of the flagged beats.

    log_odds: (k, 4), early: (k,), of evidence; fibrillation: (k,) bool, where no beat can be called
    premature; cluster: (k,) int; premature: (k,) bool: such a beat is S where it is not V.
    """
    # Beats of one cluster share most of their verdict.
    _, index, count = np.unique(cluster, return_inverse=True, return_counts=True)
    mean = np.stack([np.bincount(index, column) for column in log_odds.T], 1) / count[:, None]
    log_odds = (1 - CLUSTER_SHARE) * log_odds + CLUSTER_SHARE * mean[index]
    s, v = KINDS.index("S"), KINDS.index("V")
    lifted = premature & (log_odds.argmax(1) != v) & (log_odds[:, s] < log_odds.max(1))
    log_odds[lifted, s] = log_odds[lifted].max(1) + LEAST_LIFT
    log_odds[~(early | premature) | fibrillation, s] = -np.inf
    shares = np.exp(log_odds - log_odds.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    return np.array(list(KINDS))[shares.argmax(1)], shares.max(1)


def timing(rr_s, flagged):
    """(n, 3) and (n,) to (n, 3): logarithms of the intervals before, after and before the beat
    before, against the expected one; 0 where not known."""
    relative = np.log(
        np.clip(rr_s[:, :2] / expected_rr_s(rr_s[:, 0], rr_s[:, 2], flagged)[:, None], *RR_LIMITS)
    )
    relative = np.nan_to_num(relative)
    return np.c_[relative, np.r_[0, relative[:-1, 0]]]


def expected_rr_s(before_s, local_s, flagged):
    """Intervals before, their local medians and flagged beats (n,) to (n,): the median of the
    intervals between unflagged beats around, which through a minute of ectopics stays that of the
    rhythm; the local median without."""
    normal = ~flagged & ~np.r_[True, flagged[:-1]] & np.isfinite(before_s)
    local_s = np.where(np.isfinite(local_s), local_s, 1.0)
    if normal.sum() < EXPECTED_BEATS:
        return local_s
    usual_s = median_filter(before_s[normal], EXPECTED_BEATS, mode="nearest")
    return np.interp(np.arange(len(before_s)), np.flatnonzero(normal), usual_s)


# --------------------------------------------------------------------- premature beats


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
        if _block_ended(before_s, after_s, sinus.interval_s):
            sinus.interval_s = sinus.last_s = before_s
            continue
        goes_on = after_s < RUN_GOES_ON * sinus.interval_s
        no_pause = after_s < PAUSE_AFTER * before_s
        if share < sinus.limit + more and (goes_on or not no_pause):
            found[i], run, run_s = True, 1, before_s
            continue
        sinus.follow(before_s)
    return np.array(found)


def _block_ended(before_s, after_s, expected_s):
    """Whether two intervals are half of the expected one, and slow for a tachycardia: until then
    every other beat was blocked, or missed."""
    halves = (abs(2 * rr_s / expected_s - 1) < HALF for rr_s in (before_s, after_s))
    return before_s > FASTEST_NEW_RATE_S and all(halves)


def out_of_rhythm(log_odds, unlike):
    """Beats (n,) bool of usual shape that come when no normal one would, by the detector's rhythm
    network, and do not follow one of another shape, whose pause is no sinus interval.

    log_odds: (n,) of Detector.rhythm_log_odds; unlike: (n,) of otherness.
    """
    follows_other = np.append(False, unlike[:-1] > OTHER_SHAPE)
    return (log_odds > OUT_OF_RHYTHM) & (unlike < USUAL_SHAPE) & ~follows_other


# ------------------------------------------------------------------------------ shape


def shape_features(beats_mv, usual_mv):
    """(k, 320) and (320,) to (k, 10), all without unit: in heights and widths of the usual QRS."""
    beats_mv = np.asarray(beats_mv, np.float32)
    usual = (usual_mv - np.median(usual_mv)).astype(np.float32)  # both alike: half the time
    level = beats_mv - np.median(beats_mv[:, ::4], 1, keepdims=True)
    height = np.ptp(usual[WHOLE_QRS]) + 1e-3
    aligned, whole_likeness = align(level, usual)
    polarity = np.clip(level[:, BEFORE] / height * np.sign(usual[BEFORE]), -3, 3)
    p_waves, usual_p = without_line(aligned[:, P_WAVE]), without_line(usual[P_WAVE][None])
    return np.stack(
        [
            whole_likeness,
            likeness(aligned[:, QRS], usual[QRS]),
            np.log((np.ptp(aligned[:, WHOLE_QRS], axis=1) + 1e-3) / height),
            np.log(effective_width(aligned) / effective_width(usual[None])),
            np.log(slope_span(aligned) / slope_span(usual[None])),
            _log_distance(aligned[:, WHOLE_QRS], usual[WHOLE_QRS], height),
            likeness(p_waves, usual_p[0], least=0.2 * height),
            _log_distance(p_waves, usual_p, height),
            _log_distance(aligned[:, T_WAVE], usual[T_WAVE], height),
            polarity,
        ],
        1,
    )


def shorter_than_usual(shapes):
    """(k, 10) shape_features to (k,) bool: QRS that are clearly shorter than the usual one."""
    span, width = (shapes[:, SHAPE_NAMES.index(name)] for name in ("span", "width"))
    return (span < SHORTER_SPAN) & (width < SHORTER_WIDTH)


def like_fusion(shapes):
    """(k, 10) shape_features to (k,) bool: QRS higher than the usual one, and another T wave."""
    height, t_wave = (shapes[:, SHAPE_NAMES.index(name)] for name in ("height", "t_difference"))
    return (height > HIGHER) & (t_wave > OTHER_T)


def align(level, usual):
    """Beats (k, 320) moved by up to SHIFT to fit the usual one (320,) best, and likeness (k,)."""
    size = WHOLE_QRS.stop - WHOLE_QRS.start
    around = level[:, WHOLE_QRS.start - SHIFT : WHOLE_QRS.stop + SHIFT]
    centred = usual[WHOLE_QRS] - usual[WHOLE_QRS].mean()
    sums, squares = (
        np.cumsum(np.pad(x, ((0, 0), (1, 0))), 1, dtype=float) for x in (around, np.square(around))
    )
    sums, squares = (total[:, size:] - total[:, :-size] for total in (sums, squares))
    norm = np.sqrt(np.maximum(squares - np.square(sums) / size, 0)) + 1e-6
    product = np.stack([around[:, s : s + size] @ centred for s in range(2 * SHIFT + 1)], 1)
    alike = product / norm / (np.linalg.norm(centred) + 1e-6)
    best = alike.argmax(1)
    rows, padded = np.arange(len(level)), np.pad(level, ((0, 0), (SHIFT, SHIFT)), mode="edge")
    moved = np.lib.stride_tricks.sliding_window_view(padded, level.shape[1], 1)  # [k, shifts, 320]
    return moved[rows, best], alike[rows, best]


def likeness(pieces, usual, least=1e-6):
    """(k, d) and (d,) to correlations (k,), less where a piece is not much above `least` mV."""
    pieces, usual = pieces - pieces.mean(1, keepdims=True), usual - usual.mean()
    norm = (np.linalg.norm(pieces, axis=1) + least) * (np.linalg.norm(usual) + 1e-6)
    return pieces @ usual / norm


def effective_width(level):
    """(k, 320) to (k,) samples: of a square wave as high with the same area and energy."""
    size = np.abs(level[:, BEFORE - 54 : BEFORE + 72])
    return size.sum(1) ** 2 / (np.square(size).sum(1) + 1e-9) + 1e-6


def slope_span(level):
    """(k, 320) to (k,) samples from the first to the last steep slope."""
    slope = np.abs(level[:, 6:] - level[:, :-6])[:, BEFORE - 63 : BEFORE + 69]
    steep = slope >= ON_SLOPE * slope.max(1, keepdims=True)
    return steep.shape[1] - steep[:, ::-1].argmax(1) - steep.argmax(1) + 0.0


def _log_distance(pieces, usual, height):
    distance = np.sqrt(np.square(pieces - usual).mean(1))
    return np.log(distance / height + 0.01)


def otherness(shapes):
    """(n, 10) shape_features to (n,): how far the QRS is from the patient's usual one, in
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
