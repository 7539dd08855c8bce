"""R peaks to numbers that say whether a beat comes when a normal one would; loads no torch."""

import numpy as np
from scipy.ndimage import median_filter

from preprocess.constants import FS_HZ

# What is usual: so many RR intervals on each side, some 15 s and a minute, and these quantiles.
LOCAL_BEATS = (8, 40)
LOCAL_QUANTILES = (0.5, 0.75, 0.9)
RR_LIMITS_S = (0.15, 4.0)  # beyond them an interval tells no more
N_RHYTHM = 22
GRID_LEVELS = 65  # quantiles of each feature, between which its values are placed

# What a fast rhythm adds to a prior score: nothing at 100 a minute, all of it at 150; less what it
# adds to the slowest tenth of the recording, as some hearts are always fast.
TACHYCARDIA_MOST, TACHYCARDIA_RR_S, TACHYCARDIA_BEATS, TINY_S = 12.0, (0.6, 0.4), 17, 1e-3
SLOWEST = 0.1


def rhythm_features(samples: np.ndarray) -> np.ndarray:
    """R peaks (n,) to (n, N_RHYTHM): logarithms of the RR intervals before and after, against
    what is usual around them.

    Usual is the median and the upper quantiles of the surrounding intervals: where most beats are
    early, the long intervals still tell when a beat should have come. Irregularity (as in
    fibrillation) is given too.
    """
    rr = np.log(np.clip(np.diff(samples) / FS_HZ, *RR_LIMITS_S))
    before, after = np.r_[rr[:1], rr], np.r_[rr, rr[-1:]]
    change = np.abs(np.diff(before, prepend=before[0]))
    columns = []
    for reach in LOCAL_BEATS:
        median, upper, top = _local_quantiles(before, reach, LOCAL_QUANTILES)
        (irregular,) = _local_quantiles(change, reach, (0.5,))
        columns += [
            median,
            before - median,
            before - upper,
            before - top,
            after - median,
            after - top,
            irregular,
            top - median,
        ]
    (median,) = _local_quantiles(before, LOCAL_BEATS[0], (0.5,))
    previous, following = np.r_[before[:1], before[:-1]], np.r_[after[1:], after[-1:]]
    columns += [
        before - previous,
        after - before,
        previous - median,
        following - median,
        np.logaddexp(before, after) - np.log(2) - median,
        before,
    ]
    return np.stack(columns, 1).astype(np.float32)


def tachycardia(samples: np.ndarray) -> np.ndarray:
    """R peaks (n,) to (n,), 0 to TACHYCARDIA_MOST: how fast the heart beats around each.

    A run that fills its surroundings has no early beat: only its rate, beside that of the rest,
    tells.
    """
    rr_s = np.diff(samples) / FS_HZ
    around_s = median_filter(np.r_[rr_s[:1], rr_s], TACHYCARDIA_BEATS, mode="nearest")
    slow_s, fast_s = TACHYCARDIA_RR_S
    share = np.log(slow_s / np.maximum(around_s, TINY_S)) / np.log(slow_s / fast_s)
    added = TACHYCARDIA_MOST * np.clip(share, 0, 1)
    return added - np.quantile(added, SLOWEST)


def placed(x: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Features (n, N_RHYTHM) to their places, -2 to 2, among those seen in training, of which
    the grid (GRID_LEVELS, N_RHYTHM) has the quantiles."""
    places = np.linspace(-2, 2, GRID_LEVELS)
    columns = [np.interp(x[:, i], grid[:, i], places) for i in range(x.shape[1])]
    return np.stack(columns, 1).astype(np.float32)


def _local_quantiles(x: np.ndarray, reach: int, quantiles: tuple[float, ...]) -> list[np.ndarray]:
    """(n,) to one (n,) a quantile, of the values up to `reach` beats away."""
    reach = min(reach, len(x) - 1)
    padded = np.pad(x, reach, "reflect")
    around = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), 1)
    return [around[:, round(q * 2 * reach)] for q in quantiles]
