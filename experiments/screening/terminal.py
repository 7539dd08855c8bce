"""What was found, in a few lines for the terminal."""

from pathlib import Path

from experiments.screening.findings import Findings
from experiments.screening.page.overview import MOST_ALARMS, alternating, first_alarms
from experiments.screening.times import clock

MOST_LINES = 5  # clusters with a line of their own


def text(findings: Findings, folder: Path) -> str:
    """The summary. folder: where the outputs are."""
    source, clusters, summary = findings.source, findings.clusters, findings.summary
    recording, rate = summary["recording"], summary["rate_per_min"]["mean"]
    unreadable = 100 * recording["unreadable_s"] / source.duration_s
    rate = "no rate" if rate is None else f"{rate:.0f} a minute"
    lines = [
        f"  ALARM {alarm['meaning']}, {clock(alarm['start_s'])} to {clock(alarm['end_s'])}"
        for alarm in first_alarms(summary)
    ]
    if recording["upside_down"]:
        lines.append("  P waves and QRS point down: is the lead upside down, or are electrodes so?")
    if more := summary["alarms"][MOST_ALARMS:]:
        lines.append(f"  ALARM and {len(more)} more of these")
    lines += [
        f"  {clock(source.duration_s)} long, {len(findings.table)} beats, "
        f"{rate}, {unreadable:.1f} % unreadable",
        f"  {rhythm(summary)}",
        f"  {findings.flagged.sum()} beats to look at ({findings.flagged_per_hour:.0f} an hour), "
        f"in {len(clusters)} shapes",
    ]
    for i, cluster in enumerate(clusters[:MOST_LINES]):
        lines.append(f"    {cluster.count:6d}  shape {i + 1}: {findings.describe(i)}")
    if rarer := clusters[MOST_LINES:]:
        lines.append(f"    {sum(cluster.count for cluster in rarer):6d}  in {len(rarer)} more")
    return "\n".join([*lines, f"  {Path(folder) / source.name}.html  .csv  .b2i  .json"])


def rhythm(summary: dict) -> str:
    """The rhythm in one line: ectopics, runs, fibrillation, pauses."""
    v, s, pauses = (summary[name] for name in ("ventricular", "supraventricular", "pauses"))
    alternate = alternating(v)
    parts = [
        f"V {v['count']} ({v['percent']:.1f} %, {_plural(v['runs'], 'run')}, "
        f"{_plural(v['couplets'], 'couplet')}{', ' if alternate else ''}{alternate})",
        f"S {s['count']} ({s['percent']:.1f} %, {_plural(s['runs'], 'run')})",
        f"fibrillation {summary['fibrillation']['burden_percent']:.1f} %",
        _plural(pauses["count"], "pause")
        + (f", longest {pauses['longest_s']:.1f} s" if pauses["count"] else ""),
    ]
    return "; ".join(parts)


def _plural(n, word):
    return f"{n} {word}{'' if n == 1 else 's'}"
