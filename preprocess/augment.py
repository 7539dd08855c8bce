"""Time-warped copies of beats: the augmentation of BeatGAN (Zhou et al., IJCAI 2019).

Beats are warped along time alone; the R peak stays in its place.
"""

import numpy as np

from preprocess import spectrogram
from preprocess.beats import Beats
from preprocess.constants import BEFORE, WINDOW

TICKS = 7  # on each side of the R peak, so many samples are dropped and as many stretched to two


def time_warp(beats_mv: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, WINDOW) in mV to (n, WINDOW): on each side of R, TICKS samples dropped, TICKS stretched.

    Where, is drawn anew for each beat.
    """
    n = len(beats_mv)
    before = _warped_axis(n, BEFORE, rng)
    after = BEFORE + _warped_axis(n, WINDOW - BEFORE, rng)
    where = np.concatenate([before, after], 1)  # [n, WINDOW], fractional samples

    # Read between samples by linear interpolation.
    low = np.floor(where).astype(int)
    high = np.minimum(low + 1, WINDOW - 1)
    part = (where - low).astype(np.float32)
    rows = np.arange(n)[:, None]
    return beats_mv[rows, low] * (1 - part) + beats_mv[rows, high] * part


def _warped_axis(n, length, rng):
    """(n, length): where on the old time axis each new sample lies.

    Starts at 0 and is as long as before.
    """
    order = rng.random((n, length)).argsort(1)
    step = np.ones((n, length))
    rows = np.arange(n)[:, None]
    step[rows, order[:, :TICKS]] = 2.0  # a sample is passed over
    step[rows, order[:, TICKS : 3 * TICKS]] = 0.5  # two half steps: a sample stretched to two
    return np.cumsum(step, 1) - step


def with_warped_copies(
    beats: Beats, n_aug: int, rng: np.random.Generator, image: str | None
) -> Beats:
    """Beats and, behind them, n_aug time-warped copies of each: n to n (1 + n_aug) beats.

    image: the setting of which images of the copies are made, or None for beats without images.
    """
    copies_mv = [time_warp(beats.beat_mv, rng) for _ in range(n_aug)]
    beat_mv = np.concatenate([beats.beat_mv, *copies_mv])
    pictures = None
    if image:
        of_copies = spectrogram.images(beat_mv[len(beats) :], image).numpy()
        pictures = np.concatenate([beats.image, of_copies])

    # A copy keeps its beat's record, time and rhythm.
    repeated = lambda values: None if values is None else np.concatenate([values] * (n_aug + 1))
    return Beats(
        pictures,
        beat_mv,
        repeated(beats.record),
        repeated(beats.sample),
        repeated(beats.rr_s),
        record_median_mv=repeated(beats.record_median_mv),
    )
