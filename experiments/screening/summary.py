"""What was found, in a few lines for the terminal."""

from pathlib import Path

from experiments.screening.findings import Findings

MOST_LINES = 5  # clusters with a line of their own


def clock(seconds: float) -> str:
    """Time from the start as h:mm:ss."""
    seconds = int(seconds)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def text(findings: Findings, folder: Path) -> str:
    """The summary. folder: where the outputs are."""
    source, clusters = findings.source, findings.clusters
    unreadable = 100 * findings.unreadable_s / source.duration_s
    lines = [
        f"  {clock(source.duration_s)} long, {len(findings.table)} beats, "
        f"{findings.rate_per_min:.0f} a minute, {unreadable:.1f} % unreadable",
        f"  {findings.flagged.sum()} beats to look at ({findings.flagged_per_hour:.0f} an hour), "
        f"in {len(clusters)} shapes",
    ]
    for i, cluster in enumerate(clusters[:MOST_LINES]):
        lines.append(f"    {cluster.count:6d}  shape {i + 1}: {findings.describe(i)}")
    if rarer := clusters[MOST_LINES:]:
        lines.append(f"    {sum(cluster.count for cluster in rarer):6d}  in {len(rarer)} more")
    return "\n".join([*lines, f"  {Path(folder) / source.name}.html  .csv  .b2i"])
