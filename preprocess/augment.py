"""Augmentation: normal beats, changed so that they stay normal.

`jittered` are windows whose R peaks are off by a few samples. Windows on disk are as long as they
are used: one that is moved holds its first or last sample for as many samples as it lacks, 8 ms for
three of them. Expert marks stand on the same wave of each beat of a patient; those of a detector do
not always.

`time_warp` is the augmentation of BeatGAN (Zhou et al., IJCAI 2019): along time alone, the R peak
stays in its place. `drifted` is what minutes do to a trace: electrodes dry, the heart turns with
posture and breath, and the lead sees the same beat larger, from another side, on another level.
"""

from dataclasses import replace

import numpy as np
import torch

from preprocess import spectrogram
from preprocess.beats import Beats
from preprocess.constants import BEFORE, WINDOW
from preprocess.synthetic import read_at

# Of `drifted`: standard deviations, over beats, of what is drawn for each.
DRIFT_GAIN = 0.2  # log gain of the whole window
DRIFT_LOCAL_GAIN = 0.15  # log gain at each of DRIFT_KNOTS, and smoothly in between
DRIFT_KNOTS = (-40, 60, 140, 220, 319)  # samples: of P wave, QRS and T wave one each, and the ends
DRIFT_VIEW = 0.1  # share of the beat's slope that is mixed in: the same loop, from another side
DRIFT_LEVEL_MV = 0.04  # slope of the level, and its bend, from R to half a window away
SLOPE_REACH = 4  # samples on either side over which a slope is taken
CHANGED_AT_ONCE = 4096  # beats: what is computed of each is many times as large as it
LEAST_SLOPE_SD_MV = 1e-3  # of a slope, so that a flat beat is divided by no zero

TICKS = 7  # on each side of the R peak, so many samples are dropped and as many stretched to two


def jittered(
    beats: Beats, most: int, drift: float, rng: np.random.Generator, image: str | None
) -> Beats:
    """Beats with each window moved by -most to most samples, all alike in likelihood, and a share
    of them, drift, as they might look some minutes later. image: the setting of the new images,
    made as they are stored; None: none are."""
    if not (most or drift):
        return beats
    shift = rng.integers(-most, most + 1, len(beats)) if most else np.zeros(len(beats), int)
    beat_mv = moved(beats.beat_mv, shift)
    if drift:
        beat_mv = drifted(beat_mv, drift, rng)
    pictures = None if image is None else spectrogram.stored_images(beat_mv, image)
    return replace(beats, beat_mv=beat_mv, image=pictures, sample=beats.sample + shift)


def moved(beats_mv: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(n, 320) to the same, read shift (n,) samples later and held at the ends."""
    result = np.empty_like(beats_mv)
    for start in range(0, len(beats_mv), CHANGED_AT_ONCE):
        part = slice(start, start + CHANGED_AT_ONCE)
        at = np.clip(np.arange(WINDOW) + shift[part, None], 0, WINDOW - 1)  # [n, 320]
        result[part] = np.take_along_axis(beats_mv[part], at, axis=1)
    return result


def drifted(beats_mv: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """(n, WINDOW) in mV to the same, a share of them as they might look some minutes later.

    Gain, level and the side from which the lead sees the heart are changed, each smoothly along
    the window and by a little, so that no wave comes, goes or turns over.
    """
    n, draw = len(beats_mv), rng.standard_normal
    is_changed = rng.random(n) < share
    gain, local_gain = DRIFT_GAIN * draw((n, 1)), DRIFT_LOCAL_GAIN * draw((n, len(DRIFT_KNOTS)))
    view, line, bend = DRIFT_VIEW * draw((n, 1)), draw((n, 1)), draw((n, 1))
    away = 2 * (np.arange(WINDOW) - BEFORE) / WINDOW  # of R, in half windows
    later_mv = np.array(beats_mv, np.float32)
    for start in range(0, n, CHANGED_AT_ONCE):
        rows = start + np.flatnonzero(is_changed[start : start + CHANGED_AT_ONCE])
        log_gain = gain[rows] + _between_knots(local_gain[rows])
        turned = beats_mv[rows] + view[rows] * _slope(beats_mv[rows])
        level = line[rows] * away + bend[rows] * (away**2 - np.mean(away**2))
        later_mv[rows] = turned * np.exp(log_gain) + DRIFT_LEVEL_MV * level
    return later_mv


def _between_knots(values: np.ndarray) -> np.ndarray:
    """(n, knots) to (n, WINDOW), in half a cosine from each knot to the next."""
    t, knots = np.arange(WINDOW), np.array(DRIFT_KNOTS)
    left = np.clip(np.searchsorted(knots, t, "right") - 1, 0, len(knots) - 2)
    part = (t - knots[left]) / (knots[left + 1] - knots[left])
    part = 0.5 - 0.5 * np.cos(np.pi * part)
    return values[:, left] * (1 - part) + values[:, left + 1] * part


def _slope(beats_mv: np.ndarray) -> np.ndarray:
    """(n, WINDOW) to its slope (n, WINDOW), as large as the beat is."""
    slope = np.zeros_like(beats_mv)
    inside = slice(SLOPE_REACH, -SLOPE_REACH)
    slope[:, inside] = beats_mv[:, 2 * SLOPE_REACH :] - beats_mv[:, : -2 * SLOPE_REACH]
    return (
        slope * beats_mv.std(1, keepdims=True) / (slope.std(1, keepdims=True) + LEAST_SLOPE_SD_MV)
    )


def time_warp(beats_mv: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, WINDOW) in mV to (n, WINDOW): on each side of R, TICKS samples dropped, TICKS stretched;
    which ones, is drawn for each beat."""
    n = len(beats_mv)
    before = _warped_axis(n, BEFORE, rng)
    after = BEFORE + _warped_axis(n, WINDOW - BEFORE, rng)
    where = np.concatenate([before, after], 1, dtype=np.float32)  # [n, WINDOW], between samples
    return read_at(torch.tensor(beats_mv).float(), torch.from_numpy(where)).numpy()


def _warped_axis(n, length, rng):
    """(n, length): where on the old time axis each new sample lies, from 0 on."""
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
    repeated = replace(beats, image=None)[np.tile(np.arange(len(beats)), n_aug + 1)]
    return replace(repeated, image=pictures, beat_mv=beat_mv)
