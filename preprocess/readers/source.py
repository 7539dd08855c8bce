"""Leads of a recording of any format, read stretch by stretch, in mV at FS_HZ.

Nothing here holds a whole recording in memory: a day is read like an hour.
"""

import re
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, time
from fractions import Fraction
from pathlib import Path
from threading import Lock

import numpy as np
import pandas as pd
from scipy.ndimage import binary_closing
from scipy.signal import resample_poly

from preprocess import BadInput, plain_text
from preprocess.constants import FS_HZ, LEAD, MOST_LEADS

LOWEST_HZ, HIGHEST_HZ = 50, 4000  # of recordings that can be read
# Without the words ECG and lead before them: the first that a recording has is taken.
LIKELY_LEADS = "mlii ii ml2 mlii2 dii d2 cm5 v5 mv5 i mli di d1".split()
CALLED_ECG = re.compile(r"ecg|ekg|e[lk]e[ck]tro[ck]ardio|lead[\s_]*[1-9iva]")
# Each part of a name, as in LL-RA or V2-V3.
LEAD_NAME = re.compile(
    r"m?d?l?i{1,3}|ml[1-6]|d[1-4]|[rm]?v[1-9]?r?|(mod)?v[1-9]|av[rlf]|vx|m?cl[1-6]|c[mcsb][1-6]"
    r"|mc[1-6]|[rl][al]|ai|as|es"
)
NO_ECG = re.compile(
    r"eeg|eog|emg|resp|pleth|ppg|spo2|sao2|press|temp|accel|gyro|thora|abdo|nasal|sound"
    r"|(?<![a-z])(a?bp|art|cvp|pap|icp|bvp|pulse|eda|gsr|acc|imp|hr|rr|bpm|rate|scg|bcg|pcg|flow"
    r"|snore|mic|chin|leg|marker|event|trigger|status|quality|battery|co2|phases?)(?![a-z])"
    r"|(peaks?|o(n|ff)sets?|lead.?off)$"
)
RESAMPLING_MARGIN_S = 1.0  # read on both sides of a stretch for the resampling filter, then dropped
SHORT_GAP_S = 0.01  # of lost rows: a straight line across it is as good
VOLTAGE = r"(?:milli|micro|[mnuµμ]?)v(?:olts?)?"  # in lower case
MV_OF = {"milli": 1, "m": 1, "micro": 1e-3, "u": 1e-3, "µ": 1e-3, "μ": 1e-3, "": 1e3, "n": 1e-6}


@dataclass
class Source:
    """Leads of one recording, all at one rate.

    leads: names of all that the recording has; screened: of those that are read, the most likely
    first; pieces: (first sample, samples, function of two samples of it that gives those between as
    (n, len(screened)) mV) of each stretch without a gap; start: when the first sample was taken,
    without a date where none is known, None: not known; notes: sentences that whoever asked for it
    should read; annotated: of a WFDB record, ending of an annotation file to samples at FS_HZ and
    symbols.
    """

    name: str
    path: Path
    leads: list
    screened: list
    fs_hz: float
    n: int
    pieces: list = field(default_factory=list)
    start: datetime | time | None = None
    notes: list = field(default_factory=list)
    annotated: Callable[[str], tuple[np.ndarray, np.ndarray]] | None = None

    def __post_init__(self):
        self.one_at_a_time = Lock()
        if not LOWEST_HZ <= self.fs_hz <= HIGHEST_HZ:
            raise BadInput(f"{self.path} has {self.fs_hz:g} Hz, not {LOWEST_HZ} to {HIGHEST_HZ}")

    def read(self, start: int, end: int) -> np.ndarray:
        """Own samples in mV as (end - start, len(screened)) float64, NaN where missing."""
        values = np.full((end - start, len(self.screened)), np.nan)
        for at, n, piece in self.pieces:
            first, last = max(start, at), min(end, at + n)
            if first < last:
                values[first - start : last - start] = piece(first - at, last - at)
        return values

    @property
    def lead(self):
        """Name of the first lead that is read."""
        return self.screened[0]

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

        Returns the signal in mV, interpolated over gaps, and whether each sample is there at all,
        both (end - start, len(screened)).
        The same numbers come out however a recording is divided, but inside gaps.
        """
        up, down = self.ratio.as_integer_ratio()
        # in periods, after which input and output fall together again
        margin = -(-int(RESAMPLING_MARGIN_S * self.fs_hz) // down)
        first = max(0, start // up - margin)
        last = min(-(-self.n // down), -(-end // up) + margin)
        with self.one_at_a_time:
            own_mv = self.read(first * down, min(last * down, self.n))
        there = np.isfinite(own_mv)
        if not there.all():
            lines = pd.DataFrame(own_mv).interpolate(limit_direction="both").fillna(0)
            own_mv = lines.to_numpy()
            there |= binary_closing(there, np.ones((1 + int(SHORT_GAP_S * self.fs_hz), 1)))
        part = slice(start - first * up, end - first * up)
        if up == down:
            return own_mv[part], there[part]
        at = np.minimum(np.arange(part.start, part.stop) * down // up, len(there) - 1)
        return resample_poly(own_mv, up, down, padtype="line")[part], there[at]


def choose_leads(leads, wanted, path, likely=LEAD, all_ecg=False) -> list[int]:
    """Indices of the leads asked for: a name (any case) or an index from 0, or a list of these.

    Without any, of those whose names are an ECG's: the one called `likely` first, then those of
    LIKELY_LEADS, then the others; where none is, of all of a format that holds ECGs alone
    (all_ecg), or of the only one. Raises BadInput where that leaves it open.
    """
    if wanted:
        wanted = [wanted] if isinstance(wanted, str) else wanted
        return list(dict.fromkeys(_asked_for(leads, str(name), path) for name in wanted))
    order = [_plain(likely), *LIKELY_LEADS]
    found = [k for k, name in enumerate(leads) if is_ecg(name) or _plain(name) in order]
    found.sort(key=lambda k: [*order, _plain(leads[k])].index(_plain(leads[k])))
    if not found and (all_ecg or len(leads) == 1):
        found = [k for k, name in enumerate(leads) if not NO_ECG.search(name.lower())]
    if not found:
        raise BadInput(
            f"{path} has no lead that is called like an ECG; it has {', '.join(leads)}: choose one "
            "with --lead"
        )
    return found


def read_leads(
    leads, rates_hz, size_mv, path, lead=None, likely=LEAD, most=MOST_LEADS, **more
) -> dict[int, float]:
    """{index: size of its unit in mV} of the leads to read: all that were asked for; else at most
    so many of the first one's rate, without those that cannot be read.

    rates_hz: of all leads; size_mv: of an index, BadInput where its lead cannot be read. Raises
    BadInput where that is the first one, or where leads that were asked for have several rates.
    """
    chosen = choose_leads(leads, lead, path, likely, **more)
    same = [k for k in chosen if rates_hz[k] == rates_hz[chosen[0]]]
    if lead and len(same) < len(chosen):
        told = ", ".join(f"{rates_hz[k]:g}" for k in chosen)
        raise BadInput(f"the leads asked for of {path} have {told} Hz: read those of one rate")
    found = {}
    for k in same:
        if lead or len(found) < most:
            with suppress(BadInput) if found and not lead else nullcontext():
                found[k] = size_mv(k)
    return found


def _asked_for(leads, asked, path):
    for way in (str, str.lower, _plain):
        found = [k for k, name in enumerate(leads) if way(name) == way(asked)]
        if len(found) == 1:
            return found[0]
        if found:
            break
    if re.fullmatch("[0-9]{1,4}", asked) and int(asked) < len(leads):
        return int(asked)
    raise BadInput(
        f"{path} has {'several leads' if found else 'no lead'} {asked}; it has {', '.join(leads)}: "
        "choose one with --lead, by its name or its number from 0"
    )


def is_ecg(name):
    lower = name.lower()
    if NO_ECG.search(lower):
        return False
    parts = [_plain(part) for part in re.split("[-/]", lower)]
    is_lead = any(all(map(LEAD_NAME.fullmatch, names)) for names in (parts, [_plain(lower)]))
    return is_lead or bool(CALLED_ECG.search(lower))


def _plain(lead):
    """A lead's name in lower case, without "ECG" before it or blanks and signs in it."""
    name = re.sub(r"[\s_.,;-]+$", "", lead.lower())
    return re.sub(r"^(ecg|ekg|lead)[\s_:-]*(lead[\s_]*)?(?=.)|[\s_.-]", "", name)


def plain_names(names: list) -> list:
    """Names of leads as plain text, signal0 and so on where there is none, with a number behind
    those that are alike."""
    names = [plain_text(name or "") or f"signal{k}" for k, name in enumerate(names)]
    return [
        name if names.count(name) == 1 else f"{name}{names[: k + 1].count(name)}"
        for k, name in enumerate(names)
    ]


def mv_of(unit: str, what) -> float:
    """A unit's size in mV. what: has it. Raises BadInput where it is none of a voltage."""
    known = unit.strip(" []()").lower()
    if not re.fullmatch(VOLTAGE, known):
        raise BadInput(
            f"{plain_text(what)} is in {plain_text(unit) or 'no unit'!r}; mV, uV, V can be read: "
            + ("choose another --lead, or correct the header" if unit else "say it with --units")
        )
    return MV_OF[known.partition("v")[0]]
