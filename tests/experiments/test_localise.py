"""Segments fall where beats were changed, and normal beats have none."""

import json
from dataclasses import replace

import numpy as np
import pytest

import options
from experiments import localise
from experiments.changes import inject
from experiments.training import loop as training
from experiments.training.protocols import split
from models.b2igan import localiser
from preprocess.beats import WINDOW


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """(detector, normal test beats, folder for --outf) of a short training on the small cohort."""
    out = tmp_path_factory.mktemp("localised")
    given = ["--niter", "1", "--train-beats", "1000", "--device", "cpu", "--outf", str(out)]
    rows, opt = split(data.index, "beatgan"), options.parse("main", given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(localiser, "FEWEST_STEPS", 80)
        patch.setattr(training.MODELS["b2igan"], "contexts", ("none",))
        checkpoint = training.train(data, rows, opt, out / "b2igan/beatgan/fold0")
    normals = rows.test[rows.classes[rows.test] == "N"]
    return checkpoint.detector(), data.beats(localise.some(normals, 100, 0)), out


@pytest.mark.parametrize("kind", ["wide QRS", "extra beat", "tall T", "local noise"])
def test_the_error_is_where_the_beat_was_changed(trained, kind):
    """More clearly so than the difference to the record's median beat, and than by chance."""
    detector, beats, _ = trained
    ours = localise.error_map(detector)
    plain = localise.baseline(localise.difference_to_median, beats)
    found, other = (
        localise.measures(*localise.found_in(method, beats, kind, "strong"))
        for method in (ours, plain)
    )
    assert found["hit"] > 2 * found["changed"] and found["auc"] > 0.75
    assert found["dice"] > other["dice"]


def test_changed_beats_have_segments_and_normal_beats_few(trained):
    detector, beats, _ = trained
    method = localise.error_map(detector)
    marked = localise.on_changes(method, beats, ["strong"])
    assert marked["unchanged_marked"] < 0.2 < 2 * marked["strong"]["all"]["marked"]
    assert not method.inside(np.zeros((3, WINDOW))).any()


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


def test_command_prints_a_table_and_then_json(trained, data, dataroot, capsys):
    """A baseline that was trained takes part, one that was not is left out."""
    _, _, out = trained
    flags = ["--dataroot", str(dataroot), "--outf", str(out)]
    opt = options.parse("main", ["--model", "beatgan", "--train-beats", "64", "--niter", "1"])
    training.train(data, split(data.index, "beatgan"), opt, out / "beatgan/beatgan/fold0")
    capsys.readouterr()
    localise.main([*flags, "--beats", "60"])
    *table, last = capsys.readouterr().out.splitlines()
    result = json.loads(last)
    assert {"auc", "dice", "hit", "normals_marked", "lead", "v_inside_qrs_t"} <= set(result)
    assert any(line.startswith("b2igan-original is left out") for line in table)
    assert any(line.startswith("notch") for line in table)
    _, chance, trained_one = result["baselines"]
    assert (chance, trained_one) == ("chance", "beatgan, 1 epochs")
    chance = result["baselines"]["chance"]["medium"]["all"]
    assert chance["auc"] == pytest.approx(0.5, abs=0.05) and chance["auc"] < result["auc"]
    assert (out / "changes.png").exists()


def test_truth_of_a_cohort_lies_in_its_abnormal_beats(data, cohort):
    truth = localise.truth_of(data, cohort / "truth.csv")
    abnormal = (data.index["class"] != "N").to_numpy()
    assert not truth[~abnormal].any() and truth[abnormal].any(1).mean() > 0.95
