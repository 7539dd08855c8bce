"""Scores of rows of a dataset, with what a score may use besides the beat itself."""

import numpy as np
import pandas as pd
from tqdm import tqdm

from models import CONTEXTS

ROWS_AT_ONCE = 16384


def usable_context(detector, wanted):
    """The richest context a detector can use, up to the one asked for; the least it needs where that is more."""
    usable = [c for c in CONTEXTS[: CONTEXTS.index(wanted) + 1] if c in detector.contexts]
    return usable[-1] if usable else detector.contexts[0]


def score_rows(detector, dataset, rows, context, known_normal=(), progress=False):
    """Scores (len(rows),) of rows of a dataset. With a context their whole recordings are read, unlabelled but for the
    rows known_normal, which someone has looked at (protocol `patient`)."""
    if context == "none":
        batches = np.array_split(rows, max(1, len(rows) // ROWS_AT_ONCE))
    else:
        record = dataset.index["record"].to_numpy()
        batches = [np.flatnonzero(record == name) for name in pd.unique(record[rows])]
    result = np.full(len(dataset.index), np.nan)
    with tqdm(
        total=sum(map(len, batches)),
        desc="scoring",
        unit="beat",
        unit_scale=True,
        disable=not progress,
    ) as bar:
        for batch in batches:
            beats = dataset.beats(batch, detector.image is not None)
            if len(known_normal):
                beats.known_normal = np.isin(batch, known_normal)
            result[batch] = detector.score(beats, context)
            bar.update(len(batch))
    return result[rows]


def recordings(detector, dataset, split):
    """Whole recordings of the training patients, one after another, for fit_context: only of training and held-out normals
    is it known what they are."""
    record = dataset.index["record"].to_numpy()
    normal = np.union1d(split.train, split.calibration)
    for name in np.unique(record[normal]):
        rows = np.flatnonzero(record == name)
        yield dataset.beats(rows, detector.image is not None), np.isin(rows, normal)
