"""Many recordings on one page and in one table: what needs looking at first comes first."""

import csv
import io
from pathlib import Path

from experiments.reports import pages
from preprocess.constants import FORMULA
from preprocess.files import write_text

TEMPLATES = Path(__file__).parent / "templates"
NAMES = ("index.html", "index.csv")
OTHER_NAMES = ("all.html", "all.csv")  # where a recording is called index
COLUMNS = {  # column of index.csv: where in a summary it is
    "recording": ("recording", "name"),
    "alarms": ("alarms",),
    "duration_s": ("recording", "duration_s"),
    "analysed_s": ("recording", "analysed_s"),
    "no_rhythm_s": ("recording", "no_rhythm_s"),
    "start": ("recording", "start"),
    "beats": ("beats", "total"),
    "mean_per_min": ("rate_per_min", "mean"),
    "v": ("ventricular", "count"),
    "v_percent": ("ventricular", "percent"),
    "v_runs": ("ventricular", "runs"),
    "v_longest_run": ("ventricular", "longest_run", "beats"),
    "s": ("supraventricular", "count"),
    "s_percent": ("supraventricular", "percent"),
    "s_runs": ("supraventricular", "runs"),
    "fibrillation_percent": ("fibrillation", "burden_percent"),
    "pauses": ("pauses", "count"),
    "longest_pause_s": ("pauses", "longest_s"),
}


def write(summaries: list[dict], failures: list[str], folder: Path) -> Path:
    """index.html and index.csv of the recordings' summaries, or what they are called instead;
    failures: sentences of the others."""
    named = {summary["recording"]["name"] for summary in summaries}
    names = OTHER_NAMES if Path(NAMES[0]).stem in named else NAMES
    rows = [row(summary) for summary in sorted(summaries, key=urgency, reverse=True)]
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows([{**row, "recording": _no_formula(row["recording"])} for row in rows])
    template = pages.environment(TEMPLATES).get_template("index.html")
    page = template.render(rows=rows, failures=failures)
    for name, content in zip(names, (page, text.getvalue())):
        write_text(content, Path(folder) / name)
    return Path(folder) / names[0]


def _no_formula(name):
    """Spreadsheets run what begins like one, but not behind an apostrophe."""
    return f"'{name}" if name.startswith(FORMULA) else name


def row(summary: dict) -> dict:
    """A summary as a row of index.csv; alarms are counted, what is not known is empty."""
    result = {}
    for column, keys in COLUMNS.items():
        value = summary
        for key in keys:
            value = None if value is None else value[key]
        result[column] = len(value) if isinstance(value, list) else "" if value is None else value
    return result


def urgency(summary: dict) -> tuple:
    """To sort by, what is sure and grave first: rhythm lost for how long, other alarms, the longest
    ventricular run, as three beats are easily artefact, the longest pause, fibrillation, ectopics.
    """
    run = summary["ventricular"]["longest_run"]
    return (
        summary["recording"]["no_rhythm_s"],
        len(summary["alarms"]),
        run["beats"] if run else 0,
        summary["pauses"]["longest_s"] or 0.0,
        summary["fibrillation"]["burden_percent"],
        summary["ventricular"]["percent"],
    )


def is_index(path: Path) -> bool:
    """Whether a file is a table of ours, and no recording."""
    return path.name == NAMES[1] and path.with_name(NAMES[0]).exists()
