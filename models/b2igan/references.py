"""Beats of a recording lined up and scaled alike, and the reference beats most like each.

A reference is a beat of the recording that is presumed normal (models.b2igan.own_recording).
"""

from typing import NamedTuple

import numpy as np

from models.b2igan.neighbours import nearest_rows
from models.b2igan.own_recording import QRS_SHIFT, alignment, qrs_height
from preprocess.constants import WINDOW

POINTS = WINDOW // 2  # of a trace, 5.6 ms apart
REFERENCES = 12  # that a beat is shown with
COARSE = 4  # samples that are averaged where the nearest references are looked for


class Placement(NamedTuple):
    """What beats of a recording are lined up and scaled by: the level of each in mV (n, 1), by how
    many samples its QRS is off (n,), and the height in mV of the recording's QRS."""

    level_mv: np.ndarray
    shift: np.ndarray
    height_mv: float


def placement(beats_mv: np.ndarray) -> Placement:
    """Of beats of one recording (n, WINDOW)."""
    level_mv = np.median(beats_mv[:, ::4], 1, keepdims=True)
    return Placement(level_mv, alignment(beats_mv - level_mv), qrs_height(beats_mv))


def aligned(beats_mv: np.ndarray, where: Placement | None = None) -> np.ndarray:
    """Beats of one recording (n, WINDOW) in mV to (n, WINDOW) float32, level, in heights of its
    QRS, each moved so that its QRS lies where the recording's does."""
    level_mv, shift, height_mv = where or placement(beats_mv)
    return (_moved(beats_mv - level_mv, shift) / height_mv).astype(np.float32)


def as_recorded(traces: np.ndarray, where: Placement) -> np.ndarray:
    """Traces (n, POINTS) to where the beats of a placement lie: (n, WINDOW) in mV."""
    at = (np.arange(WINDOW) - 0.5) / 2  # a point is the mean of two samples
    fine = np.stack([np.interp(at, np.arange(POINTS), trace) for trace in traces])
    return _moved(fine * where.height_mv, -where.shift) + where.level_mv


def _moved(beats: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(n, WINDOW), each read so many samples later; ends are held."""
    padded = np.pad(beats, ((0, 0), (QRS_SHIFT, QRS_SHIFT)), mode="edge")
    at = QRS_SHIFT + shift[:, None] + np.arange(WINDOW)
    return np.take_along_axis(padded, at, 1)


def halved(traces):
    """Array or tensor (..., WINDOW) to (..., POINTS): means of two samples."""
    return traces.reshape(*traces.shape[:-1], -1, 2).mean(-1)


def nearest_references(traces: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Traces (n, WINDOW) and the rows that are references to the rows (n, REFERENCES) nearest to
    each, itself not among them; where there are too few, some are repeated."""
    coarse = traces.reshape(len(traces), -1, COARSE).mean(2)  # [n, 80]
    rows = np.asarray(reference)
    wanted = min(REFERENCES + 1, len(rows))
    index = rows[nearest_rows(coarse[rows], coarse, wanted)[1]]  # [n, wanted]
    itself = index == np.arange(len(traces))[:, None]
    itself[~itself.any(1), -1] = True  # of others the farthest is left out
    others = index[~itself].reshape(len(traces), wanted - 1) if wanted > 1 else index
    return others[:, np.arange(REFERENCES) % others.shape[1]]


class AgainstReferences:
    """The conditional GAN's scores and normal versions, whatever computes its networks.

    A subclass has `each(traces, near, name)`: traces (n, WINDOW), the rows of each one's references
    (n, REFERENCES) and "synthetic" or "normal", to log odds (n,) or normal versions (n, POINTS)."""

    def score(self, beats_mv: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Beats of one recording (n, WINDOW) in mV and rows of its references to (n,) log odds."""
        traces = aligned(beats_mv)
        return self.each(traces, nearest_references(traces, reference), "synthetic")

    def normal_versions(self, beats_mv: np.ndarray, references_mv: np.ndarray) -> np.ndarray:
        """Beats (n, WINDOW) and references (k, WINDOW) of one recording, in mV, to the normal
        version of each beat (n, WINDOW) in mV."""
        both_mv = np.concatenate([beats_mv, references_mv])
        where = placement(both_mv)
        traces, rows = aligned(both_mv, where), np.arange(len(beats_mv), len(both_mv))
        near = nearest_references(traces, rows)
        versions = self.each(traces, near, "normal")[: len(beats_mv)]
        first = Placement(where.level_mv[: len(versions)], where.shift[: len(versions)], where[2])
        return as_recorded(versions, first)
