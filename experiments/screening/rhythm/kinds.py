"""What each beat is: normal, supraventricular, ventricular, fusion, or none of these.

A small network, **supervised**: fitted on beats that annotators named (python -m
experiments.fit_kinds). The score, the threshold and what is flagged are another matter, which no
abnormal label trains and no kind. A beat is held against its recording, on each lead that can be
read: its QRS, T and P waves against the usual beat; and its time against intervals and rate. The
network sees the beats beside it too, and the beats most like it have a say: those of one focus
look alike.

Supraventricular beats are told by being premature, which no beat is in atrial fibrillation.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.b2igan.own_recording import aligned, log_distance, look_alikes
from models.b2igan.rhythm import RR_LIMITS_S
from preprocess.beats import BEFORE, P_WAVE
from preprocess.signal.filters import without_line

KINDS_WEIGHTS = Path(__file__).parents[2] / "weights/kinds.safetensors"
UNFLAGGED = "N"  # WFDB code
NETWORK_CLASSES = "NSVFQ"  # of the network; Q: no beat at all, as annotators have none there
# of each lead, without unit: in heights and widths of the usual QRS
LEAD_FEATURES = (
    "likeness qrs_likeness height width span difference p_likeness p_difference t_difference "
    "polarity qrs_distance"
).split()
BEAT_FEATURES = (
    "before after out_of_rhythm p_coherence irregular usual unknown_interval noise "
    "noise_beside_others rate_around rate"
).split()
KIND_FEATURES = 3 * len(LEAD_FEATURES) + len(BEAT_FEATURES)  # mean, least and most of the leads

QRS_CORE = slice(BEFORE - 22, BEFORE + 27)  # 60 ms before R to 75 ms after: a narrow QRS
WHOLE_QRS = slice(BEFORE - 40, BEFORE + 61)  # a wide one
T_WAVE = slice(BEFORE + 50, BEFORE + 170)
ON_SLOPE = 0.2  # of the steepest slope: where a QRS begins and ends
EXPECTED_BEATS = 8  # on both sides, whose sinus intervals say when the next is due
MOST_LOG_ODDS = 8.0
LIKEST_BEATS = 15  # beats most like each
# Of the look-alikes' log probability: of 0, 0.3 and 0.5 what gave DS1 and SVDB, each left out of
# the fit, the best kinds.
ALIKE_SHARE = 0.3
NEAREST = 5  # reference beats, to the last of which a distance is measured
FEWEST_REFERENCES = 20  # of a lead
SLOW_QUANTILE = 0.9  # quantile of the intervals before beats of usual shape in a block
PREMATURE = 0.80  # of the expected interval: a fifth early
CERTAIN, TIMES_NOISE = 0.75, 2.0  # below such a confidence, beyond the median noise: doubtful


@cache
def network(path: Path = KINDS_WEIGHTS):
    """Its KindsNetwork."""
    from experiments.screening.rhythm.kinds_network import KindsNetwork

    return KindsNetwork.load(path)


def probabilities(seen: "Seen", net=None) -> np.ndarray:
    """What is seen of the n beats of a block to probabilities (n, 5) of NETWORK_CLASSES. net: the
    shipped network() if None."""
    if not len(seen.of_beats):
        return np.zeros((0, len(NETWORK_CLASSES)), np.float32)
    log_p = (net or network()).log_probabilities(features(seen))  # [n, 5]
    of_alike = np.log(np.exp(log_p)[seen.alike].mean(2) + 1e-6).mean(1)
    p = np.exp((1 - ALIKE_SHARE) * log_p + ALIKE_SHARE * of_alike)
    return p / p.sum(1, keepdims=True)


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


class Seen(NamedTuple):
    """What is seen of the beats of a block.

    of_leads: (n, leads, 11) LEAD_FEATURES, NaN where a beat cannot be read; of_beats: (n, 11)
    BEAT_FEATURES; alike: (n, leads, LIKEST_BEATS) rows of the beats most like each.
    """

    of_leads: np.ndarray
    of_beats: np.ndarray
    alike: np.ndarray

    def on(self, leads: list[int]) -> "Seen":
        """As if there were only these leads."""
        return Seen(self.of_leads[:, leads], self.of_beats, self.alike[:, leads])


def features(seen: Seen) -> np.ndarray:
    """(n, KIND_FEATURES) float32, the same whatever the order and number of leads."""
    # zeros where no lead has enough reference beats
    nowhere = np.isnan(seen.of_leads).all((1, 2), keepdims=True)
    of_leads = np.where(nowhere, 0, seen.of_leads)
    of_all = [f(of_leads, 1) for f in (np.nanmean, np.nanmin, np.nanmax)]
    return np.nan_to_num(np.column_stack([*of_all, seen.of_beats])).astype(np.float32)


def look(beats, reference, rhythm, noise) -> Seen:
    """At Beats of one stretch, in order of time.

    reference: (n,) bool, beats presumed normal, whose median is the usual beat; rhythm: (n,) log
    odds of Detector.rhythm_log_odds, or None; noise: (n,) of quality.fast_noise.
    """
    leads_mv = beats.beat_mv[:, None] if beats.leads_mv is None else beats.leads_mv
    n, n_leads = leads_mv.shape[:2]
    of_leads = np.full((n, n_leads, len(LEAD_FEATURES)), np.nan, np.float32)
    itself = np.arange(n)[:, None, None]
    alike = np.tile(itself, (1, n_leads, LIKEST_BEATS))
    for k in range(n_leads):
        rows = np.flatnonzero(np.isfinite(leads_mv[:, k, 0]))
        if reference[rows].sum() >= FEWEST_REFERENCES:
            of_leads[rows, k], near = _of_lead(leads_mv[rows, k], reference[rows])
            alike[rows, k] = rows[near]
    return Seen(of_leads, _of_beats(beats, rhythm, noise), alike)


def _of_lead(beats_mv, reference):
    """(n, 320) and (n,) bool to LEAD_FEATURES (n, 11) and rows of look-alikes (n, LIKEST_BEATS)."""
    traces = aligned(beats_mv)
    usual, qrs = np.median(traces[reference], 0), traces[:, BEFORE - 36 : BEFORE + 72 : 3]
    distance = log_distance(qrs, np.flatnonzero(reference), NEAREST)
    columns = shape_features(traces, usual), distance
    return np.column_stack(columns), look_alikes(qrs, LIKEST_BEATS)


def _of_beats(beats, rhythm, noise):
    """(n, 11) BEAT_FEATURES."""
    if len(beats) < 2:
        return np.zeros((len(beats), len(BEAT_FEATURES)))
    rr_s, usual = beats.rr_s, beats.usual
    log_expected = np.log(expected_rr_s(rr_s, usual))
    log_rr = np.log(np.clip(rr_s[:, :2].astype(float), *RR_LIMITS_S))
    before, after = np.nan_to_num(log_rr - log_expected[:, None]).T
    slowest = np.quantile((before + log_expected)[usual if usual.any() else ...], SLOW_QUANTILE)
    change = np.abs(np.diff(log_rr[:, 0], prepend=np.nan))
    change[~(_sinus(usual) & np.append(False, _sinus(usual)[:-1]))] = np.nan
    columns = (
        before,
        after,
        np.zeros(len(before)) if rhythm is None else np.clip(rhythm, -MOST_LOG_ODDS, MOST_LOG_ODDS),
        beats.p_coherence,
        np.log(_median_around(change, 0.03) + 0.005),
        usual,
        np.isnan(rr_s[:, 0]),
        np.log(noise + 1e-3),
        np.log((noise + 1e-3) / (np.median(noise) + 1e-3)),
        log_expected - slowest,
        before + log_expected - slowest,
    )
    return np.column_stack(columns)


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


def shape_features(traces, usual):
    """Aligned beats (n, 320) and the usual one (320,), in heights of the usual QRS, to the first
    ten of LEAD_FEATURES (n, 10)."""
    p_waves, usual_p = without_line(traces[:, P_WAVE]), without_line(usual[P_WAVE][None])
    columns = (
        likeness(traces[:, WHOLE_QRS], usual[WHOLE_QRS]),
        likeness(traces[:, QRS_CORE], usual[QRS_CORE]),
        np.log((np.ptp(traces[:, WHOLE_QRS], axis=1) + 1e-3) / (np.ptp(usual[WHOLE_QRS]) + 1e-3)),
        np.log(effective_width(traces) / effective_width(usual[None])),
        np.log(slope_span(traces) / slope_span(usual[None])),
        _log_difference(traces[:, WHOLE_QRS], usual[WHOLE_QRS]),
        likeness(p_waves, usual_p[0], least=0.2),
        _log_difference(p_waves, usual_p),
        _log_difference(traces[:, T_WAVE], usual[T_WAVE]),
        np.clip(traces[:, BEFORE] * np.sign(usual[BEFORE]), -3, 3),
    )
    return np.stack(columns, 1)


def likeness(pieces, usual, least=1e-6):
    """(k, d) and (d,) to correlations (k,), less where a piece is not much above `least`."""
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


def _log_difference(pieces, usual):
    return np.log(np.sqrt(np.square(pieces - usual).mean(1)) + 0.01)
