"""The trace of a whole recording for its page, in pieces that the page loads as they are looked at.

A piece is a script, as a page on a disk can load scripts and nothing else. It hands the page its
number and one string: base64 of deflated differences of the samples of each lead.
"""

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from preprocess.constants import FS_HZ
from preprocess.readers.source import Source
from preprocess.signal.filters import BAND_HZ, bandpass

TRACE_HZ = 180  # of the trace, half of FS_HZ
BAND = "{:g} to {:g} Hz".format(*BAND_HZ)
STEP_MV = 0.01  # 0.1 mm on paper
NO_SAMPLE = -32768
PIECE_S = 1800
MOST_INSIDE_S = 3600  # the page itself holds the trace of a recording so long
FILTER_MARGIN_S = 10.0  # read on both sides for the filter


def about(source: Source, wanted: bool) -> dict:
    """What the page must know to draw the trace; wanted: whether there is one.

    `pieces` are in the page itself, or else in the folder `folder` beside it.
    """
    inside = wanted and fits_page(source)
    return {
        "hz": TRACE_HZ,
        "step": STEP_MV,
        "leads": source.screened,
        "band": BAND,
        "seconds": PIECE_S,
        "pieces": list(packed(source)) if inside else None,
        "folder": folder(source) if wanted and not inside else None,
    }


def fits_page(source: Source) -> bool:
    return source.duration_s <= MOST_INSIDE_S


def folder(source: Source) -> str:
    return f"{source.name}.trace"


def write(source: Source, into: Path):
    """The pieces of a recording whose page does not hold them: 0.js, 1.js and so on."""
    into.mkdir()
    for number, text in enumerate(packed(source)):
        script = f"piece({number},{json.dumps(text)});\n"
        (into / f"{number}.js").write_text(script, encoding="ascii")


def packed(source: Source) -> Iterator[str]:
    """The pieces in order of time."""
    for start in range(0, source.length, PIECE_S * FS_HZ):
        yield pack(steps(source, start, min(start + PIECE_S * FS_HZ, source.length)))


def steps(source: Source, start: int, end: int) -> np.ndarray:
    """Samples start to end at FS_HZ to (leads, n) int16, STEP_MV each, at TRACE_HZ; NO_SAMPLE where
    there are none. The band is the one in which beats are scored."""
    margin = round(FILTER_MARGIN_S * FS_HZ)
    first, last = max(0, start - margin), min(source.length, end + margin)
    signal_mv, there = source.stretch(first, last)
    part = slice(start - first, end - first, FS_HZ // TRACE_HZ)
    filtered_mv = np.stack([bandpass(lead_mv)[part] for lead_mv in signal_mv.T])  # [leads, n]
    rounded = np.clip(np.round(filtered_mv / STEP_MV), NO_SAMPLE + 1, -NO_SAMPLE - 1)
    return np.where(there.T[:, part], rounded, NO_SAMPLE).astype("<i2")


def pack(values: np.ndarray) -> str:
    """(leads, n) int16 to base64: differences, all their low bytes first, as the high ones are
    nearly all alike."""
    differences = np.diff(values, axis=1, prepend=values[:, :1] * 0)  # wraps around, as in the page
    planes = differences.reshape(-1).view("u1").reshape(-1, 2).T
    # run lengths alone: an eighth of the time, as noise repeats no longer pieces; 7 % larger
    packer = zlib.compressobj(strategy=zlib.Z_RLE)
    return base64.b64encode(packer.compress(planes.tobytes()) + packer.flush()).decode()
