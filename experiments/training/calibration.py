"""Calibration: fits the context, and scores normal beats, by which thresholds are set."""

from collections.abc import Sequence

import numpy as np

from experiments.training.protocols import Split
from experiments.training.scoring import recordings, score_rows, scores_by_context
from models import evenly
from models.detector import Detector
from preprocess.dataset import Dataset

QUANTILES = 1001  # of the scores of calibration beats: thresholds in steps of a tenth of a percent
# What the context learns from, of a data set larger than memory: so many recordings, as long a
# beginning of each, and no more beats of all of them.
MOST_RECORDINGS, MOST_BEATS = 100, 400_000


def fit_context(detector: Detector, dataset: Dataset, split: Split) -> dict[str, np.ndarray]:
    """Fits the context on the training recordings.

    Beats of split.calibration are in no network and in no tail but that of the beat's own window;
    `calibration_scores` gives their scores. A detector that leaves out each patient in turn
    (crosses_patients) has scores of all patients by networks not trained on them: then these are
    returned, {context: (n,)}, to set thresholds by, else nothing.
    """
    beat_scores = score_rows(detector, dataset, split.calibration, "none")
    if not detector.crosses_patients:
        some, most = of_beginnings(dataset, split.train)
        detector.fit_context(recordings(detector, dataset, some, most), beat_scores)
        return {}
    rows, most = of_beginnings(dataset, np.union1d(split.train, split.calibration))
    crossed = detector.fit_context(recordings(detector, dataset, rows, most), beat_scores)
    # The beat's own window counts in `rhythm`: there, only patients it was not trained on.
    record = dataset.index["record"].to_numpy()[rows]
    in_order = np.concatenate([rows[record == name] for name in np.unique(record)])
    return crossed | {"rhythm": crossed["rhythm"][np.isin(in_order, split.calibration)]}


def of_some_recordings(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """Those of rows that are of at most MOST_RECORDINGS recordings, evenly chosen."""
    record = dataset.index["record"].iloc[rows]
    names = np.unique(record.unique())
    if len(names) <= MOST_RECORDINGS:
        return rows
    return rows[record.isin(list(names[evenly(len(names), MOST_RECORDINGS)])).to_numpy()]


def of_beginnings(dataset: Dataset, rows: np.ndarray) -> tuple[np.ndarray, int]:
    """Those of rows that are of some recordings and among the first so many beats of each, which is
    returned too."""
    rows, record = of_some_recordings(dataset, rows), dataset.index["record"]
    names = record.iloc[rows].unique()
    most = MOST_BEATS // len(names)
    kept = np.zeros(len(record), bool)
    for name in names:
        kept[np.flatnonzero(record == name)[:most]] = True
    return rows[kept[rows]], most


def calibration_scores(
    detector: Detector, dataset: Dataset, split: Split, contexts: Sequence[str]
) -> dict[str, np.ndarray]:
    known = np.setdiff1d(split.known_normal, split.calibration)  # what is judged must not be known
    return scores_by_context(detector, dataset, split.calibration, contexts, known)


def quantiles(scores: np.ndarray) -> list[float]:
    """Lowest first: thresholds and tail probabilities come from these."""
    return np.quantile(scores, np.linspace(0, 1, QUANTILES)).tolist()
