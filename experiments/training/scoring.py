"""Scores of rows of a dataset, with what a score may use besides the beat itself."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from tqdm import tqdm

from models import CONTEXTS
from models.detector import Detector
from preprocess.beats import Beats
from preprocess.dataset import Dataset

ROWS_AT_ONCE = 16384  # beats in memory at a time, where each is scored by itself


def usable_context(detector: Detector, wanted: str) -> str:
    """The richest context that a detector can use, up to the one asked for; the least it needs
    where that is more."""
    up_to_wanted = CONTEXTS[: CONTEXTS.index(wanted) + 1]
    usable = [context for context in up_to_wanted if context in detector.contexts]
    return usable[-1] if usable else detector.contexts[0]


def score_rows(
    detector: Detector,
    dataset: Dataset,
    rows: np.ndarray,
    context: str,
    known_normal: Sequence[int] = (),
    progress: bool = False,
) -> np.ndarray:
    """The scores (len(rows),) that scores_by_context has for one context."""
    return scores_by_context(detector, dataset, rows, [context], known_normal, progress)[context]


def scores_by_context(
    detector: Detector,
    dataset: Dataset,
    rows: np.ndarray,
    contexts: Sequence[str],
    known_normal: Sequence[int] = (),
    progress: bool = False,
) -> dict[str, np.ndarray]:
    """{context: scores (len(rows),)} of rows of a dataset; a beat's own score is made once for all.

    With a context their whole recordings are read, unlabelled but for the rows known_normal, which
    someone has looked at.
    """
    if set(contexts) <= {"none"}:
        batches = np.array_split(rows, max(1, len(rows) // ROWS_AT_ONCE))
    else:
        record = dataset.index["record"].to_numpy()
        batches = [np.flatnonzero(record == name) for name in pd.unique(record[rows])]

    result = {context: np.full(len(dataset.index), np.nan) for context in contexts}
    n = sum(map(len, batches))
    with tqdm(
        total=n, desc="scoring", unit="beat", unit_scale=True, disable=None if progress else True
    ) as bar:
        for batch in batches:
            beats = dataset.beats(batch, detector.image is not None)
            if len(known_normal):
                beats.known_normal = np.isin(batch, known_normal)
            for context, scores in detector.scores(beats, contexts).items():
                result[context][batch] = scores
            bar.update(len(batch))
    return {context: scores[rows] for context, scores in result.items()}


def recordings(
    detector: Detector, dataset: Dataset, normal: np.ndarray, most: int | None = None
) -> Iterator[tuple[Beats, np.ndarray]]:
    """Whole recordings, or their first `most` beats, of the patients that rows of normal beats are
    of, one after another.

    With each, (n,) bool: which of its beats those rows are. Of the other beats nothing is known.
    """
    record = dataset.index["record"]
    for name in np.unique(record.iloc[normal].unique()):
        rows = np.flatnonzero(record == name)[:most]
        yield dataset.beats(rows, detector.image is not None), np.isin(rows, normal)
