"""The report of an evaluation: its figures, and the page that one opens first."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.reports.beat import draw_panels, panels
from experiments.reports.curves import TERMS, draw_curves, draw_distributions, draw_training
from experiments.reports.pages import embed, environment
from experiments.training.checkpoint import Checkpoint
from experiments.training.protocols import PROTOCOLS, Split
from models.detector import Detector
from preprocess.classes import ABNORMAL, CLASS_NAMES, CLASSES
from preprocess.constants import FS_HZ
from preprocess.dataset import Dataset
from preprocess.files import write_text

REPORT_TEMPLATES = Path(__file__).parent / "templates"
PUBLISHED = Path(__file__).parents[1] / "results/published.csv"
CONTEXT_TEXTS = {
    "none": "a score uses the beat's own window and nothing else",
    "rhythm": "a score uses the beat's window and the RR intervals around it",
    "record": "a score uses the beat, the RR intervals and the whole recording's own unlabelled "
    "beats",
}


def draw(
    checkpoint: Checkpoint,
    detector: Detector,
    dataset: Dataset,
    split: Split,
    metrics: Mapping,
    scores: np.ndarray,
    folder: Path,
) -> None:
    """All figures of an evaluation (experiments.training.evaluation), and report.html with them."""
    classes, threshold = split.classes[split.test], metrics["threshold"]
    drawn = []  # (title, caption, path) of each figure, as the page shows them

    # How well the classes are told apart.
    heading = (
        f"{checkpoint.model}, {metrics['protocol']}, fold {metrics['fold']}, "
        f"source: {metrics['source']}"
    )
    path = draw_curves(classes, scores, threshold, folder / "curves.png", heading)
    caption = (
        "Left, sensitivity against false alarms; right, how many of the flagged beats are abnormal."
    )
    drawn.append(("Detection", caption, path))
    path, target = folder / "distributions.png", metrics["false_alarm_target"]
    draw_distributions(classes, scores, threshold, path, target)
    caption = "Each class against the normal beats. What lies right of the line is flagged."
    drawn.append(("Scores", caption, path))

    # How it was trained.
    if checkpoint.log:
        path = folder / "training.png"
        draw_training(pd.DataFrame(checkpoint.log), path)
        said = [f"{name}, {TERMS[name]}" for name in checkpoint.log[-1] if name in TERMS]
        caption = "Means over each epoch. " + "; ".join(said) + "." * bool(said)
        drawn.append(("Training", caption, path))

    # Single beats of each class.
    caption = (
        "The most abnormal, the median and the least abnormal beats of the class. The map shows "
        "where, in standard deviations of normal beats, on one scale for all classes."
    )
    for name in CLASSES if detector.has_error_map else ():
        rows, titles = examples(scores, classes, name, threshold)
        if len(rows):
            path = folder / f"beats_{name}.png"
            beats = dataset.beats(split.test[rows])
            titles = [
                f"{title}: record {record} at {sample / FS_HZ:.2f} s"
                for title, record, sample in zip(titles, beats.record, beats.sample)
            ]
            draw_panels(
                panels(detector, beats, titles),
                path,
                f"Class {name}: {np.sum(classes == name)} beats",
            )
            drawn.append((f"Class {name}", caption, path))

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


def write_overview(path: Path, metrics: Mapping, figures: list, settings: Mapping) -> Path:
    """The page to open first: one HTML file that needs nothing else. Returns the path.

    metrics: as in metrics.json; intervals and figures of a class that are None are dashes;
    figures: (title, caption, PNG path) each; settings: printed at the end.
    """
    protocol = PROTOCOLS[metrics["protocol"]]
    # published figures are set beside a run on the same records and split only
    is_mitdb = metrics["source"] == metrics.get("trained_on", "mitdb") == "mitdb"
    published = pd.read_csv(PUBLISHED) if is_mitdb and protocol.is_published else pd.DataFrame()
    template = environment(REPORT_TEMPLATES).get_template("evaluation.html")
    page = template.render(
        m=metrics,
        classes={name: CLASS_NAMES[name] for name in ABNORMAL},
        settings=[
            (name, value if isinstance(value, str) else json.dumps(value, default=str))
            for name, value in settings.items()
        ],
        published=published.to_dict("records"),
        protocol=protocol,
        contexts=CONTEXT_TEXTS,
        figures=[(title, caption, embed(png)) for title, caption, png in figures],
    )
    write_text(page, path)
    return Path(path)
