"""R peaks that are off by a few samples: windows moved in training, so that scores bear it, and at
test, to measure that they do.

Windows on disk are as long as they are used: one that is moved holds its first or last sample for
as many samples as it lacks, 8 ms for three of them. Expert marks stand on the same wave of each
beat of a patient; those of a detector do not always.
"""

from dataclasses import dataclass, replace

import numpy as np

from preprocess import spectrogram
from preprocess.beats import Beats
from preprocess.constants import FS_HZ, WINDOW
from preprocess.dataset import Dataset, MadeImages

BEATS_AT_ONCE = 4096  # whose images are made before they are put in place


def jittered(beats: Beats, most: int, rng: np.random.Generator, image: str | None) -> Beats:
    """Beats with each window moved by -most to most samples, all alike in likelihood."""
    return moved(beats, rng.integers(-most, most + 1, len(beats)), image) if most else beats


def moved(beats: Beats, shift: np.ndarray, image: str | None) -> Beats:
    """Beats whose R peaks were marked shift (n,) samples later, images (of this setting) made
    anew, as they are stored."""
    at = np.clip(np.arange(WINDOW) + shift[:, None], 0, WINDOW - 1)  # [n, 320]
    beat_mv = np.take_along_axis(beats.beat_mv, at, axis=1)
    pictures = beats.image
    if pictures is not None:
        if isinstance(pictures, MadeImages):
            made = MadeImages(beat_mv, image)
            return replace(beats, beat_mv=beat_mv, image=made, sample=beats.sample + shift)
        pictures = np.empty_like(pictures)
        for start in range(0, len(beats), BEATS_AT_ONCE):
            part = slice(start, start + BEATS_AT_ONCE)
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
    likelihood, at each beat. RR intervals move with the peaks."""
    if not most:
        return dataset
    shift = np.random.default_rng([seed, most]).integers(-most, most + 1, len(dataset.index))
    index = dataset.index.assign(sample=dataset.index["sample"] + shift)
    record = index["record"].to_numpy()
    same = record[1:] == record[:-1]
    later_s = np.where(same, np.diff(shift), 0) / FS_HZ  # of the interval between two beats
    index["rr_before_s"] += np.r_[0, later_s]
    index["rr_after_s"] += np.r_[later_s, 0]
    return MovedDataset(index, dataset.image, dataset.beat_mv, dataset.manifest, shift)
