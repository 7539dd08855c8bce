"""The report of an evaluation: its figures, and the page that one opens first."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.reports.beat import draw_panels, panels
from experiments.reports.curves import draw_curves, draw_distributions, draw_training
from experiments.reports.pages import embed, environment, is_missing
from experiments.reports.published import PUBLISHED
from experiments.reports.style import ABNORMAL, CLASS_NAMES
from experiments.training.protocols import PROTOCOLS
from preprocess.files import whole_file
from preprocess.records import FS_HZ

TEMPLATES = Path(__file__).parent / "templates"
CONTEXT_TEXTS = {
    "none": "a score uses the beat's own window and nothing else",
    "rhythm": "a score uses the beat's window and the RR intervals around it",
    "record": "a score uses the beat, the RR intervals and the whole recording's own unlabelled beats",
}


def draw(checkpoint, detector, dataset, split, metrics, scores, folder):
    """All figures of an evaluation (see experiments.training.evaluation), and the page that one opens first."""
    classes, threshold = split.classes[split.test], metrics["threshold"]
    drawn = [
        (
            "Detection",
            "Left, sensitivity against false alarms; right, how many of the flagged beats are abnormal.",
            folder / "curves.png",
        ),
        (
            "Scores",
            "Each class against the normal beats. What lies right of the line raises an alarm.",
            folder / "distributions.png",
        ),
    ]
    title = f"{checkpoint.model}, {metrics['protocol']}, fold {metrics['fold']}, source: {metrics['source']}"
    masks = {name: classes == name for name in ABNORMAL}
    draw_curves(classes != "N", scores, drawn[0][2], title, masks, threshold)
    draw_distributions(scores, classes, threshold, drawn[1][2], metrics["false_alarm_target"])
    if checkpoint.log:
        drawn.append(("Training", "Losses over epochs.", folder / "training.png"))
        draw_training(pd.DataFrame(checkpoint.log), drawn[-1][2])
    for name in ("N", *ABNORMAL) if detector.has_error_map else ():
        rows, titles = examples(scores, classes, name, threshold)
        if not len(rows):
            continue
        panels = make_panels(detector, dataset, split.test[rows], titles)
        drawn.append(
            (
                f"Class {name}",
                "The most abnormal, the median and the least abnormal beats of the class. The map "
                "shows where, in standard deviations of normal beats, on one scale for all classes.",
                folder / f"beats_{name}.png",
            )
        )
        draw_panels(
            panels, drawn[-1][2], f"Class {name}: {len(np.flatnonzero(classes == name))} beats"
        )
    write_overview(folder / "report.html", metrics, drawn, checkpoint.options | checkpoint.settings)


def examples(scores, classes, name, threshold):
    """Positions and titles of a class's two most abnormal, median and two least abnormal beats."""
    of_class = np.flatnonzero(classes == name)
    ordered = of_class[np.argsort(-scores[of_class], kind="stable")]
    n = len(ordered)
    places = {"most abnormal": [0, 1], "median": [n // 2], "least abnormal": [n - 2, n - 1]}
    chosen, titles = [], []
    for word, at in places.items():
        for i in at:
            if 0 <= i < n and ordered[i] not in chosen:
                chosen.append(ordered[i])
                verdict = "flagged" if scores[ordered[i]] > threshold else "not flagged"
                titles.append(f"{word}, {verdict}")
    return np.array(chosen, int), titles


def make_panels(detector, dataset, rows, titles):
    """Panels of rows of a dataset; each title is completed by record and time."""
    beats = dataset.beats(rows)
    places = [
        f"{title}: record {record} at {sample / FS_HZ:.2f} s"
        for title, record, sample in zip(titles, beats.record, beats.sample)
    ]
    return panels(detector, beats, places)


def write_overview(path, metrics, figures, settings):
    """The page to open first: one HTML file that needs nothing else. Returns the path.

    metrics: as in metrics.json; what is missing or None is printed as a dash. figures: (title, caption, PNG path) each;
    settings: dict, printed at the end.
    """
    page = (
        environment(TEMPLATES)
        .get_template("evaluation.html")
        .render(
            m=metrics,
            classes=_class_rows(metrics),
            confusion=_confusion(metrics),
            settings=_flat(settings),
            published=PUBLISHED.values() if _is_comparable(metrics) else (),
            protocol=PROTOCOLS.get(metrics.get("protocol")),
            contexts=CONTEXT_TEXTS,
            figures=[(title, caption, embed(png)) for title, caption, png in figures],
        )
    )
    with whole_file(path) as part:
        part.write_text(page, encoding="utf-8")
    return Path(path)


def _is_comparable(metrics):
    """Published figures are set beside a run on the same records and split only."""
    sources = metrics.get("source"), metrics.get("trained_on") or "mitdb"
    protocol = PROTOCOLS.get(metrics.get("protocol"))
    return sources == ("mitdb", "mitdb") and protocol is not None and protocol.is_published


def _class_rows(metrics):
    def of(key, name):
        return (metrics.get(key) or {}).get(name)

    return [
        {
            "name": name,
            "meaning": CLASS_NAMES[name],
            "n": of("per_class_n", name),
            "auc": of("per_class_auc", name),
            "ap": of("per_class_ap", name),
            "sensitivity": of("per_class_sensitivity", name),
        }
        for name in ABNORMAL
    ]


def _confusion(metrics):
    """Beats by truth and alarm at the threshold, from the rates and counts; None where one is missing."""

    def split(n, rate):
        n, rate = metrics.get(n), metrics.get(rate)
        if is_missing(n) or is_missing(rate):
            return None, None
        return round(n * rate), n - round(n * rate)

    true_alarms, missed = split("n_abnormal", "sensitivity")
    false_alarms, left_alone = split("n_normal", "false_alarm_rate")
    return {
        "true_alarms": true_alarms,
        "missed": missed,
        "false_alarms": false_alarms,
        "left_alone": left_alone,
    }


def _flat(settings, prefix=""):
    """Nested settings to (dotted name, text) rows."""
    rows = []
    for name, value in (settings or {}).items():
        if isinstance(value, dict):
            rows += _flat(value, f"{prefix}{name}.")
        else:
            rows.append(
                (
                    f"{prefix}{name}",
                    value if isinstance(value, str) else json.dumps(value, default=str),
                )
            )
    return rows
