"""Segments fall where beats were changed, and normal beats have none."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import options
from experiments import localise
from experiments.changes import inject
from experiments.training import loop as training
from experiments.training.protocols import split
from models.b2igan.localiser import in_segment, segments
from preprocess.beats import BEFORE, WINDOW
from preprocess.readers.wfdb import FS_HZ

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def trained(data, dataroot, tmp_path_factory):
    """(detector, normal test beats, folder for --outf) of a short training on the small cohort."""
    out = tmp_path_factory.mktemp("localised")
    opt = options.parse(
        "main", ["--niter", "3", "--device", "cpu", "--dataroot", str(dataroot), "--outf", str(out)]
    )
    rows = split(data.index, "beatgan")
    checkpoint = training.train(data, rows, opt, out / "b2igan/beatgan/fold0")
    normals = rows.test[rows.classes[rows.test] == "N"]
    return checkpoint.detector(), data.beats(localise.some(normals, 150, 0)), out


@pytest.mark.parametrize("kind", ["wide QRS", "extra beat", "tall T", "local noise"])
def test_marks_fall_where_the_beat_was_changed(trained, kind):
    detector, beats, _ = trained
    found = localise.measures(
        *localise.found_in(localise.error_map(detector), beats, kind, "strong")
    )
    assert found["auc"] > 0.9 and found["hit"] > 0.8 and found["dice"] > 0.4


def test_normal_beats_stay_unmarked(trained):
    detector, beats, _ = trained
    assert (
        np.mean(
            [
                len(spans_of_beat) > 0
                for spans_of_beat in detector.segments(detector.errors(beats)[1])
            ]
        )
        <= 0.1
    )


def test_map_strip_and_marks_agree(trained):
    detector, beats, _ = trained
    changed = replace(beats, beat_mv=inject(beats.beat_mv, "extra beat", "strong", 0)[0])
    error_map, over_time = detector.errors(changed)
    assert error_map.shape == changed.image.shape and over_time.shape == changed.beat_mv.shape
    assert error_map.min() >= 0 and over_time.min() >= 0
    column = error_map.max((1, 2)).argmax(1)
    assert np.median(np.abs(column * WINDOW / 32 + 5 - over_time.argmax(1))) < 30
    for row, found in zip(over_time, detector.segments(over_time)):
        assert (row.max() > float(detector.localiser.segment_from)) == bool(found)


def test_a_mark_starts_at_one_level_and_goes_on_at_the_other():
    error = np.zeros((2, WINDOW))
    error[0, 100:110], error[0, 105], error[0, 200:220], error[1, 310:] = 3.5, 5, 3.5, 5
    is_marked = in_segment(error, 4.0, 3.0)
    assert [np.flatnonzero(row).tolist() for row in is_marked] == [
        list(range(100, 110)),
        list(range(310, WINDOW)),
    ]
    assert segments(is_marked[0]) == [((100 - BEFORE) / FS_HZ, (110 - BEFORE) / FS_HZ)]
    assert segments(np.zeros(WINDOW, bool)) == []


def test_benchmark_prints_a_table_and_then_json(trained, dataroot, monkeypatch, capsys):
    _, _, out = trained
    localise.main(["--dataroot", str(dataroot), "--outf", str(out), "--beats", "60"])
    *table, last = capsys.readouterr().out.splitlines()
    result = json.loads(last)
    assert {"auc", "dice", "hit", "normals_marked", "lead", "v_inside_qrs_t"} <= set(result)
    assert any("notch | medium" in line for line in table) and any(
        "chance" in line for line in table
    )
    assert result["auc"] > 0.85
    chance = result["baselines"]["chance"]["medium"]["all"]
    assert chance["auc"] == pytest.approx(0.5, abs=0.02)
    for name in ("changes", "right", "wrong"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_truth_of_a_cohort_lies_in_its_abnormal_beats(data, cohort):
    truth = localise.truth_of(data, cohort / "truth.csv")
    abnormal = (data.index["class"] != "N").to_numpy()
    assert not truth[~abnormal].any() and truth[abnormal].any(1).mean() > 0.95
