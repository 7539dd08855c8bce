"""Recording to beats: band-pass, R peaks, windows, AAMI class, RR intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from preprocess import BadInput
from preprocess.classes import CLASS_OF
from preprocess.constants import AFTER, BEFORE, FS_HZ, WINDOW
from preprocess.signal.filters import FILTERS
from preprocess.signal.rpeaks import distance_to_nearest, reference_r_peaks

if TYPE_CHECKING:
    from preprocess.readers.wfdb import Recording

TIMES_S = (np.arange(WINDOW) - BEFORE) / FS_HZ  # of the samples of a window, from its R peak
# Where waves lie in it.
P_WAVE = slice(BEFORE - 94, BEFORE - 18)  # 0.26 to 0.05 s before R
QRS = slice(BEFORE - 36, BEFORE + 54)  # 0.10 s before R to 0.15 s after: a wide one too
NARROW_QRS = slice(BEFORE - 22, BEFORE + 29)  # 0.06 s before R to 0.08 s after

# RR intervals on each side that make the local median: some ten seconds of a resting heart,
# so that it follows the rate and passes over single early beats.
RR_LOCAL_BEATS = 8


@dataclass
class Beats:
    """A batch of beats: what every detector is given. None where nobody knows.

    image: (n, channels, frequencies, times), or None for detectors that read beat_mv alone.
    beat_mv: (n, WINDOW) in mV.
    record: (n,) names of the recordings.
    sample: (n,) R peaks.
    rr_s: (n, 3) RR before, RR after and local median RR, in s.
    known_normal: (n,) bool, beats that someone has looked at and found normal.
    record_median_mv: (n, WINDOW) in mV, the median beat of the recording that each one is from:
        of all its beats, of whatever class; in screening, of the presumed normal ones.
    usual, p_coherence: (n,) of preprocess.signal.atrial_fibrillation, where they are at hand.
    leads_mv: (n, leads, WINDOW) in mV, where more leads than one are read, NaN where one cannot
        be; beat_mv is then the first of them that can.
    """

    image: np.ndarray | None
    beat_mv: np.ndarray
    record: np.ndarray
    sample: np.ndarray
    rr_s: np.ndarray
    known_normal: np.ndarray | None = None
    record_median_mv: np.ndarray | None = None
    usual: np.ndarray | None = None
    p_coherence: np.ndarray | None = None
    leads_mv: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.sample)

    def __getitem__(self, rows) -> Beats:
        return Beats(*(None if values is None else values[rows] for values in vars(self).values()))


def windows(signal_mv: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """(n,) and (k,) R peaks to (k, WINDOW): BEFORE samples before each peak, AFTER from it on."""
    return signal_mv[samples[:, None] + np.arange(-BEFORE, AFTER)]


def rr_intervals(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """R peaks (k,) to RR before, RR after and the local median RR, each (k,) in s.

    The local median is over RR_LOCAL_BEATS intervals on each side.
    The first beat has no RR before and the last none after: they get the local median, as nothing
    about them is known to be early or late.
    Raises BadInput below two beats.
    """
    if len(samples) < 2:
        raise BadInput("fewer than two beats: no RR interval can be measured")
    rr_s = np.diff(samples) / FS_HZ  # [k - 1]
    padded = np.pad(rr_s, RR_LOCAL_BEATS, constant_values=np.nan)
    # [k, 2 RR_LOCAL_BEATS]
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * RR_LOCAL_BEATS)
    local_s = np.nanmedian(around, 1)
    return np.r_[local_s[0], rr_s], np.r_[rr_s, local_s[-1]], local_s


def cut(
    recording: Recording, filter_name: str = "butterworth"
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Recording to (columns, windows): one row per beat whose window fits inside the recording.

    columns: dict of (k,) arrays, the columns of index.csv.
    windows: (k, WINDOW) float32 in mV, band-passed by a filter of preprocess.signal.filters.
    Raises BadInput when the recording is shorter than a window or has no annotated beat.
    """
    n = len(recording.signal_mv)
    if n < WINDOW:
        raise BadInput(
            f"record {recording.name} is {n / FS_HZ:.2f} s long, shorter than one beat's window "
            f"({WINDOW / FS_HZ:.2f} s)"
        )
    is_beat = np.isin(recording.symbols, list(CLASS_OF))
    samples, symbols = recording.samples[is_beat], recording.symbols[is_beat]
    if len(samples) < 2:
        raise BadInput(
            f"record {recording.name} has {len(samples)} annotated beats: "
            "is its annotation file complete?"
        )

    # Intervals are measured before beats at the ends are left out: those are neighbours too.
    before_s, after_s, local_s = rr_intervals(samples)
    fits = (samples >= BEFORE) & (samples + AFTER < n)
    columns = {
        "record": np.full(len(samples), recording.name),
        "sample": samples,
        "symbol": symbols,
        "class": np.array([CLASS_OF[s] for s in symbols]),
        "peak_distance": distance_to_nearest(samples, reference_r_peaks(recording.signal_mv)),
        "rr_before_s": before_s.round(4),
        "rr_after_s": after_s.round(4),
        "rr_local_s": local_s.round(4),
    }
    columns = {name: values[fits] for name, values in columns.items()}
    filtered, _ = FILTERS[filter_name]
    return columns, windows(filtered(recording.signal_mv), samples[fits])
