"""Changes are where they are said to be, grow with their strength, and begin without an edge."""

import numpy as np
import pytest

from experiments.changes import CHANGES, STRENGTHS, inject


@pytest.mark.parametrize("kind", CHANGES)
def test_changes_are_where_they_are_said_to_be_and_grow_with_strength(data, kind):
    normals = np.flatnonzero(data.index["class"] == "N")[::10]
    beat_mv, sizes = data.beats(normals, with_image=False).beat_mv, []
    for strength in STRENGTHS:
        changed_mv, truth = inject(beat_mv, kind, strength, seed=0)
        away = np.abs(changed_mv - beat_mv)
        sizes.append(away.sum())
        assert changed_mv.shape == beat_mv.shape and truth.any(1).mean() > 0.4
        assert away[~truth].mean() < 0.1 * away[truth].mean()
        assert (
            np.abs(np.diff(changed_mv - beat_mv)).max() < 2.5 * np.abs(np.diff(beat_mv)).max()
        )  # no edge
    assert sizes[0] < sizes[1] < sizes[2]
