"""R peaks that are off are moved as asked; beats at detected ones are the annotated beats."""

import numpy as np
import pandas as pd
import pytest

from experiments import peaks
from preprocess.constants import FS_HZ


@pytest.fixture(scope="module")
def at_detected(data, cohort):
    return peaks.at_detected_peaks(data, cohort)


def test_nearly_all_annotated_beats_are_found_near_their_mark(data, at_detected):
    seen, row_of = at_detected
    of_a_beat = row_of != peaks.NOBODYS
    assert len(np.unique(row_of[of_a_beat])) == of_a_beat.sum() > 0.97 * len(data.index)
    marked = data.index.iloc[row_of[of_a_beat]]
    found = seen.index[of_a_beat]
    assert (found["record"].to_numpy() == marked["record"].to_numpy()).all()
    away = np.abs(found["sample"].to_numpy() - marked["sample"].to_numpy())
    assert away.max() <= peaks.MATCH_S * FS_HZ and np.median(away) <= 5


def test_a_beat_detected_at_its_mark_is_the_beat_of_the_dataset(data, at_detected):
    seen, row_of = at_detected
    rows = np.flatnonzero(row_of != peaks.NOBODYS)
    same = seen.index["sample"].to_numpy()[rows] == data.index["sample"].to_numpy()[row_of[rows]]
    rows = rows[same][:50]
    assert len(rows)
    np.testing.assert_allclose(
        seen.beats(rows).beat_mv, data.beats(row_of[rows]).beat_mv, atol=1e-5
    )
    np.testing.assert_allclose(seen.beats(rows).image, data.beats(row_of[rows]).image, atol=1e-2)


def test_command_writes_what_other_r_peaks_cost(cohort, dataroot, weights, tmp_path, capsys):
    given = {
        "--records": cohort,
        "--dataroot": dataroot,
        "--checkpoint": weights,
        "--outf": tmp_path,
        "--device": "cpu",
    }
    table = peaks.main([str(word) for pair in given.items() for word in pair])
    assert "detected" in capsys.readouterr().out
    assert table["test"].tolist() == ["as marked", "by up to 3 samples", "by 3 samples", "detected"]
    written = pd.read_csv(tmp_path / "peaks.csv")
    np.testing.assert_allclose(written["auc"], table["auc"], atol=1e-4)
    assert table["found"].iloc[0] == 1 and table["auc"].between(0, 1).all()
