"""Time-warped copies of beats: the augmentation of BeatGAN (Zhou et al., IJCAI 2019), along time, R peak kept in place."""

import numpy as np

from preprocess import spectrogram
from preprocess.beats import Beats
from preprocess.constants import BEFORE, WINDOW

TICKS = 7  # on each side of the R peak, so many samples are dropped and as many stretched to two


def time_warp(beats_mv, rng):
    """(n, WINDOW) to (n, WINDOW): TICKS samples dropped and TICKS stretched at random places on each side of the R peak."""
    sides = [(0, BEFORE), (BEFORE, WINDOW)]
    where = np.concatenate(
        [start + _warped_axis(len(beats_mv), end - start, rng) for start, end in sides], 1
    )
    low = np.floor(where).astype(int)
    high = np.minimum(low + 1, WINDOW - 1)
    part = (where - low).astype(np.float32)
    rows = np.arange(len(beats_mv))[:, None]
    return beats_mv[rows, low] * (1 - part) + beats_mv[rows, high] * part


def _warped_axis(n, length, rng):
    """(n, length): where on the old time axis each new sample lies; starts at 0, as long as before."""
    order = rng.random((n, length)).argsort(1)
    step = np.ones((n, length))
    rows = np.arange(n)[:, None]
    step[rows, order[:, :TICKS]] = 2.0  # a sample is passed over
    step[rows, order[:, TICKS : 3 * TICKS]] = 0.5  # two half steps: a sample stretched to two
    return np.cumsum(step, 1) - step


def with_warped_copies(beats, n_aug, rng, image):
    """Beats and n_aug time-warped copies of each, their images made anew (none for image None)."""
    waves = np.concatenate([beats.beat_mv, *(time_warp(beats.beat_mv, rng) for _ in range(n_aug))])
    pictures = None
    if image:
        pictures = np.concatenate(
            [beats.image, spectrogram.images(waves[len(beats) :], image).numpy()]
        )
    again = [np.concatenate([a] * (n_aug + 1)) for a in (beats.record, beats.sample, beats.rr_s)]
    record_median_mv = None
    if beats.record_median_mv is not None:
        record_median_mv = np.concatenate([beats.record_median_mv] * (n_aug + 1))
    return Beats(pictures, waves, *again, record_median_mv=record_median_mv)
