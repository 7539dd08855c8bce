"""What each beat is: normal, supraventricular, ventricular, fusion, or none of these.

A small network, **supervised**: fitted on beats that annotators named (python -m
experiments.fit_kinds). The score, the threshold and what is flagged are another matter, which no
abnormal label trains; neither depends on the other. A beat is held against its recording: its QRS,
T and P waves against the usual beat, its time against the intervals of the rhythm around. What the
beats beside it are like enters as more of these features.

Supraventricular beats are told by being premature, which no beat is in atrial fibrillation.
"""

from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import log_softmax

from models.b2igan.own_recording import log_distance, look_alikes
from models.b2igan.rhythm import RR_LIMITS_S
from preprocess.beats import BEFORE, P_WAVE
from preprocess.signal.filters import without_line

KINDS_WEIGHTS = Path(__file__).parents[2] / "weights/kinds.safetensors"
UNFLAGGED, KINDS = "N", "VSFQ"  # WFDB codes
NETWORK_CLASSES = "NSVFQ"  # of the network; Q: no beat at all, as annotators have none there
BEAT_FEATURES = (
    "likeness qrs_likeness height width span difference p_likeness p_difference t_difference "
    "polarity before after irregular out_of_rhythm noise before_alike difference_alike "
    "qrs_distance p_coherence"
).split()
BESIDE, REACH = ("qrs_distance", "before", "out_of_rhythm"), 2  # of so many beats on both sides

SHIFT = 9  # samples by which a beat may be moved to fit the usual one
QRS_CORE = slice(BEFORE - 22, BEFORE + 27)  # 60 ms before R to 75 ms after: a narrow QRS
WHOLE_QRS = slice(BEFORE - 40, BEFORE + 61)  # a wide one
T_WAVE = slice(BEFORE + 50, BEFORE + 170)
ON_SLOPE = 0.2  # of the steepest slope: where a QRS begins and ends
EXPECTED_BEATS = 8  # on both sides, whose sinus intervals say when the next is due
MOST_LOG_ODDS = 8.0
ALIKE = 15  # beats most like each
NEAREST = 5  # reference beats, to the last of which a distance is measured
PREMATURE = 0.80  # of the expected interval: a fifth early
CERTAIN, TIMES_NOISE = 0.75, 2.0  # below such a confidence, beyond the median noise: doubtful


# ------------------------------------------------------------------------------ the network


@cache
def network(path: Path = KINDS_WEIGHTS) -> dict[str, np.ndarray]:
    """Its arrays: mean, deviation (d,) of the features; weight.I (nets, in, out), bias.I (nets,
    out) of each layer, of several networks whose log probabilities are averaged."""
    from safetensors.numpy import load_file

    return load_file(path)


def probabilities(features: np.ndarray, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Features (n, 19) of all beats in order of time to probabilities (n, 5) of NETWORK_CLASSES."""
    x = (with_neighbours(features) - arrays["mean"]) / arrays["deviation"]
    x = np.clip(x, -5, 5)[None]  # [1, n, d]
    layers = sum(name.startswith("bias") for name in arrays)
    for i in range(layers):
        x = x @ arrays[f"weight.{i}"] + arrays[f"bias.{i}"][:, None]  # [nets, n, out]
        if i + 1 < layers:
            x = np.maximum(x, 0)
    of_all = np.exp(log_softmax(x, 2).mean(0))
    return of_all / of_all.sum(1, keepdims=True)


def with_neighbours(features: np.ndarray) -> np.ndarray:
    """(n, 19) to (n, 31): with what the beats beside are like."""
    beside = features[:, [BEAT_FEATURES.index(name) for name in BESIDE]]
    n, steps = len(features), [step for step in range(-REACH, REACH + 1) if step]
    at = np.clip(np.arange(n)[:, None] + steps, 0, max(n - 1, 0))
    return np.concatenate([features, beside[at].reshape(n, len(steps) * len(BESIDE))], 1)


def decide(
    shares: np.ndarray, flagged: np.ndarray, fibrillation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Kinds (n,) and confidences (n,): the probability of the likeliest kind.

    shares: (n, 5), of probabilities. In fibrillation (n,) bool no beat is supraventricular. What is
    flagged (n,) bool and yet N to the network is Q: to be looked at for another reason.
    """
    n, s = NETWORK_CLASSES.index("N"), NETWORK_CLASSES.index("S")
    shares = shares.copy()
    shares[fibrillation, n] += shares[fibrillation, s]
    shares[fibrillation, s] = 0
    kind = np.array(list(NETWORK_CLASSES))[shares.argmax(1)]
    return np.where(flagged & (kind == UNFLAGGED), "Q", kind), shares.max(1)


def doubtful(confidence: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """(n,) and (n,) of quality.fast_noise to (n,) bool: kinds that the network holds for hardly
    likelier than another, or of beats amid noise."""
    if not len(noise):
        return np.zeros(0, bool)
    return (confidence < CERTAIN) | (noise > TIMES_NOISE * np.median(noise))


# ------------------------------------------------------------------------------ features


def beat_features(beats, reference, rhythm, noise):
    """What is seen of Beats of one stretch, in order of time: (n, 19) float32, BEAT_FEATURES.

    reference: (n,) bool, beats presumed normal, whose median is the usual beat; rhythm: (n,) log
    odds of Detector.rhythm_log_odds, or None; noise: (n,) of quality.fast_noise.
    """
    if len(beats) < 2:
        return np.zeros((len(beats), len(BEAT_FEATURES)), np.float32)
    rr_s, usual = beats.rr_s, beats.usual
    usual_mv = np.median(beats.beat_mv[reference], 0)
    aligned, shapes, height = shape_features(beats.beat_mv, usual_mv)
    log_expected = np.log(expected_rr_s(rr_s, usual))
    log_rr = np.log(np.clip(rr_s[:, :2].astype(float), *RR_LIMITS_S))
    before, after = np.nan_to_num(log_rr - log_expected[:, None]).T
    change = np.abs(np.diff(log_rr[:, 0], prepend=np.nan))
    change[~(_sinus(usual) & np.append(False, _sinus(usual)[:-1]))] = np.nan
    out_of_rhythm = np.zeros(len(before)) if rhythm is None else rhythm
    # what the beats most like it are: always early, or once by chance
    qrs = aligned[:, BEFORE - 36 : BEFORE + 72 : 3] / height
    alike = look_alikes(qrs, ALIKE)  # [n, ALIKE]
    difference = shapes[:, BEAT_FEATURES.index("difference")]
    columns = (
        before,
        after,
        np.log(_median_around(change, 0.03) + 0.005),
        np.clip(out_of_rhythm, -MOST_LOG_ODDS, MOST_LOG_ODDS),
        np.log((noise + 1e-3) / (np.median(noise) + 1e-3)),
        before[alike].mean(1),
        difference[alike].mean(1),
        log_distance(qrs, np.flatnonzero(reference), NEAREST),
        beats.p_coherence,
    )
    return np.column_stack([shapes, *columns]).astype(np.float32)


def expected_rr_s(rr_s: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """(n, 3) and (n,) bool to (n,): when the next beat is due, the median of the intervals between
    beats of usual shape around; NaN nowhere."""
    log_rr = np.log(np.clip(rr_s[:, 0].astype(float), *RR_LIMITS_S))
    anywhere = np.nanmedian(log_rr) if np.isfinite(log_rr).any() else 0.0
    return np.exp(_median_around(np.where(_sinus(usual), log_rr, np.nan), anywhere))


def _sinus(usual):
    """(n,) bool: the interval before is one between two beats of usual shape."""
    return usual & np.append(False, usual[:-1])[: len(usual)]


def _median_around(values, otherwise):
    """(n,) with NaN to (n,): the median of those that are known around, interpolated where none
    is."""
    if not np.isfinite(values).any():
        return np.full(len(values), otherwise)
    padded = np.pad(values, EXPECTED_BEATS, constant_values=np.nan)
    around = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 2 * EXPECTED_BEATS + 1), 1)
    known = np.isfinite(around).sum(1)
    middle = around[np.arange(len(values)), np.maximum(known - 1, 0) // 2]
    return np.interp(np.arange(len(values)), np.flatnonzero(known), middle[known > 0])


def shape_features(beats_mv, usual_mv):
    """(n, 320) and (320,) to the beats moved to fit the usual one (n, 320), the first ten of
    BEAT_FEATURES (n, 10), all without unit: in heights and widths of the usual QRS, and its height
    in mV.
    """
    beats_mv = np.asarray(beats_mv, np.float32)
    usual = (usual_mv - np.median(usual_mv)).astype(np.float32)  # both alike: half the time
    level = beats_mv - np.median(beats_mv[:, ::4], 1, keepdims=True)
    height = np.ptp(usual[WHOLE_QRS]) + 1e-3
    aligned, whole_likeness = align(level, usual)
    polarity = np.clip(level[:, BEFORE] / height * np.sign(usual[BEFORE]), -3, 3)
    p_waves, usual_p = without_line(aligned[:, P_WAVE]), without_line(usual[P_WAVE][None])
    columns = (
        whole_likeness,
        likeness(aligned[:, QRS_CORE], usual[QRS_CORE]),
        np.log((np.ptp(aligned[:, WHOLE_QRS], axis=1) + 1e-3) / height),
        np.log(effective_width(aligned) / effective_width(usual[None])),
        np.log(slope_span(aligned) / slope_span(usual[None])),
        _log_distance(aligned[:, WHOLE_QRS], usual[WHOLE_QRS], height),
        likeness(p_waves, usual_p[0], least=0.2 * height),
        _log_distance(p_waves, usual_p, height),
        _log_distance(aligned[:, T_WAVE], usual[T_WAVE], height),
        polarity,
    )
    return aligned, np.stack(columns, 1), height


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
