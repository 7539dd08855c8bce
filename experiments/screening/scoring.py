"""Blocks to scores: images of their beats, and what a detector says of each."""

from dataclasses import dataclass, replace

import numpy as np

from experiments.screening.blocks import Block
from models.detector import Detector
from preprocess import spectrogram
from preprocess.constants import FS_HZ


@dataclass
class ScoredBlock(Block):
    """A block whose beats, none of the margins among them any more, have images and scores (n,).

    rhythm: (n,) Detector.rhythm_log_odds, None where the detector does not know.
    """

    scores: np.ndarray
    rhythm: np.ndarray | None


def score(block: Block, detector: Detector, context: str) -> ScoredBlock:
    """The block with scores, of what a context allows. Beats of its margins give context, and are
    then left out."""
    beats, scores, rhythm = block.beats, np.zeros(0), None
    if len(beats):
        if detector.reads_image(context):
            images = spectrogram.stored_images(beats.beat_mv, detector.image)
            beats = replace(beats, image=images)
        without_gaps = _without_gaps(beats)
        scores = detector.score(without_gaps, context)
        if context != "none":
            rhythm = detector.rhythm_log_odds(without_gaps.sample)
    inside = slice(*np.searchsorted(beats.sample, (block.start, block.end)))
    kept = {"beats": beats[inside], "bump": block.bump[inside], "noise": block.noise[inside]}
    kept |= {"scores": scores[inside], "rhythm": None if rhythm is None else rhythm[inside]}
    return ScoredBlock(**vars(block) | kept)


def _without_gaps(beats):
    """Beats whose RR intervals across gaps are the local median, and R peaks to match."""
    rr_s, anywhere_s = beats.rr_s, np.nanmedian(beats.rr_s[:, :2])
    local_s = np.where(np.isfinite(rr_s[:, 2:]), rr_s[:, 2:], anywhere_s)  # [n, 1]
    rr_s = np.where(np.isfinite(rr_s), rr_s, local_s).astype(np.float32)
    steps = np.round(rr_s[1:, 0] * FS_HZ)
    sample = beats.sample[0] + np.r_[0, np.cumsum(steps)].astype(int)
    return replace(beats, sample=sample, rr_s=rr_s)
