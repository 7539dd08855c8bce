"""What is flagged in a block, and where in each flagged beat the detector sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from experiments.reports.style import CONTOUR_SD
from experiments.screening.rhythm.kinds import SHAPE_FEATURES, like_fusion, shape_features
from experiments.screening.rhythm.prematurity import (
    OTHER_SHAPE,
    P_ELSEWHERE,
    otherness,
    out_of_rhythm,
    p_deviations,
    premature,
)
from experiments.screening.scoring import ScoredBlock
from preprocess import spectrogram
from preprocess.beats import BEFORE, Beats
from preprocess.readers.wfdb import FS_HZ
from preprocess.signal.atrial_fibrillation import fibrillation

if TYPE_CHECKING:
    from models.detector import Detector

LOCATED_AT_ONCE = 512  # beats whose error maps are in memory


@dataclass
class ScreenedBlock(ScoredBlock):
    """A scored block with what is flagged in it; only flagged beats keep their images.

    flagged: (k,) rows above the threshold; found: (k,) Beats, those; location: (k, 4), as of
    `locations`; shapes: (k, 10), as of kinds.shape_features;
    premature, like_fusion: (n,) bool of all beats, as of prematurity.premature and
    kinds.like_fusion; p_in_place: (n,) bool, prematurity.p_deviations are few; unlike: (n,) of
    prematurity.otherness.
    """

    flagged: np.ndarray
    found: Beats
    location: np.ndarray
    shapes: np.ndarray
    premature: np.ndarray
    like_fusion: np.ndarray
    p_in_place: np.ndarray
    unlike: np.ndarray


def locate(block: ScoredBlock, threshold: float, detector: Detector) -> ScreenedBlock:
    """The block with what scores above the threshold, and where it differs."""
    beats = block.beats
    shapes, early = np.zeros((0, SHAPE_FEATURES), np.float32), np.zeros(len(beats), bool)
    unlike, moved, record_median_mv = otherness(shapes), np.zeros(0), None
    if len(beats):
        presumed_normal = block.scores <= np.median(block.scores)
        record_median_mv = np.median(beats.beat_mv[presumed_normal], 0)
        shapes = shape_features(beats.beat_mv, record_median_mv).astype(np.float32)
        unlike = otherness(shapes)
        moved = p_deviations(shapes, presumed_normal)
        early = _premature(block, unlike, moved)
    # Premature beats below it are told, not flagged: so many false alarms were asked for.
    flagged = np.flatnonzero(block.scores > threshold)
    found = beats[flagged]
    if len(flagged):
        found.record_median_mv = np.tile(record_median_mv, (len(flagged), 1))
    rest = vars(block) | {"beats": replace(beats, image=None)}
    return ScreenedBlock(
        **rest,
        flagged=flagged,
        found=found,
        location=locations(detector, found),
        shapes=shapes[flagged],
        premature=early,
        like_fusion=like_fusion(shapes),
        p_in_place=moved < P_ELSEWHERE,
        unlike=unlike,
    )


def _premature(block, unlike, moved):
    """(n,) bool: premature beats of usual shape, outside fibrillation. moved: of p_deviations."""
    rr_s, around = block.beats.rr_s[:, 0].astype(float), block.surroundings
    other = unlike > OTHER_SHAPE
    early = premature(rr_s, other, moved)
    if block.rhythm is not None:
        # what rules do not see: premature beats that are most of a recording
        early |= out_of_rhythm(block.rhythm, unlike)
    return early & ~fibrillation(rr_s, ~around.usual, around.p_coherence)


def locations(detector: Detector, beats: Beats) -> np.ndarray:
    """Beats to (n, 4): start and end in s from R of where they are abnormal, lowest and highest Hz.

    NaN where there is none: no span, or no frequencies in a detector that reads traces.
    """
    starts = range(0, len(beats), LOCATED_AT_ONCE)
    parts = [_locations(detector, beats[start : start + LOCATED_AT_ONCE]) for start in starts]
    return np.concatenate([np.zeros((0, 4)), *parts])


def _locations(detector, beats):
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
        times_s, freqs_hz = (np.arange(errors.shape[1]) - BEFORE) / FS_HZ, None
        errors = errors[:, None]  # [n, 1, T]
    else:
        times_s, freqs_hz = spectrogram.axes(setting)
        errors = errors.max(1)  # [n, F, T]
    half_s = (times_s[1] - times_s[0]) / 2
    result = np.full((len(errors), 4), np.nan)
    for row, error in enumerate(errors):
        if error.max() <= 0:  # the rhythm may be all that is wrong
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
