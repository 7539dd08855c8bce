"""A recording of any kind (WFDB, EDF, CSV), of which one lead is read stretch by stretch, in mV at FS_HZ.

Nothing here holds a whole recording in memory: a day is read like an hour.
"""

import re
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from threading import Lock

import edfio
import numpy as np
import pandas as pd
import wfdb
from scipy.signal import resample_poly

from preprocess import BadInput
from preprocess.records import FS_HZ, LEAD, _read_or_explain, _to_mv

LOWEST_HZ, HIGHEST_HZ = 100, 2000
LIKELY_LEADS = ("mlii", "ii", "ml2", "mlii2", "cm5", "v5", "mv5", "i", "ecg", "ecg1", "ecg2", "ekg")
MARGIN_S = 1.0  # read on both sides of a stretch for the resampling filter, then dropped
CSV_ROWS = 1 << 20  # lines of text taken at once
TIME_COLUMN = re.compile(r"(time|t|seconds|elapsed)([\s_(\[].*)?|s|ms", re.I)


@dataclass
class Source:
    """One lead of one recording. read(start, end): its own samples in mV as (end - start,) float64, NaN where missing."""

    name: str
    path: Path
    leads: list
    lead: str
    fs_hz: float
    n: int

    def __post_init__(self):
        self.one_at_a_time = Lock()
        if not LOWEST_HZ <= self.fs_hz <= HIGHEST_HZ:
            raise BadInput(
                f"{self.path} is sampled at {self.fs_hz:g} Hz; {LOWEST_HZ} to {HIGHEST_HZ} Hz can be screened"
            )

    def read(self, start, end):
        raise NotImplementedError

    def annotated(self, annotator):
        raise BadInput(
            f"{self.path} has no WFDB annotation file {annotator}: leave --annotator out to detect R peaks"
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
        """FS_HZ / fs_hz, exact for every usual rate, within a sample a day for a header that says 359.98 Hz."""
        return (FS_HZ / Fraction(self.fs_hz).limit_denominator(1000)).limit_denominator(20000)

    def to_own_sample(self, samples):
        """Indices at FS_HZ to the recording's own."""
        return np.round(np.asarray(samples) / float(self.ratio)).astype(np.int64)

    def stretch(self, start, end):
        """Samples start to end at FS_HZ: signal in mV, interpolated over gaps, and whether each is there at all.

        The same numbers come out however a recording is divided into stretches.
        """
        up, down = self.ratio.as_integer_ratio()
        margin = -(
            -int(MARGIN_S * self.fs_hz) // down
        )  # in periods, after which input and output fall together again
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


# --------------------------------------------------------------------------------------------------- what is it?


def find(path):
    """Paths of the recordings that a path stands for: itself, or everything readable in a folder, in order."""
    path = Path(path)
    if path.is_dir():
        headers = [p for p in path.glob("*.hea") if not re.search(r"_(layout|\d{4})$", p.stem)]
        found = sorted(
            [
                *headers,
                *(
                    p
                    for p in path.iterdir()
                    if p.suffix.lower() in (".edf", ".csv", ".txt")
                    and not p.with_suffix(".b2i").exists()
                ),
            ]
        )  # beside it, a CSV is a result of ours
        if not found:
            raise BadInput(f"{path} holds no recording (.hea, .edf or .csv)")
        return found
    return [path]


def open_source(path, lead=None, fs_hz=None, units=None, likely=LEAD):
    """Open a WFDB record (with or without ending), EDF or CSV file. lead: name or index from 0, None for the one called
    `likely` or its like (see choose_lead); fs_hz, units: of a CSV file that does not say. Raises BadInput when it is none
    of these."""
    path = Path(path)
    ending = path.suffix.lower()
    if ending == ".edf":
        return _open_edf(path, lead, likely)
    if ending in (".csv", ".txt", ".tsv"):
        return _open_csv(path, lead, likely, fs_hz, units)
    record = path.with_suffix("") if ending in (".hea", ".dat") else path
    if not record.with_name(record.name + ".hea").exists():
        raise BadInput(
            f"{path} is no recording: give a WFDB record (its name without ending), an .edf or a .csv file, "
            "or a folder of them"
            if path.exists()
            else f"there is no recording {path}"
        )
    return _open_wfdb(record, lead, likely)


def choose_lead(leads, wanted, path, likely=LEAD):
    """Index of the lead asked for by name (any case) or by index from 0; without one, of the one called `likely`, else of
    one of LIKELY_LEADS, else of the first."""
    plain = [_plain(name) for name in leads]
    if wanted is None:
        return next(
            (plain.index(name) for name in (_plain(likely), *LIKELY_LEADS) if name in plain), 0
        )
    for candidates in (leads, [name.lower() for name in leads], plain):
        if str(wanted) in candidates or str(wanted).lower() in candidates:
            return next(
                candidates.index(w) for w in (str(wanted), str(wanted).lower()) if w in candidates
            )
    if str(wanted).isdigit() and int(wanted) < len(leads):
        return int(wanted)
    raise BadInput(
        f"{path} has no lead {wanted}; it has {', '.join(leads) or 'none'}: choose one with --lead"
    )


def _plain(lead):
    """A lead's name in lower case, without "ECG" before it or blanks in it."""
    return re.sub(r"^(ecg|ekg|lead)[\s_:-]*(?=.)|[\s_-]", "", lead.lower())


# ---------------------------------------------------------------------------------------------------------- WFDB


class WfdbSource(Source):
    def read(self, start, end):
        record = _read_or_explain(
            wfdb.rdrecord,
            self.path,
            ".dat",
            sampfrom=int(start),
            sampto=int(end),
            channels=[self.leads.index(self.lead)],
        )
        return record.p_signal[:, 0] * _to_mv(record.units[0])

    def annotated(self, annotator):
        """Samples at FS_HZ and symbols of an annotation file."""
        found = _read_or_explain(wfdb.rdann, self.path, "." + annotator, annotator)
        return np.round(np.asarray(found.sample) * float(self.ratio)).astype(int), np.asarray(
            found.symbol
        )


def _open_wfdb(path, lead, likely):
    header = _read_or_explain(wfdb.rdheader, path, ".hea")
    leads = list(
        header.sig_name
        or getattr(wfdb.rdheader(str(path), rd_segments=True), "sig_name", None)
        or []
    )
    if not leads or not header.sig_len:
        raise BadInput(
            f"{path}.hea describes no signal: is it the header of a record with a length and a signal?"
        )
    chosen = choose_lead(leads, lead, path, likely)
    return WfdbSource(path.name, path, leads, leads[chosen], float(header.fs), int(header.sig_len))


# ----------------------------------------------------------------------------------------------------------- EDF


class EdfSource(Source):
    signal = None

    def read(self, start, end):
        seconds = self.signal.get_data_slice(start / self.fs_hz, end / self.fs_hz)
        return seconds * _to_mv(self.signal.physical_dimension.strip())


def _open_edf(path, lead, likely):
    if not path.exists():
        raise BadInput(f"there is no recording {path}")
    try:
        file = edfio.read_edf(path, lazy_load_data=True)
    except Exception as error:  # edfio raises whatever the bytes of a foreign file lead it to
        raise BadInput(f"{path} cannot be read as EDF ({type(error).__name__}: {error})") from error
    usable = [s for s in file.signals if s.sampling_frequency >= LOWEST_HZ] or list(file.signals)
    if not usable:
        raise BadInput(f"{path} holds no signal")
    block_bytes = 2 * sum(s.samples_per_data_record for s in file.signals)
    if path.stat().st_size < file.num_data_records * block_bytes:
        raise BadInput(f"{path} is shorter than its header says: is it truncated? fetch it again")
    leads = [s.label.strip() for s in usable]
    signal = usable[choose_lead(leads, lead, path, likely)]
    n = file.num_data_records * signal.samples_per_data_record
    source = EdfSource(
        path.stem, path, leads, signal.label.strip(), float(signal.sampling_frequency), n
    )
    source.signal = signal
    return source


# ----------------------------------------------------------------------------------------------------------- CSV


class CsvSource(Source):
    """Its column is copied once, as numbers, to a nameless temporary file, which stretches are then read from."""

    values = None

    def read(self, start, end):
        self.values.seek(int(start) * 4)
        return np.frombuffer(self.values.read((int(end) - int(start)) * 4), np.float32).astype(
            float
        )


def _open_csv(path, lead, likely, fs_hz, units):
    if not path.exists():
        raise BadInput(f"there is no recording {path}")
    options = _csv_layout(path)
    head = _read_csv(path, options | {"nrows": 2000})
    names = [str(name).strip() for name in head.columns]
    at_time = next((i for i, name in enumerate(names) if TIME_COLUMN.fullmatch(name)), None)
    told_hz = None if at_time is None else _rate_of(head.iloc[:, at_time], names[at_time])
    if fs_hz is None and told_hz is None:
        raise BadInput(
            f"{path} does not say its sampling rate: give it in Hz with --fs, or add a column time_s"
        )
    if fs_hz and told_hz and abs(fs_hz / told_hz - 1) > 0.01:
        raise BadInput(
            f"--fs says {fs_hz:g} Hz, the time column of {path} {told_hz:.5g} Hz: leave --fs out or correct it"
        )
    columns = [i for i in range(len(names)) if i != at_time]
    if not columns:
        raise BadInput(f"{path} has a time column and no lead beside it")
    leads = [
        re.sub(r"[\s_]*[\[(]?(mv|uv|µv)[\])]?$", "", names[i], flags=re.I) or names[i]
        for i in columns
    ]
    chosen = choose_lead(leads, lead, path, likely)
    column = columns[chosen]
    named_unit = re.search(r"(mv|uv|µv)[\])]?$", names[column], re.I)
    values, n = _copy_column(
        path, options, column, _to_mv(units or (named_unit.group(1) if named_unit else "mV"))
    )
    source = CsvSource(path.stem, path, leads, leads[chosen], float(fs_hz or told_hz), n)
    source.values = values
    return source


def _csv_layout(path):
    """Separator, and whether the first line is names."""
    try:
        with open(path, encoding="utf-8", errors="strict") as file:
            first = file.readline(100_000)
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path} is not a text file: give one column a lead, separated by commas"
        ) from error
    separator = next((s for s in (",", ";", "\t") if s in first), ",")
    cells = [cell.strip() for cell in first.strip().split(separator)]
    is_number = [
        bool(re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|nan|", cell, re.I))
        for cell in cells
    ]
    if all(is_number):
        return {
            "sep": separator,
            "header": None,
            "names": [f"column{i}" for i in range(len(cells))],
        }
    return {"sep": separator}


def _read_csv(path, options):
    try:
        return pd.read_csv(path, **options)
    except (ValueError, pd.errors.ParserError) as error:
        raise BadInput(f"{path} cannot be read as CSV ({str(error).splitlines()[0]})") from error


def _rate_of(times, name):
    """Hz, from the first rows' times; a whole number when it is within what rounded times leave open."""
    times = pd.to_numeric(times, errors="coerce").dropna().to_numpy(float)
    step = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 2 else 0
    if not step > 0 or (np.diff(times) < 0).any():
        raise BadInput(
            f"the column {name} is no rising time: remove it and give the rate with --fs"
        )
    rate_hz = (1000.0 if re.search(r"\bms\b|_ms\b", name, re.I) else 1.0) / step
    return float(round(rate_hz)) if abs(rate_hz / round(rate_hz) - 1) < 1e-3 else round(rate_hz, 3)


def _copy_column(path, options, column, scale):
    copy, n = tempfile.TemporaryFile(), 0
    try:
        for rows in pd.read_csv(path, usecols=[column], chunksize=CSV_ROWS, **options):
            values = pd.to_numeric(rows.iloc[:, 0], errors="coerce").to_numpy(
                np.float32
            ) * np.float32(scale)
            copy.write(values.tobytes())
            n += len(values)
    except (ValueError, pd.errors.ParserError) as error:
        raise BadInput(f"{path} cannot be read as CSV ({str(error).splitlines()[0]})") from error
    return copy, n
