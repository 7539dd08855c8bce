"""The trace around a moment, kept to be shown, and the unreadable stretches that have one each."""

from dataclasses import dataclass

import numpy as np

from preprocess.readers.wfdb import FS_HZ
from preprocess.signal import quality

STRIP_S, STRIP_HZ = 4.0, 180  # shown before and after
GAP_S = 2.0  # unreadable stretches with less between them are one


@dataclass
class Stretch:
    """Unreadable samples start to end of a recording at FS_HZ, why, and the trace at its middle."""

    start: int
    end: int
    reason: str
    strip_mv: np.ndarray


def strip(signal_mv, sample):
    """The trace around a sample, (2 * STRIP_S * STRIP_HZ,), NaN beyond the ends."""
    reach, step = round(STRIP_S * FS_HZ), FS_HZ // STRIP_HZ
    at = np.arange(sample - reach, sample + reach, step)
    inside = (at >= 0) & (at < len(signal_mv))
    values = signal_mv[np.clip(at, 0, len(signal_mv) - 1)]
    return np.where(inside, values, np.nan).astype(np.float32)


def stretches(block) -> list[Stretch]:
    """The unreadable stretches of a block."""
    changes = np.flatnonzero(np.diff(block.reason, prepend=0, append=0) != 0)
    offset = block.start - block.first
    return [
        Stretch(
            block.start + int(start),
            block.start + int(end),
            quality.REASONS[block.reason[start]],
            strip(block.signal_mv, offset + int(start + end) // 2),
        )
        for start, end in zip(changes[:-1], changes[1:])
        if block.reason[start]
    ]


def joined(found: list[Stretch]) -> list[Stretch]:
    """Stretches with less than GAP_S between them as one, which keeps the longer one's reason."""
    result = []
    for stretch in found:
        if not result or stretch.start - result[-1].end >= GAP_S * FS_HZ:
            result.append(stretch)
            continue
        last = result[-1]
        longer = max(last, stretch, key=lambda s: s.end - s.start)
        result[-1] = Stretch(last.start, stretch.end, longer.reason, longer.strip_mv)
    return result
