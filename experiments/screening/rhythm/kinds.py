"""What kind a flagged beat is: ventricular (V), supraventricular (S), fusion (F) or other (Q).

As a reader would tell them: a ventricular beat is early, wide, unlike the patient's usual beat,
with its T wave turned over and a full pause after; a supraventricular one is early and else much
like the usual beat; a fusion beat is between both and on time. A multinomial logistic regression
weighs this against the patient's own usual beat and own intervals.

This is a supervised helper: its weights were fitted on annotated beats of MIT-BIH's DS1 and of
SVDB. It only names beats that are flagged already; no score, threshold or flag depends on it.
Which beats of usual shape are premature is a rule (screening.prematurity), and outweighs it.

A long recording is taken block by block: `shape_features` of each block's flagged beats, then
`evidence` and `decide` once, when all intervals, fibrillation and clusters are known. `kinds`
does all of it.
"""

import numpy as np
from scipy.ndimage import median_filter

from preprocess.beats import BEFORE

KINDS = "VSFQ"  # WFDB codes
UNFLAGGED = "N"

SHIFT = 9  # samples by which a beat may be moved to fit the usual one
QRS = slice(BEFORE - 22, BEFORE + 27)  # 60 ms before R to 75 ms after: a narrow QRS
WHOLE_QRS = slice(BEFORE - 40, BEFORE + 61)  # a wide one
P_WAVE = slice(BEFORE - 94, BEFORE - 18)
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
MEANS, DEVIATIONS, WEIGHTS = (np.array(column) for column in zip(*MODEL.values()))
BIAS = np.array([1.416, 0.651, -2.571, 0.503])
EARLY_LOG = -0.03  # log of the interval before it, or before that: a supraventricular beat is early
# In logarithms of the usual QRS's: no ventricular beat is shorter than it, as conducted beats of a
# paced patient are; and a fusion beat is higher, or has another T wave, long before it is wide.
SHORTER_SPAN, SHORTER_WIDTH = -0.6, -0.1
HIGHER, OTHER_T = 0.2, -1.4
LEAST_LIFT = 0.1  # log odds: a premature beat of usual shape is rather S than F or Q
GROUP_SHARE = 0.7  # of the verdict of all beats of one shape, against the beat's own


def kinds(beats_mv, rr_s, flagged, usual_mv, fibrillation, group=None):
    """Kind of each beat, and how sure that is.

    beats_mv: (n, 320) in order of time; rr_s: (n, 3) before, after and local median, NaN where not
    known; flagged: (n,) bool; usual_mv: (320,) median of presumed normal beats; fibrillation:
    (n,) bool, where no beat can be called premature by an atrial one: no S there;
    group: (n,) int, the shape each flagged beat belongs to, None when not known.
    Returns (n,) of "N" (not flagged) or KINDS, and confidences (n,), NaN where not flagged.
    """
    kind, confidence = np.full(len(flagged), UNFLAGGED), np.full(len(flagged), np.nan)
    rows = np.flatnonzero(flagged)
    if len(rows):
        shapes = shape_features(beats_mv[rows], usual_mv)
        log_odds, early = evidence(shapes, rr_s, flagged)
        kind[rows], confidence[rows] = decide(
            log_odds, early, fibrillation[rows], None if group is None else group[rows]
        )
    return kind, confidence


def evidence(shapes, rr_s, flagged):
    """Log odds (k, 4) of KINDS of the flagged beats, and whether each is early (k,).

    shapes: (k, 10) shape_features of the flagged beats; rr_s: (n, 3), flagged: (n,), of all beats
    in order of time.
    """
    intervals = timing(rr_s, flagged)[flagged]
    features = np.concatenate([shapes, intervals], 1)
    log_odds = BIAS + (features - MEANS) / DEVIATIONS @ WEIGHTS
    return log_odds, (intervals[:, 0] < EARLY_LOG) | (intervals[:, 2] < EARLY_LOG)


def decide(log_odds, early, fibrillation, group=None, premature=None):
    """(k, 4), (k,), (k,) and (k,) of the flagged beats to kinds (k,) and confidences (k,).

    premature: (k,) bool of prematurity.premature: such a beat is S where it is not V.
    """
    if group is not None:
        log_odds = with_group(log_odds, group)
    log_odds = log_odds.copy()
    s, v = KINDS.index("S"), KINDS.index("V")
    if premature is not None:
        early = early | premature
        not_v = log_odds.argmax(1) != v
        lifted = premature & not_v & (log_odds[:, s] < log_odds.max(1))
        log_odds[lifted, s] = log_odds[lifted].max(1) + LEAST_LIFT
    log_odds[~early | fibrillation, s] = -np.inf
    shares = np.exp(log_odds - log_odds.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    return np.array(list(KINDS))[shares.argmax(1)], shares.max(1)


def with_group(log_odds, group):
    """(k, 4) and (k,) to (k, 4): a beat keeps its company; what befalls one beat befalls few."""
    _, index, count = np.unique(group, return_inverse=True, return_counts=True)
    mean = np.stack([np.bincount(index, column) for column in log_odds.T], 1) / count[:, None]
    return (1 - GROUP_SHARE) * log_odds + GROUP_SHARE * mean[index]


def timing(rr_s, flagged):
    """(n, 3) and (n,) to (n, 3): logarithms of the intervals before, after and before the beat
    before, against the expected one; 0 where not known."""
    relative = np.log(np.clip(rr_s[:, :2] / expected_rr_s(rr_s, flagged)[:, None], *RR_LIMITS))
    relative = np.nan_to_num(relative)
    return np.c_[relative, np.r_[0, relative[:-1, 0]]]


def expected_rr_s(rr_s, flagged):
    """(n,): median of the intervals between unflagged beats around; the local median without."""
    normal = ~flagged & ~np.r_[True, flagged[:-1]] & np.isfinite(rr_s[:, 0])
    local_s = np.where(np.isfinite(rr_s[:, 2]), rr_s[:, 2], 1.0)
    if normal.sum() < EXPECTED_BEATS:
        return local_s
    usual_s = median_filter(rr_s[normal, 0], EXPECTED_BEATS, mode="nearest")
    return np.interp(np.arange(len(rr_s)), np.flatnonzero(normal), usual_s)


# ---------------------------------------------------------------------------------- shape


def shape_features(beats_mv, usual_mv):
    """(k, 320) and (320,) to (k, 10), all without unit: in heights and widths of the usual QRS."""
    beats_mv = np.asarray(beats_mv, np.float32)
    usual = (usual_mv - np.median(usual_mv)).astype(np.float32)  # both alike: half the time
    level = beats_mv - np.median(beats_mv[:, ::4], 1, keepdims=True)
    height = np.ptp(usual[WHOLE_QRS]) + 1e-3
    aligned, whole_likeness = align(level, usual)
    polarity = np.clip(level[:, BEFORE] / height * np.sign(usual[BEFORE]), -3, 3)
    p_waves, usual_p = _without_line(aligned[:, P_WAVE]), _without_line(usual[P_WAVE][None])
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


def _without_line(pieces):
    line = np.linspace(-1, 1, pieces.shape[1])
    pieces = pieces - pieces.mean(1, keepdims=True)
    return pieces - (pieces @ line / (line @ line))[:, None] * line
