"""The text of a WFDB header, looked at before a library reads it.

The library takes the longest beginning of a line that it understands: a rate of -360 becomes the
default of 250. Here every word of a header must be what the format says it is (header(5) of WFDB).
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from preprocess import BadInput
from preprocess.files import check_is_file

LOWEST_HZ, HIGHEST_HZ = 100, 2000  # of recordings that can be read
LONGEST_BYTES = 1 << 20  # a header of a record of many segments has some tens of thousands
DEFAULT_HZ = 250.0  # header(5): where a header gives no rate
# Bytes a sample, by storage format. Compressed formats have none.
SAMPLE_BYTES = {"80": 1, "8": 1, "16": 2, "61": 2, "160": 2, "212": 1.5, "24": 3, "32": 4}
SAMPLE_BYTES |= {"310": 4 / 3, "311": 4 / 3}

HEADER_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
RECORD = re.compile(
    r"(?P<name>[-\w]+)(?:/(?P<segments>\d+))?\s+(?P<signals>\d+)"
    rf"(?:\s+(?P<fs>{HEADER_NUMBER})(?:/{HEADER_NUMBER}(?:\({HEADER_NUMBER}\))?)?"
    r"(?:\s+(?P<length>\d+)(?:\s+[\d:.]+(?:\s+\d+/\d+/\d+)?)?)?)?",
    re.A,
)
SIGNAL = (  # its words in order; what follows them is the description
    re.compile(r"~|[-\w]+(\.\w+)?", re.A),
    re.compile(r"(?P<format>\d+)(x(?P<frame>\d+))?(:(?P<skew>\d+))?(\+(?P<offset>\d+))?", re.A),
    re.compile(rf"(?P<gain>{HEADER_NUMBER})(\((?P<baseline>-?\d+)\))?(/(?P<units>\S+))?", re.A),
    *[re.compile(r"[-+]?\d+", re.A)] * 5,
)
WORDS = ("file", "format", "gain", "resolution", "zero", "first value", "checksum", "block size")
SEGMENT = re.compile(r"(?P<name>[-\w]+|~)\s+(?P<length>\d+)", re.A)


@dataclass
class Header:
    """length: samples of each signal, 0 where not given; signals or segments: their lines; parts:
    a Header of each segment, None for a gap."""

    fs_hz: float
    length: int
    signals: list
    segments: list
    parts: list = field(default_factory=list)


def check(path: Path) -> Header:
    """Read NAME.hea strictly, and those of its segments. Raises BadInput at the first word that is
    none of the format's; path: the record without its ending."""
    header = _parse(path)
    total = 0
    for name, length in header.segments:
        total += length
        if name == "~":
            header.parts.append(None)
            continue
        if name == path.name:
            raise BadInput(f"{path}.hea names itself as a segment: fetch it again")
        part = _parse(path.with_name(name))
        if part.segments:
            raise BadInput(f"segment {name} of {path} has segments itself: fetch it again")
        if length and (part.length != length or part.fs_hz != header.fs_hz):
            raise BadInput(
                f"segment {name} has {part.length} samples at {part.fs_hz:g} Hz, {path}.hea says "
                f"{length} at {header.fs_hz:g} Hz: fetch them again"
            )
        header.parts.append(part)
    _check_leads(path, header)
    if header.segments and total != header.length:
        raise BadInput(
            f"the segments of {path} have {total} samples together, its header says "
            f"{header.length}: fetch it again"
        )
    _check_sizes(path, header)
    return header


def files(path: Path) -> list[Path]:
    """Of a record: its header, those of its segments, and the signal files of all."""
    header = check(path)
    found, parts = [path.with_name(path.name + ".hea")], [(path, header)]
    for (name, _), part in zip(header.segments, header.parts):
        if part:
            found.append(path.with_name(name + ".hea"))
            parts.append((path.with_name(name), part))
    for at, part in parts:
        names = dict.fromkeys(signal["file"] for signal in part.signals)
        found += [at.with_name(name) for name in names if name != "~"]
    return list(dict.fromkeys(found))


def is_summed(path: Path) -> bool:
    """Whether the header says of every signal what its samples sum up to."""
    signals = check(path).signals
    return bool(signals) and all(int(signal.get("checksum") or 0) for signal in signals)


def _check_leads(path, header):
    """A lead must be in one unit all along. Without a layout of its own (of length 0, before the
    others) the leads of all segments are those of the first, in its order."""
    parts = [part for part in header.parts if part]
    leads = [[signal["lead"] for signal in part.signals] for part in parts]
    fixed = bool(header.segments) and header.segments[0][1] > 0
    units = {}
    for part in parts:
        for signal in part.signals:
            if signal["format"] == "8":
                raise BadInput(
                    f"{path} has segments of first differences (format 8), which cannot be read: "
                    "convert them with xform"
                )
            unit = (signal.get("units") or "mV").lower()
            if units.setdefault(signal["lead"], unit) != unit:
                raise BadInput(
                    f"the segments of {path} give lead {_quoted(signal['lead'])} in different "
                    "units: fetch them again"
                )
    if fixed and None in header.parts:
        raise BadInput(
            f"{path}.hea has gaps between its segments and no layout: make one record of it with "
            "xform"
        )
    if fixed and any(names != leads[0] for names in leads):
        raise BadInput(
            f"the segments of {path} hold other leads than its first one: fetch them again"
        )


def _parse(path):
    lines = _lines(path.with_name(path.name + ".hea"))
    found = RECORD.fullmatch(lines[0]) if lines else None
    if not found:
        raise BadInput(
            f"{path}.hea has no record line (name, number of signals, Hz, samples) but "
            f"{_quoted(lines[0] if lines else '')}: correct it or fetch it again"
        )
    fs_hz = float(found["fs"] or DEFAULT_HZ)
    if not LOWEST_HZ <= fs_hz <= HIGHEST_HZ:
        raise BadInput(
            f"{path}.hea says {fs_hz:g} Hz; {LOWEST_HZ} to {HIGHEST_HZ} Hz can be read: "
            "correct it or leave the record out"
        )
    count = int(found["segments"] or found["signals"])
    if len(lines) - 1 != count:
        what = "segments" if found["segments"] else "signals"
        raise BadInput(
            f"{path}.hea announces {count} {what} and describes {len(lines) - 1}: fetch it again"
        )
    header = Header(fs_hz, int(found["length"] or 0), [], [])
    for line in lines[1:]:
        if found["segments"]:
            header.segments.append(_segment(line, path))
        else:
            header.signals.append(_signal(line, path))
    return header


def _lines(file):
    """Lines of a header without comments and blank ones."""
    check_is_file(file)
    try:
        if file.stat().st_size > LONGEST_BYTES:
            raise BadInput(f"{file} is too long for a WFDB header: fetch it again")
        text = file.read_text("latin-1")
    except FileNotFoundError as error:
        raise BadInput(
            f"{file} is missing: every record needs its .hea, .dat and (for training) .atr file"
        ) from error
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _segment(line, path):
    found = SEGMENT.fullmatch(line)
    if not found:
        raise BadInput(f"{path}.hea has no segment in {_quoted(line)}: fetch it again")
    return found["name"], int(found["length"])


def _signal(line, path):
    """{word: text} of a signal's line."""
    words = line.split(None, len(WORDS))
    values = {"lead": words[-1] if len(words) > len(WORDS) else ""}
    for name, pattern, word in zip(WORDS, SIGNAL, words):
        found = pattern.fullmatch(word)
        if not found:
            raise BadInput(
                f"{path}.hea gives {_quoted(word)} as the {name} of a signal: correct it or fetch "
                "it again"
            )
        values |= {name: word} | found.groupdict()
    if "format" not in values:
        raise BadInput(f"{path}.hea does not say how {_quoted(line)} is stored: fetch it again")
    if values.get("gain") and not 0 <= float(values["gain"]) < float("inf"):
        raise BadInput(f"{path}.hea gives a gain of {_quoted(values['gain'])}: fetch it again")
    return values


def _check_sizes(path, header):
    """A signal file must hold what the header says; without checksums no more than that, either."""
    files = {}
    for signal in header.signals:
        files.setdefault(signal["file"], []).append(signal)
    for name, signals in files.items():
        file, kind = path.with_name(name), signals[0]["format"].split("x")[0].split(":")[0]
        check_is_file(file)
        sample_bytes = SAMPLE_BYTES.get(kind.split("+")[0])
        if not (sample_bytes and header.length) or name == "~" or not file.exists():
            continue
        frame = sum(int(signal["frame"] or 1) for signal in signals)
        if frame > HIGHEST_HZ:
            raise BadInput(f"{path}.hea has frames of {frame} samples: fetch it again")
        offset = int(signals[0]["offset"] or 0)
        needed = offset + int(header.length * frame * sample_bytes)
        size = file.stat().st_size
        if size < needed:
            raise BadInput(
                f"{file} has {size} bytes and {path.name}.hea says {needed}: is it truncated? "
                "fetch it again"
            )
        summed = all(int(signal.get("checksum") or 0) for signal in signals)
        if size > needed + 2 * frame * sample_bytes + 4 and not summed:
            raise BadInput(
                f"{file} has {size} bytes and {path.name}.hea says {needed}: its length is wrong, "
                "or one of them is of another record"
            )


def _quoted(text):
    """A few letters of a foreign file, fit for a terminal."""
    return repr(text if len(text) <= 40 else text[:40] + "...")
