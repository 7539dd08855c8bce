"""Findings to files: NAME.b2i, NAME.csv, NAME.json and NAME.html, all or none."""

import json
import os
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import wfdb

from experiments.screening.findings import LOCATION, Findings
from experiments.screening.rhythm.episodes import (
    MEANINGS,
    VENTRICULAR_FIBRILLATION,
    rhythm_changes,
)
from experiments.screening.rhythm.interpretation import episode_codes
from experiments.screening.rhythm.kinds import KINDS
from preprocess import BadInput
from preprocess.files import temporary_folder
from preprocess.readers.source import Source
from preprocess.readers.wfdb import FS_HZ

OUTPUTS = (".b2i", ".csv", ".html", ".json")
# WFDB codes: unremarkable beat; kinds of flagged ones; change of signal quality, of rhythm; note
NORMAL, FLAGGED, QUALITY, RHYTHM, NOTE = "N", tuple(KINDS), "~", "+", '"'
VF_STARTS, VF_ENDS = "[", "]"
# Rows of the table as text, and annotations as what the library makes of them: all of some days
# are large.
WRITTEN_AT_ONCE = 20_000
END_OF_ANNOTATIONS = bytes(2)


def check_apart(source: Source, folder: Path):
    """Raises BadInput where a recording would be overwritten by its own results."""
    written = [(Path(folder) / (source.name + ending)).resolve() for ending in OUTPUTS]
    if source.path.resolve() in written:
        raise BadInput(
            f"{source.path} would be overwritten by its own results: give another --outf"
        )


def write(findings: Findings, page: str, folder: Path):
    """All or none, whatever happens on the way. page: the text of NAME.html."""
    folder, name = Path(folder), findings.source.name
    targets = [folder / f"{name}{ending}" for ending in OUTPUTS]
    if blocked := [target for target in targets if target.is_dir()]:
        raise BadInput(
            f"{blocked[0]} is a folder, where a file must be written: remove or rename it"
        )
    with temporary_folder(folder / f".screening-{name}") as part:
        write_annotations(findings, part / f"{name}.b2i")
        write_table(findings, part / f"{name}.csv")
        write_summary(findings, part / f"{name}.json")
        (part / f"{name}.html").write_text(page, encoding="utf-8")
        for target in targets:
            os.replace(part / target.name, target)


def write_table(findings: Findings, path: Path):
    """Every beat, one a row; times in s from the start, samples as in the recording itself."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        for start in range(0, max(1, len(findings.table)), WRITTEN_AT_ONCE):
            part = findings.table.iloc[start : start + WRITTEN_AT_ONCE]
            _as_text(part, findings).to_csv(file, index=False, header=start == 0)


def _as_text(table: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Rows of the findings' table to cells."""
    cluster = table["cluster"].to_numpy()
    columns = {
        "sample": findings.source.to_own_sample(table["sample"]),
        "time_s": _decimals(table["sample"] / FS_HZ),
        "rr_s": _decimals(table["rr_s"]),
        "score": _decimals(table["score"], 4),
        "tail_probability": [f"{p:.3g}" for p in table["tail_probability"].tolist()],
        "flagged": (cluster >= 0).astype(int),
        "shape": np.where(cluster >= 0, (cluster + 1).astype(str), ""),
        "premature": table["premature"].to_numpy().astype(int),
    }
    columns |= {name: _decimals(table[name]) for name in LOCATION}
    columns |= {
        "kind": table["kind"],
        "kind_confidence": _decimals(table["kind_confidence"], 2),
        "episode": episode_codes(table["sample"].to_numpy(), findings.episodes),
    }
    return pd.DataFrame(columns)


def write_summary(findings: Findings, path: Path):
    """What experiments.screening.rhythm.summary describes, as JSON."""
    text = json.dumps(findings.summary, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _decimals(values, digits=3):
    """Numbers as text, nothing for NaN: four times as fast as pandas, a second less for a day."""
    rounded = np.round(values.to_numpy(float), digits) + 0.0  # no -0
    result, given = np.full(len(rounded), "", object), np.isfinite(rounded)
    result[given] = [f"{value:.{digits}f}" for value in rounded[given].tolist()]
    return result


def write_annotations(findings: Findings, path: Path):
    """A WFDB annotation file.

    N for unremarkable beats, V, S, F or Q for those to look at (score, span, band and shape in the
    aux field), + where the rhythm changes (its code in the aux field), [ and ] around what has no
    organised rhythm, ~ where the signal becomes unreadable and readable again, a note at the start.
    """
    with open(path, "wb") as file:
        for part in _encoded(_in_order(findings), findings.source.fs_hz, path.parent):
            file.write(part)
        file.write(END_OF_ANNOTATIONS)


def _in_order(findings):
    """Samples, symbols and notes of beats and of all that is no beat, in order of time, a part of
    the table at a time."""
    own, table, others = findings.source.to_own_sample, findings.table, other_annotations(findings)
    of_others, done = [sample for sample, *_ in others], 0
    for start in range(0, max(1, len(table)), WRITTEN_AT_ONCE):
        part = table.iloc[start : start + WRITTEN_AT_ONCE]
        following = own(table["sample"].iloc[start + WRITTEN_AT_ONCE :][:1])
        end = bisect_left(of_others, following[0]) if len(following) else len(others)
        samples, symbols, notes = zip(*others[done:end]) if end > done else ((), (), ())
        samples = np.append(own(part["sample"]), np.array(samples, int))
        symbols = [*part["kind"], *symbols]
        notes = [*_beat_notes(part), *notes]
        order, done = np.argsort(samples, kind="stable"), end
        yield samples[order], [symbols[i] for i in order], [notes[i] for i in order]


def _encoded(parts, fs_hz, folder):
    """Samples, symbols and notes of annotations, a part at a time, to WFDB's bytes.

    A file says of each annotation how far it is from the one before. So parts, each counted from
    the last annotation of the part before, follow one another; the first has the sampling rate.
    """
    last = 0
    for samples, symbols, notes in parts:
        # wfdb takes letters alone for the ending of a file
        wfdb.wrann(
            "x", "ann", samples - last, symbols, aux_note=notes, fs=fs_hz, write_dir=str(folder)
        )
        written = folder / "x.ann"
        yield written.read_bytes().removesuffix(END_OF_ANNOTATIONS)
        written.unlink()
        last, fs_hz = samples[-1], None


def other_annotations(
    findings: Findings, codes: Iterable[str] = MEANINGS
) -> list[tuple[int, str, str]]:
    """(the recording's own sample, symbol, aux field) of all that is no beat, in order of time.

    codes: of the episodes that count.
    """
    source, value = findings.source, findings.patient_threshold.value
    note = f"B2I-GAN lead {source.lead}: V, S, F, Q score above {value:.2f}"
    rows = [(0, NOTE, note)]
    episodes = [episode for episode in findings.episodes if episode.code in codes]
    rows += [(at, RHYTHM, code) for at, code in rhythm_changes(episodes)]
    for stretch in findings.unreadable:
        rows.append((stretch.start, QUALITY, f"unreadable: {stretch.reason}"))
        rows.append((stretch.end, QUALITY, "readable"))
    for episode in findings.episodes:
        if episode.code == VENTRICULAR_FIBRILLATION:
            rows += [(episode.start, VF_STARTS, ""), (episode.end, VF_ENDS, "")]
    rows.sort(key=lambda row: row[0])
    own = source.to_own_sample([sample for sample, *_ in rows]).tolist()
    return [(sample, symbol, note) for sample, (_, symbol, note) in zip(own, rows)]


def _beat_notes(table):
    """(n,) aux fields: nothing for unremarkable beats."""
    notes, is_flagged = np.full(len(table), "", object), table["cluster"].to_numpy() >= 0
    columns = ["score", "tail_probability", *LOCATION, "cluster", "premature"]
    flagged = table.loc[is_flagged, columns]
    notes[is_flagged] = [
        f"score {score:.2f} p {p:.1g}{_location_in_words(*location)} shape {cluster + 1:.0f}"
        + (" early" if early else "")
        for score, p, *location, cluster, early in flagged.itertuples(index=False)
    ]
    return notes


def _location_in_words(start_s, end_s, low_hz, high_hz):
    span = "" if np.isnan(start_s) else f" span {start_s:+.3f}..{end_s:+.3f} s"
    band = "" if np.isnan(low_hz) else f" band {low_hz:.0f}..{high_hz:.0f} Hz"
    return span + band
