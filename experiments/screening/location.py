"""What is flagged in a block, where each flagged beat differs, and the pictures of that.

Where single beats and clusters differ is asked here.
"""

from dataclasses import dataclass, replace

import numpy as np

from experiments.reports.style import CONTOUR_SD
from experiments.screening.rhythm import kinds
from experiments.screening.scoring import ScoredBlock
from models.detector import Detector
from preprocess import spectrogram
from preprocess.beats import TIMES_S, Beats

LOCATION = ("span_start_s", "span_end_s", "band_low_hz", "band_high_hz")


@dataclass
class ScreenedBlock(ScoredBlock):
    """A scored block with what is flagged in it; only flagged beats keep their images.

    flagged: (k,) rows above the threshold; flagged_beats: (k,) Beats, those; kind_shares: (n, 5),
    of kinds.probabilities; columns: {name: (n,)} of all beats for the table of findings.
    """

    flagged: np.ndarray
    flagged_beats: Beats
    kind_shares: np.ndarray
    columns: dict[str, np.ndarray]


def locate(block: ScoredBlock, threshold: float, detector: Detector) -> ScreenedBlock:
    """The block with what scores above the threshold, and where it differs."""
    beats = block.beats
    flagged = np.flatnonzero(block.scores > threshold)
    flagged_beats = beats[flagged]
    if len(flagged):
        record_median_mv = np.median(beats.beat_mv[presumed_normal(block)], 0)
        flagged_beats.record_median_mv = np.tile(record_median_mv, (len(flagged), 1))
    location = np.full((len(beats), len(LOCATION)), np.nan, np.float32)
    location[flagged] = locations(detector, flagged_beats)
    columns = dict(zip(LOCATION, location.T)) | {
        "sample": beats.sample,
        "rr_s": beats.rr_s[:, 0],
        "rr_usual_s": kinds.expected_rr_s(beats.rr_s, beats.usual),
        "rr_local_s": beats.rr_s[:, 2],
        "score": block.scores.astype(np.float32),
        "usual": beats.usual,
        "p_coherence": beats.p_coherence,
        "bump": block.bump,
        "noise": block.noise,
    }
    return ScreenedBlock(
        **vars(block) | {"beats": replace(beats, image=None)},
        flagged=flagged,
        flagged_beats=flagged_beats,
        kind_shares=kinds.probabilities(look(block)),
        columns=columns,
    )


def presumed_normal(block: ScoredBlock) -> np.ndarray:
    """(n,) bool: the half of the beats with the lower scores."""
    return block.scores <= np.median(block.scores) if len(block.scores) else np.zeros(0, bool)


def look(block: ScoredBlock) -> kinds.Seen:
    """What is seen of its beats, of which their kinds follow."""
    return kinds.look(block.beats, presumed_normal(block), block.rhythm, block.noise)


def locations(detector: Detector, beats: Beats) -> np.ndarray:
    """Beats to (n, 4): start and end in s from R of where they are abnormal, lowest and highest Hz.

    NaN where there is none: no span, or no frequencies in a detector that reads traces.
    """
    if not len(beats):
        return np.zeros((0, 4))
    errors, over_time = detector.errors(beats)
    result = where(errors, detector.image or "complex")
    for row, spans in enumerate(detector.segments(over_time)):
        if spans:
            result[row, :2] = max(spans, key=lambda span: span[1] - span[0])
    return result


def where(errors: np.ndarray, setting: str | None = "complex") -> np.ndarray:
    """Error maps to (n, 4), as in `locations`: the stretch around the largest error that is high.

    errors: (n, channels, F, T) of images of a setting, or (n, 320). High is above CONTOUR_SD, or
    above half of the largest if that is less.
    """
    if errors.ndim == 2:
        times_s, freqs_hz = TIMES_S, None
        errors = errors[:, None]  # [n, 1, T]
    else:
        times_s, freqs_hz = spectrogram.axes(setting)
        errors = errors.max(1)  # [n, F, T]
    half_s = (times_s[1] - times_s[0]) / 2
    result = np.full((len(errors), 4), np.nan)
    for row, error in enumerate(errors):
        if error.max() <= 0:  # the rhythm alone may be abnormal
            continue
        level = min(CONTOUR_SD, error.max() / 2)
        over_time = error.max(0)
        first, last = _run(over_time > level, over_time.argmax())
        result[row, :2] = times_s[first] - half_s, times_s[last] + half_s
        if freqs_hz is not None:
            over_freqs = error[:, first : last + 1].max(1)
            low, high = _run(over_freqs > level, over_freqs.argmax())
            result[row, 2:] = freqs_hz[low], freqs_hz[high]
    return result


def _run(marked, at):
    """First and last index of the unbroken run of True around `at`."""
    gaps = np.flatnonzero(~marked)
    i = np.searchsorted(gaps, at)
    first = gaps[i - 1] + 1 if i else 0
    last = gaps[i] - 1 if i < len(gaps) else len(marked) - 1
    return first, last


# ---------------------------------------------------------------- pictures of clusters


@dataclass
class ClusterPicture:
    """The example nearest to a cluster's mean, and the normal beat generated in its place.

    beat_mv, generated_mv: (320,); error: (F, T) or (320,) in standard deviations of normal beats'.
    """

    beat_mv: np.ndarray
    generated_mv: np.ndarray | None
    error: np.ndarray
    setting: str


def cluster_pictures(clusters, detector: Detector, patient_threshold) -> list[ClusterPicture]:
    """One of each Cluster, beside what normal beats of this PatientThreshold look like."""
    if not clusters:
        return []
    beats = _typical(clusters, patient_threshold.record_median_mv)
    errors = detector.errors(beats)[0]  # [n, channels, F, T] or [n, 320]
    generated_mv = detector.normal_versions(beats, patient_threshold.references_mv)
    if generated_mv is None:
        generated = detector.generate(beats)
        generated_mv = spectrogram.traces_of(generated, beats.beat_mv, detector.image)
    return [
        ClusterPicture(
            beats.beat_mv[i],
            None if generated_mv is None else generated_mv[i],
            errors[i].max(0) if errors.ndim == 4 else errors[i],
            detector.image or "complex",
        )
        for i in range(len(clusters))
    ]


def _typical(clusters, record_median_mv):
    """The example of each cluster that is nearest to its mean."""
    examples = []
    for cluster in clusters:
        away = lambda example, mean_mv=cluster.mean_mv: np.square(example.beat_mv - mean_mv).sum()
        examples.append(min(cluster.examples.values(), key=away))
    n, with_image = len(examples), examples[0].image is not None
    return Beats(
        np.stack([example.image for example in examples]) if with_image else None,
        np.stack([example.beat_mv for example in examples]),
        np.full(n, "shown"),
        np.array([example.sample for example in examples]),
        np.stack([example.rr_s for example in examples]),
        record_median_mv=np.tile(record_median_mv.astype(np.float32), (n, 1)),
    )
