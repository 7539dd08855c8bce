"""Recordings of every format, read stretch by stretch.

`open_source` opens one, `find` says which a path stands for. Libraries are loaded when a file of
theirs is opened: command lines import this at once.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from preprocess import BadInput
from preprocess.constants import LEAD, MOST_LEADS
from preprocess.files import check_is_file

if TYPE_CHECKING:
    from preprocess.readers.source import Source

ENDINGS = {
    **dict.fromkeys([".csv", ".tsv", ".txt"], "csv"),
    **dict.fromkeys([".edf", ".bdf", ".rec"], "edf"),
    **dict.fromkeys([".ecg", ".ishne"], "ishne"),
}
FIRST_BYTES = {".rec": b"0       ", ".ecg": b"ISHNE", ".ishne": b"ISHNE"}  # of shared endings
RATE_DIFFERS = 0.001  # of what --fs says: rates are rounded when they are told


def open_source(
    path, lead=None, fs_hz=None, units=None, likely=LEAD, gain=None, baseline=0, most=MOST_LEADS
) -> Source:
    """Open a WFDB record (with or without ending), EDF, BDF, ISHNE or text file.

    lead: name or index from 0, or a list of these; None for `most` ECG leads at most, the one
    called `likely` or its like first (see choose_leads); fs_hz, units: of a file that does not
    say; gain, baseline: counts a mV, and at 0 mV, of a text file of counts. Raises BadInput when it
    is none of these, or says something else.
    """
    path = Path(path)
    check_is_file(path)
    if not path.name.isprintable():
        raise BadInput(f"{str(path)!r} has control characters in its name: rename it")
    kind = ENDINGS.get(path.suffix.lower(), "wfdb")
    if kind == "wfdb" and path.suffix in (".hea", ".dat", ".mat"):
        path = path.with_suffix("")
    if not os.path.exists(f"{path}.hea" if kind == "wfdb" else path):
        raise BadInput(
            f"there is no recording {path} that can be read: give a WFDB record (its name without "
            "ending), an .edf, .bdf, .ecg, .csv or .txt file, or a folder of them"
        )
    opened = import_module(f"preprocess.readers.{kind}").open_file
    asked = {"lead": lead, "likely": likely, "most": most}
    if kind == "csv":
        return opened(path, asked, units, fs_hz, gain, baseline)
    if gain is not None or units and kind != "edf":
        raise BadInput(f"{path} says its own unit: leave --gain and --units out")
    source = opened(path, asked, *([units] if units else []))
    if fs_hz and abs(source.fs_hz - fs_hz) > RATE_DIFFERS * fs_hz:
        raise BadInput(f"--fs says {fs_hz:g} Hz, {path} {source.fs_hz:g} Hz: leave --fs out")
    return source


def find(path) -> tuple[list[Path], str]:
    """The recordings that a path stands for: itself, or everything readable in a folder, in order;
    and a line that says what is in the folder, and what of it was passed over."""
    path = Path(path)
    if not path.is_dir():
        return [path], ""
    segments = segment_names(path)
    kinds = {file: _passed_over(file, segments) for file in sorted(path.iterdir())}
    found = [file for file, why in kinds.items() if why is None]
    counts = Counter(why for why in kinds.values() if why)
    passed = ", ".join(f"{count} {why}" for why, count in sorted(counts.items()))
    line = f"{path}: {len(found)} recordings found"
    line += f"; {sum(counts.values())} files passed over: {passed}" if counts else ""
    if not found:
        raise BadInput(f"{path} holds no recording (.hea, .edf, .bdf, .ecg, .csv or .txt); {line}")
    return found, line


def segment_names(folder) -> set[str]:
    """Of the records in a folder that are parts of others, as the headers of those say."""
    names = set()
    for file in filter(Path.is_file, Path(folder).glob("*.hea")):
        lines = re.findall(r"^[^#\s].*", file.read_text("latin-1"), re.M)
        if lines and "/" in lines[0].split()[0]:
            names |= {line.split()[0] for line in lines[1:]}
    return names


def _passed_over(file, segments):
    """Why a file of a folder is no recording; None where it is one, "" where it belongs to one."""
    ending = file.suffix.lower()
    if file.is_dir():
        return "folders"
    if file.suffix == ".hea":
        return "segments of records" if file.stem in segments else None
    if file.name.startswith(".") or any(file.with_suffix(e).exists() for e in (".b2i", ".hea")):
        return ""  # ours, or a record's signals and annotations
    if ending not in ENDINGS:
        return f"{ending or 'nameless'} files"
    if not file.is_file():  # opening it says so
        return None
    with open(file, "rb") as opened:
        if not opened.read(8).startswith(FIRST_BYTES.get(ending, b"")):
            return f"{ending} files of another format"
    if ending == ".txt":
        try:
            import_module("preprocess.readers.csv").read_layout(file)
        except BadInput:
            return "texts without a table"
    return None
