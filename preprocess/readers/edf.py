"""EDF and EDF+ recordings (edfplus.info), part by part, with the gaps of EDF+D in their place."""

import re
from datetime import datetime, time
from pathlib import Path

import numpy as np

from preprocess import BadInput
from preprocess.constants import LONGEST_GAP_S
from preprocess.readers.headers import LOWEST_HZ
from preprocess.readers.source import Source, choose_lead, mv_of

HEADER_BYTES = 256  # of the file, and again for every signal
FIELDS = (  # of each signal, one field of all signals after the other
    ("label", 16),
    ("transducer", 80),
    ("unit", 8),
    ("physical_min", 8),
    ("physical_max", 8),
    ("digital_min", 8),
    ("digital_max", 8),
    ("prefiltering", 80),
    ("samples", 8),
    ("reserved", 32),
)
MOST_SIGNALS = 512
MOST_DRIFT_S = 0.5
ANNOTATIONS = "EDF Annotations"
ONSET = re.compile(rb"([+-]\d{1,9}(?:\.\d{1,9})?)\x14")


class EdfSource(Source):
    """starts: (records,) first sample of each data record; None where they follow each other."""

    signal: dict
    record_bytes: int
    data_at: int
    starts = None

    def read(self, start, end):
        size = self.signal["samples"]
        if self.starts is None:
            first, last = start // size, -(-end // size)
            return self._records(first, last)[start - first * size : end - first * size]
        values = np.full(end - start, np.nan)
        first = max(0, np.searchsorted(self.starts, start, "right") - 1)
        last = np.searchsorted(self.starts, end, "left")
        found = self._records(first, last).reshape(-1, size)
        for begin, samples in zip(self.starts[first:last] - start, found):
            lost = max(0, -begin)
            part = samples[lost : max(0, len(values) - begin)]
            values[begin + lost : begin + lost + len(part)] = part
        return values

    def _records(self, first, last):
        """Samples in mV of data records first to last, as one row."""
        with open(self.path, "rb") as file:
            file.seek(self.data_at + first * self.record_bytes)
            stored = file.read((last - first) * self.record_bytes)
        rows = np.frombuffer(stored, "<i2").reshape(last - first, self.record_bytes // 2)
        at, signal = self.signal["at"], self.signal
        digital = rows[:, at : at + signal["samples"]].reshape(-1).astype(float)
        gain = (signal["physical_max"] - signal["physical_min"]) / (
            signal["digital_max"] - signal["digital_min"]
        )
        physical = signal["physical_min"] + (digital - signal["digital_min"]) * gain
        return physical * signal["mv"]


def open_edf(path: Path, lead, likely, units=None) -> EdfSource:
    """units: of a file that gives none. Raises BadInput where header and file do not agree."""
    if not path.exists():
        raise BadInput(f"there is no recording {path}")
    with open(path, "rb") as file:
        head = file.read(HEADER_BYTES)
        count = _whole(head[252:256], path, "number of signals")
        if head[:8] != b"0       ":
            raise BadInput(f"{path} cannot be read as EDF: its first bytes are not those of one")
        if not 1 <= count <= MOST_SIGNALS:
            raise BadInput(f"{path} holds no signal, or {count} of them: fetch it again")
        fields = file.read(HEADER_BYTES * count)
    data_at = HEADER_BYTES * (count + 1)
    if len(fields) < HEADER_BYTES * count or _whole(head[184:192], path, "header") != data_at:
        raise BadInput(f"{path} has no whole EDF header: is it truncated? fetch it again")
    signals = _signals(fields, count, path)
    record_s = _number(head[244:252], path, "duration of a data record")
    records = _whole(head[236:244], path, "number of data records")
    record_bytes = 2 * sum(signal["samples"] for signal in signals)
    _check_size(path, data_at, record_bytes, records)

    usable = [s for s in signals if not s["label"].startswith(ANNOTATIONS)]
    if not usable or not record_s > 0 or not records:
        raise BadInput(f"{path} holds no signal")
    # respiration and the like are sampled slowly
    usable = [s for s in usable if s["samples"] / record_s >= LOWEST_HZ] or usable
    leads = [signal["label"] for signal in usable]
    signal = usable[choose_lead(leads, lead, path, likely)]
    _check_scale(signal, path, units)
    fs_hz = signal["samples"] / record_s
    starts, n = None, records * signal["samples"]
    onsets_s = _onsets(path, head, signals, data_at, record_bytes, records)
    if onsets_s is not None:
        starts, n = _starts(onsets_s, record_s, fs_hz, signal["samples"], path)
    source = EdfSource(path.stem, path, leads, signal["label"], fs_hz, n)
    source.signal, source.record_bytes, source.data_at = signal, record_bytes, data_at
    source.starts, source.start = starts, _start(head)
    return source


def _start(head):
    """When the recording began: a datetime, a time where the date is withheld, or None.

    EDF has two digits of the year, from 1985 on; EDF+ has all four in the recording's name.
    Midnight of the first day of 1985 is what tools write that know nothing.
    """
    found = [
        re.fullmatch(rb"(\d\d)\.(\d\d)\.(\d\d)", part) for part in (head[168:176], head[176:184])
    ]
    if not all(found):
        return None
    (day, month, year), of_day = (tuple(int(part) for part in f.groups()) for f in found)
    full = re.match(rb"Startdate \d\d-[A-Z]{3}-(\d{4})", head[88:168])
    year = int(full[1]) if full else year + (1900 if year >= 85 else 2000)
    try:
        started = datetime(year, month, day, *of_day)
    except ValueError:
        return None
    if (year, month, day) != (1985, 1, 1):
        return started
    return started.time() if started.time() != time() else None


def _signals(fields, count, path):
    """A dict a signal; `at`: where its samples stand in a data record."""
    signals, offset = [{} for _ in range(count)], 0
    for name, width in FIELDS:
        for signal in signals:
            signal[name] = fields[offset : offset + width].decode("latin-1").strip(" \0")
            offset += width
    at = 0
    for signal in signals:
        for name in ("physical_min", "physical_max", "digital_min", "digital_max"):
            signal[name] = _number(signal[name], path, name.replace("_", " "))
        signal["samples"] = _whole(signal["samples"], path, "samples of a data record")
        if not 1 <= signal["samples"] <= 1 << 24:
            raise BadInput(
                f"{path} has data records of {signal['samples']} samples: fetch it again"
            )
        signal["at"] = at
        at += signal["samples"]
    return signals


def _check_size(path, data_at, record_bytes, records):
    """The file must end where its header says: a shorter one is cut, a longer one lies."""
    rest = path.stat().st_size - data_at
    if rest < records * record_bytes or records < 0:
        raise BadInput(
            f"{path} is shorter than its header says ({rest // record_bytes} data records of "
            f"{records}): is it truncated? fetch it again"
        )
    if rest > records * record_bytes:
        raise BadInput(
            f"{path} is longer than its header says ({rest / record_bytes:.1f} data records, not "
            f"{records}): fetch it again"
        )


def _check_scale(signal, path, units):
    """What turns stored numbers into mV; `mv`: a physical unit in mV."""
    low, high = signal["digital_min"], signal["digital_max"]
    if not -32768 <= low < high <= 32767:
        raise BadInput(f"{path} gives digital limits of {low:g} and {high:g}: fetch it again")
    if signal["physical_min"] == signal["physical_max"]:
        raise BadInput(
            f"{path} gives both physical limits of {signal['label']} as {signal['physical_min']:g}:"
            " it cannot be turned into mV"
        )
    signal["mv"] = mv_of(signal["unit"] or units or "", path, signal["label"])
    if units and mv_of(units, path, signal["label"]) != signal["mv"]:
        raise BadInput(
            f"--units says {units}, {signal['label']} of {path} {signal['unit']}: leave --units out"
        )


def _onsets(path, head, signals, data_at, record_bytes, records):
    """(records,) s from the start, as an EDF+ file says them; None in a plain EDF."""
    kept = next((s for s in signals if s["label"].startswith(ANNOTATIONS)), None)
    interrupted = head[192:197] == b"EDF+D"
    if kept is None:
        if interrupted:
            raise BadInput(f"{path} is interrupted (EDF+D) and says no times: fetch it again")
        return None
    onsets_s = np.full(records, np.nan)
    with open(path, "rb") as file:
        for k in range(records):
            file.seek(data_at + k * record_bytes + 2 * kept["at"])
            found = ONSET.match(file.read(min(2 * kept["samples"], 64)))
            if found:
                onsets_s[k] = float(found[1])
    if np.isfinite(onsets_s).all():
        return onsets_s - onsets_s[0]
    if interrupted:
        raise BadInput(
            f"{path} is interrupted (EDF+D) and does not say when its data record "
            f"{np.flatnonzero(np.isnan(onsets_s))[0] + 1} begins: fetch it again"
        )
    return None


def _starts(onsets_s, record_s, fs_hz, size, path):
    """(records,) first samples, None where there is no gap; and the length with all gaps."""
    gaps_s = np.diff(onsets_s) - record_s
    follow = np.abs(gaps_s) <= 0.5 / fs_hz
    drift_s = np.abs(np.cumsum(np.where(follow, gaps_s, 0.0)))
    if len(drift_s) and drift_s.max() > MOST_DRIFT_S:
        raise BadInput(
            f"the times of {path} and its sampling rate differ by {drift_s.max():.1f} s in the "
            "end: one of them is wrong"
        )
    if follow.all():
        return None, len(onsets_s) * size
    wrong = np.flatnonzero((gaps_s < -0.5 / fs_hz) | (gaps_s > LONGEST_GAP_S))
    if len(wrong):
        k = wrong[0]
        raise BadInput(
            f"data record {k + 2} of {path} begins {onsets_s[k + 1] - onsets_s[k]:g} s after the "
            f"one before it, which is {record_s:g} s long: fetch it again, or cut the recording "
            "there"
        )
    starts = np.round(onsets_s * fs_hz).astype(np.int64)
    for k in np.flatnonzero(follow):  # rounding must not tear what belongs together
        starts[k + 1] = starts[k] + size
    return starts, int(starts[-1]) + size


def _whole(text, path, what):
    value = _number(text, path, what)
    if value != int(value):
        raise BadInput(f"{path} gives {value:g} as its {what}: fetch it again")
    return int(value)


def _number(text, path, what):
    text = text.decode("latin-1") if isinstance(text, bytes) else text
    text = text.strip(" \0")
    if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,2})?", text, re.A):
        raise BadInput(
            f"{path} cannot be read as EDF: it gives {text[:20]!r} as its {what}; fetch it again"
        )
    return float(text)
