"""Training beats augmented: R peaks off by a few samples, and the drift of minutes.

Windows are moved in training, so that scores bear it, and at test, to measure that they do.

Windows on disk are as long as they are used: one that is moved holds its first or last sample for
as many samples as it lacks, 8 ms for three of them. Expert marks stand on the same wave of each
beat of a patient; those of a detector do not always.
"""

from dataclasses import dataclass, replace

import numpy as np

from preprocess import spectrogram
from preprocess.augment import drifted
from preprocess.beats import Beats
from preprocess.constants import FS_HZ, WINDOW
from preprocess.dataset import Dataset

MOVED_AT_ONCE = 4096  # beats whose places, or images, are in memory beside the moved ones


def jittered(
    beats: Beats, most: int, drift: float, rng: np.random.Generator, image: str | None
) -> Beats:
    """Beats with each window moved by -most to most samples, all alike in likelihood, and a share
    of them, drift, as they might look some minutes later."""
    if not (most or drift):
        return beats
    shift = rng.integers(-most, most + 1, len(beats)) if most else np.zeros(len(beats), int)
    beat_mv = _windows(beats.beat_mv, shift)
    if drift:
        beat_mv = drifted(beat_mv, drift, rng)
    return _with_trace(beats, beat_mv, shift, image)


def moved(beats: Beats, shift: np.ndarray, image: str | None) -> Beats:
    """Beats whose R peaks were marked shift (n,) samples later."""
    return _with_trace(beats, _windows(beats.beat_mv, shift), shift, image)


def _windows(beat_mv, shift):
    """(n, 320) to the same, read shift (n,) samples later and held at the ends."""
    result = np.empty_like(beat_mv)
    for start in range(0, len(beat_mv), MOVED_AT_ONCE):
        part = slice(start, start + MOVED_AT_ONCE)
        at = np.clip(np.arange(WINDOW) + shift[part, None], 0, WINDOW - 1)  # [n, 320]
        result[part] = np.take_along_axis(beat_mv[part], at, axis=1)
    return result


def _with_trace(beats, beat_mv, shift, image):
    """Beats with another trace; images (of this setting) are made anew, as they are stored."""
    pictures = beats.image
    if pictures is not None:
        pictures = np.empty_like(pictures)
        for start in range(0, len(beats), MOVED_AT_ONCE):
            part = slice(start, start + MOVED_AT_ONCE)
            pictures[part] = spectrogram.stored_images(beat_mv[part], image)
    return replace(beats, beat_mv=beat_mv, image=pictures, sample=beats.sample + shift)


@dataclass
class MovedDataset(Dataset):
    """A dataset every beat of which was marked shift (n,) samples later."""

    shift: np.ndarray

    def beats(self, rows: np.ndarray, with_image: bool = True) -> Beats:
        shift = self.shift[rows]
        beats = super().beats(rows, with_image)
        beats = moved(beats, shift, self.manifest["settings"]["image"])
        return replace(beats, sample=beats.sample - shift)  # the index has them moved already


def moved_dataset(dataset: Dataset, most: int, seed: int) -> Dataset:
    """The dataset as from a detector of R peaks that is off by -most to most samples, all alike in
    likelihood, at each beat. RR intervals move along."""
    if not most:
        return dataset
    rng = np.random.default_rng([seed, most])
    shift = rng.integers(-most, most + 1, len(dataset.index))
    index = dataset.index.assign(sample=dataset.index["sample"] + shift)
    record = index["record"].to_numpy()
    same = record[1:] == record[:-1]
    later_s = np.where(same, np.diff(shift), 0) / FS_HZ  # of the interval between two beats
    index["rr_before_s"] += np.r_[0, later_s]
    index["rr_after_s"] += np.r_[later_s, 0]
    return MovedDataset(index, dataset.image, dataset.beat_mv, dataset.manifest, shift)
