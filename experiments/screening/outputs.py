"""Findings to files, and to a few lines for the terminal.

The files NAME.b2i, NAME.csv, NAME.json and NAME.html are written all or none.
"""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import wfdb

from experiments.reports.pages import clock
from experiments.screening.findings import LOCATION, Findings
from experiments.screening.page import pdf, trace, words
from experiments.screening.rhythm import episodes
from preprocess import BadInput
from preprocess.files import temporary_folder
from preprocess.readers.source import Source

OUTPUTS = (".b2i", ".csv", ".html", ".json")
# WFDB codes: change of signal quality, of rhythm; note
QUALITY, RHYTHM, NOTE = "~", "+", '"'
VF_STARTS, VF_ENDS = "[", "]"
END = bytes(2)  # of an annotation file
# Rows of the table as text: all of some days are large.
WRITTEN_AT_ONCE = 20_000
DECIMALS = {"time_s": 3, "rr_s": 3, "score": 4, "shape": 0, "kind_confidence": 2}
DECIMALS |= dict.fromkeys(LOCATION, 3)  # of columns of NAME.csv
MOST_LINES = 5  # clusters with a line of their own on the terminal


def check_apart(source: Source, folder: Path):
    """Raises BadInput where a recording would be overwritten by its own results."""
    written = [(Path(folder) / (source.name + ending)).resolve() for ending in OUTPUTS]
    if source.path.resolve() in written:
        raise BadInput(
            f"{source.path} would be overwritten by its own results: give another --outf"
        )


def write(
    findings: Findings, page: str, folder: Path, with_trace: bool = True, with_pdf: bool = False
):
    """All or none, whatever happens on the way. page: the text of NAME.html."""
    folder, name = Path(folder), findings.source.name
    targets = [folder / f"{name}{ending}" for ending in OUTPUTS]
    if blocked := [target for target in targets if target.is_dir()]:
        raise BadInput(
            f"{blocked[0]} is a folder, where a file must be written: remove or rename it"
        )
    beside = folder / trace.folder(findings.source)
    if beside.is_dir() and any(file.suffix != ".js" for file in beside.iterdir()):
        raise BadInput(
            f"{beside}, where the trace of the page must lie, holds other files: rename it"
        )
    with temporary_folder(folder / f".screening-{name}") as part:
        write_annotations(findings, part / f"{name}.b2i")
        write_table(findings, part / f"{name}.csv")
        (part / f"{name}.html").write_text(page, encoding="utf-8")
        if with_pdf:
            pdf.print_page(part / f"{name}.html", part / f"{name}.pdf")
            targets.append(folder / f"{name}.pdf")
        # beside the page where it is too long for it
        if with_trace and not trace.fits_page(findings.source):
            trace.write(findings.source, part / beside.name)
        if "made_with" in findings.summary:  # so that one that is cut or lost later is noticed
            names = [target.name for target in targets if target.suffix != ".json"]
            names += sorted(f"{beside.name}/{p.name}" for p in (part / beside.name).glob("*.js"))
            sizes = {each: (part / each).stat().st_size for each in names}
            findings.summary["made_with"]["bytes"] = sizes
        # as docs/summary.schema.json describes it
        text = json.dumps(findings.summary, indent=1, allow_nan=False)
        (part / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        if beside.is_dir():  # what an earlier page had
            shutil.rmtree(beside)
        if (part / beside.name).exists():
            os.replace(part / beside.name, beside)
        for target in targets:
            os.replace(part / target.name, target)


def write_table(findings: Findings, path: Path):
    """Every beat, one a row; times in s from the start, samples as in the recording itself."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        for start in range(0, max(1, len(findings.table)), WRITTEN_AT_ONCE):
            rows = findings.rows(start, start + WRITTEN_AT_ONCE)
            for name, digits in DECIMALS.items():
                rows[name] = _decimals(rows[name], digits)
            for name in ("flagged", "premature"):
                rows[name] = rows[name].astype(int)
            rows["tail_probability"] = [f"{p:.3g}" for p in rows["tail_probability"].tolist()]
            rows.to_csv(file, index=False, header=start == 0)


def _decimals(values, digits=3):
    """Numbers as text, nothing for NaN: four times as fast as pandas, a second less for a day."""
    rounded = np.round(values.to_numpy(float), digits) + 0.0  # no -0
    result, given = np.full(len(rounded), "", object), np.isfinite(rounded)
    result[given] = [f"{value:.{digits}f}" for value in rounded[given].tolist()]
    return result


def write_annotations(findings: Findings, path: Path):
    """A WFDB annotation file.

    N, V, S, F or Q for beats, their kind (score, span, band and shape of flagged ones in the aux
    field), + where the rhythm changes (its code in the aux field), [ and ] around what has no
    organised rhythm, ~ where the signal becomes unreadable and readable again, a note at the start.
    """
    table, others = findings.table, other_annotations(findings)
    samples = np.append(
        findings.source.to_own_sample(table["sample"]), [sample for sample, *_ in others]
    ).astype(int)
    symbols = [*table["kind"], *(symbol for _, symbol, _ in others)]
    notes = [*_beat_notes(table), *(note for *_, note in others)]
    order = np.argsort(samples, kind="stable")
    written, before = [], 0  # in pieces, each without its end: of a day wfdb's lists are large
    for start in range(0, len(order), WRITTEN_AT_ONCE):
        rows = order[start : start + WRITTEN_AT_ONCE]
        # wfdb takes letters alone for the ending of a file
        wfdb.wrann(
            "x",
            "ann",
            samples[rows] - before,
            [symbols[i] for i in rows],
            aux_note=[notes[i] for i in rows],
            fs=None if start else findings.source.fs_hz,
            write_dir=str(path.parent),
        )
        written.append(path.with_name("x.ann").read_bytes()[: -len(END)])
        before = samples[rows[-1]]
    path.with_name("x.ann").unlink()
    path.write_bytes(b"".join(written) + END)


def other_annotations(
    findings: Findings, codes: Iterable[str] = episodes.MEANINGS
) -> list[tuple[int, str, str]]:
    """(the recording's own sample, symbol, aux field) of all that is no beat, in order of time.

    codes: of the episodes that count.
    """
    source, value = findings.source, findings.patient_threshold.value
    leads = ", ".join(source.screened)
    note = f"B2I-GAN lead {leads}: beats with a note score above {value:.2f}"
    rows = [(0, NOTE, note)]
    counted = [episode for episode in findings.episodes if episode.code in codes]
    rows += [(at, RHYTHM, code) for at, code in episodes.rhythm_changes(counted)]
    for stretch in findings.unreadable:
        rows.append((stretch.start, QUALITY, f"unreadable: {stretch.reason}"))
        rows.append((stretch.end, QUALITY, "readable"))
    for episode in findings.episodes:
        if episode.code == episodes.VENTRICULAR_FIBRILLATION:
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
        + (" premature" if premature else "")
        for score, p, *location, cluster, premature in flagged.itertuples(index=False)
    ]
    return notes


def _location_in_words(start_s, end_s, low_hz, high_hz):
    span = "" if np.isnan(start_s) else f" span {start_s:+.3f}..{end_s:+.3f} s"
    band = "" if np.isnan(low_hz) else f" band {low_hz:.0f}..{high_hz:.0f} Hz"
    return span + band


# ------------------------------------------------------------------------------ in words


def in_lines(findings: Findings, folder: Path | None = None) -> str:
    """What was found, for the terminal. folder: where the outputs are, if anywhere."""
    source, clusters, summary = findings.source, findings.clusters, findings.summary
    recording, rate = summary["recording"], summary["rate_per_min"]["mean"]
    unreadable = 100 * recording["unreadable_s"] / source.duration_s
    rate = "no rate" if rate is None else f"{rate:.0f} a minute"
    flagged, analysed_s = findings.flagged.sum(), recording["analysed_s"]
    enough = analysed_s >= words.ENOUGH_S
    an_hour = f" ({flagged * 3600 / analysed_s:.0f} an hour)" if enough else ""
    lines = [
        f"  ALARM {alarm['meaning']}, {clock(alarm['start_s'])} to {clock(alarm['end_s'])}"
        for alarm in words.first_alarms(summary)
    ]
    if recording["upside_down"]:
        lines.append("  P waves and QRS point down: is the lead upside down, or are electrodes so?")
    if more := summary["alarms"][words.MOST_ALARMS :]:
        lines.append(f"  ALARM and {len(more)} more of these")
    lines += [
        f"  {clock(source.duration_s)} long, {len(findings.table)} beats, "
        f"{rate}, {unreadable:.1f} % unreadable",
        f"  {_rhythm_line(summary)}",
        f"  {words.plural(flagged, 'beat')} to look at{an_hour}, "
        f"in {words.plural(len(clusters), 'shape')}",
    ]
    for i, cluster in enumerate(clusters[:MOST_LINES]):
        lines.append(f"    {cluster.count:6d}  shape {i + 1}: {words.describe(findings, i)}")
    if rarer := clusters[MOST_LINES:]:
        lines.append(f"    {sum(cluster.count for cluster in rarer):6d}  in {len(rarer)} more")
    if folder is not None:
        lines.append(f"  {Path(folder) / source.name}.html  .csv  .b2i  .json")
    return "\n".join(lines)


def _rhythm_line(summary):
    """The rhythm in one line: ectopics, runs, fibrillation, pauses."""
    v, s, pauses = (summary[name] for name in ("ventricular", "supraventricular", "pauses"))
    lasting = {name: v[f"{name}_s"] for name in ("bigeminy", "trigeminy")}
    regular = "".join(f", {name} {clock(seconds)}" for name, seconds in lasting.items() if seconds)
    parts = [
        f"V {_count(v)} ({v['percent']:.1f} %, {words.plural(v['runs'], 'run')}, "
        f"{words.plural(v['couplets'], 'couplet')}{regular})",
        f"S {_count(s)} ({s['percent']:.1f} %, {words.plural(s['runs'], 'run')})",
        f"fibrillation {summary['fibrillation']['burden_percent']:.1f} %",
        words.plural(pauses["count"], "pause")
        + (f", longest {pauses['longest_s']:.1f} s" if pauses["count"] else ""),
    ]
    return "; ".join(parts)


def _count(ectopy):
    """How many, and how many of these are doubtful."""
    doubt = f", {ectopy['doubtful']} of them doubtful" if ectopy["doubtful"] else ""
    return f"{ectopy['count']}{doubt}"
