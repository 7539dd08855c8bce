"""Training beats augmented: R peaks off by a few samples, and the drift of minutes.

Windows on disk are as long as they are used: one that is moved holds its first or last sample for
as many samples as it lacks, 8 ms for three of them. Expert marks stand on the same wave of each
beat of a patient; those of a detector do not always.
"""

from dataclasses import replace

import numpy as np

from preprocess import spectrogram
from preprocess.augment import drifted
from preprocess.beats import Beats
from preprocess.constants import WINDOW

MOVED_AT_ONCE = 4096  # beats whose places, or images, are in memory beside the moved ones


def jittered(
    beats: Beats, most: int, drift: float, rng: np.random.Generator, image: str | None
) -> Beats:
    """Beats with each window moved by -most to most samples, all alike in likelihood, and a share
    of them, drift, as they might look some minutes later; images (of this setting) are made anew,
    as they are stored."""
    if not (most or drift):
        return beats
    shift = rng.integers(-most, most + 1, len(beats)) if most else np.zeros(len(beats), int)
    beat_mv = moved(beats.beat_mv, shift)
    if drift:
        beat_mv = drifted(beat_mv, drift, rng)
    pictures = None if beats.image is None else np.empty_like(beats.image)
    for start in range(0, 0 if pictures is None else len(beats), MOVED_AT_ONCE):
        part = slice(start, start + MOVED_AT_ONCE)
        pictures[part] = spectrogram.stored_images(beat_mv[part], image)
    return replace(beats, beat_mv=beat_mv, image=pictures, sample=beats.sample + shift)


def moved(beats_mv: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(n, 320) to the same, read shift (n,) samples later and held at the ends."""
    result = np.empty_like(beats_mv)
    for start in range(0, len(beats_mv), MOVED_AT_ONCE):
        part = slice(start, start + MOVED_AT_ONCE)
        at = np.clip(np.arange(WINDOW) + shift[part, None], 0, WINDOW - 1)  # [n, 320]
        result[part] = np.take_along_axis(beats_mv[part], at, axis=1)
    return result
