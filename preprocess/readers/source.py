"""One lead of a recording of any format, read stretch by stretch, in mV at FS_HZ.

Nothing here holds a whole recording in memory: a day is read like an hour.
"""

import re
from dataclasses import dataclass
from datetime import datetime, time
from fractions import Fraction
from pathlib import Path
from threading import Lock

import numpy as np
from scipy.signal import resample_poly

from preprocess import BadInput
from preprocess.constants import FS_HZ, LEAD
from preprocess.readers.headers import HIGHEST_HZ, LOWEST_HZ

LIKELY_LEADS = ("mlii", "ii", "ml2", "mlii2", "cm5", "v5", "mv5", "i", "ecg", "ecg1", "ecg2", "ekg")
RESAMPLING_MARGIN_S = 1.0  # read on both sides of a stretch for the resampling filter, then dropped
# Of what a unit is called, in mV.
MV_OF_UNIT = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "v": 1e3, "nv": 1e-6}
CONTROL_CODES = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass
class Source:
    """One lead of one recording.

    read(start, end): its own samples in mV as (end - start,) float64, NaN where missing;
    start: when its first sample was taken, without a date where none is known, None: not known.
    """

    name: str
    path: Path
    leads: list
    lead: str
    fs_hz: float
    n: int
    start: datetime | time | None = None

    def __post_init__(self):
        self.one_at_a_time = Lock()
        self.leads, self.lead = [plain_text(name) for name in self.leads], plain_text(self.lead)
        if not LOWEST_HZ <= self.fs_hz <= HIGHEST_HZ:
            raise BadInput(
                f"{self.path} is sampled at {self.fs_hz:g} Hz; {LOWEST_HZ} to {HIGHEST_HZ} Hz can "
                "be screened"
            )

    def read(self, start: int, end: int) -> np.ndarray:
        raise NotImplementedError

    def annotated(self, annotator: str) -> tuple[np.ndarray, np.ndarray]:
        """Samples at FS_HZ and symbols of an annotation file."""
        raise BadInput(
            f"{self.path} has no WFDB annotation file {annotator}: leave --annotator out to detect "
            "R peaks"
        )

    @property
    def duration_s(self):
        return self.n / self.fs_hz

    @property
    def length(self):
        """Samples at FS_HZ."""
        return int(self.n * self.ratio)

    @property
    def ratio(self):
        """FS_HZ / fs_hz, exact for every usual rate, within a sample a day for 359.98 Hz."""
        return (FS_HZ / Fraction(self.fs_hz).limit_denominator(1000)).limit_denominator(20000)

    def to_own_sample(self, samples):
        """Indices at FS_HZ to the recording's own."""
        return np.round(np.asarray(samples) / float(self.ratio)).astype(np.int64)

    def stretch(self, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Samples start to end at FS_HZ.

        Returns the signal in mV, interpolated over gaps, and whether each sample is there at all.
        The same numbers come out however a recording is divided into stretches.
        """
        up, down = self.ratio.as_integer_ratio()
        # in periods, after which input and output fall together again
        margin = -(-int(RESAMPLING_MARGIN_S * self.fs_hz) // down)
        first = max(0, start // up - margin)
        last = min(-(-self.n // down), -(-end // up) + margin)
        with self.one_at_a_time:
            own_mv = self.read(first * down, min(last * down, self.n))
        there = np.isfinite(own_mv)
        own_mv = _bridge(own_mv, there)
        part = slice(start - first * up, end - first * up)
        if up == down:
            return own_mv[part], there[part]
        at = np.minimum(np.arange(part.start, part.stop) * down // up, len(there) - 1)
        return resample_poly(own_mv, up, down, padtype="line")[part], there[at]


def _bridge(values, there):
    if there.all():
        return values
    if not there.any():
        return np.zeros(len(values))
    at = np.arange(len(values))
    return np.interp(at, at[there], values[there])


def choose_lead(leads, wanted, path, likely=LEAD) -> int:
    """Index of the lead asked for by name (any case) or by index from 0.

    Without one, of the one called `likely`, else of one of LIKELY_LEADS, else of the first.
    """
    plain = [_plain(name) for name in leads]
    if wanted is None:
        names = (_plain(likely), *LIKELY_LEADS)
        return next((plain.index(name) for name in names if name in plain), 0)
    asked = str(wanted)
    for candidates in (leads, [name.lower() for name in leads], plain):
        for spelling in (asked, asked.lower()):
            if candidates.count(spelling) > 1 and not re.fullmatch("[0-9]{1,4}", asked):
                raise BadInput(
                    f"{path} has several leads called {wanted}: give one by its number, from 0, "
                    f"with --lead ({', '.join(leads)})"
                )
            if spelling in candidates:
                return candidates.index(spelling)
    if re.fullmatch("[0-9]{1,4}", asked) and int(asked) < len(leads):
        return int(asked)
    raise BadInput(
        f"{path} has no lead {wanted}; it has {', '.join(leads) or 'none'}: choose one with --lead"
    )


def _plain(lead):
    """A lead's name in lower case, without "ECG" before it or blanks in it."""
    return re.sub(r"^(ecg|ekg|lead)[\s_:-]*(?=.)|[\s_-]", "", lead.lower())


def plain_text(text: str) -> str:
    """Foreign text without codes that would move a terminal's cursor or change its colours."""
    return CONTROL_CODES.sub("", text)


def mv_of(unit: str, path, lead) -> float:
    """A unit's size in mV. Raises BadInput where it is none of a voltage."""
    scale = MV_OF_UNIT.get(unit.strip().lower())
    if scale is None:
        raise BadInput(
            f"{path} gives lead {plain_text(lead)} in {plain_text(unit) or 'no unit'!r}; mV, uV, V "
            "can be read: choose another --lead, or correct the header"
        )
    return scale
