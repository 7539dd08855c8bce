"""Exported weights score as the checkpoint does, in a process that never loads torch."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments import export
from experiments.screening import Screener, exported
from experiments.screening.shipped import EXPORTED, WEIGHTS
from experiments.training.checkpoint import open_detector
from preprocess import BadInput
from preprocess.readers import open_source

ROOT = Path(__file__).parents[2]
CLOSE = 1e-4


@pytest.fixture(scope="module")
def shipped():
    return open_detector(WEIGHTS, "cpu")


@pytest.fixture(scope="module", params=["exported now", "shipped"])
def graph(request, tmp_path_factory):
    if request.param == "shipped":
        return EXPORTED
    path = tmp_path_factory.mktemp("exported") / "b2igan.onnx"
    export.main(["--to", str(path)])
    return path


@pytest.fixture(scope="module")
def of_a_record(data):
    return data.beats(np.flatnonzero(data.index["record"] == data.index["record"].iloc[0]))


@pytest.mark.parametrize("context", ["none", "rhythm", "record"])
def test_scores_are_those_of_the_checkpoint(context, shipped, graph, of_a_record):
    _, detector = exported.open_exported(graph)
    scores = shipped[1].score(of_a_record, context)
    np.testing.assert_allclose(detector.score(of_a_record, context), scores, atol=CLOSE)


def test_errors_segments_and_normal_versions_are_too(shipped, graph, of_a_record):
    _, detector = exported.open_exported(graph)
    for ours, theirs in zip(detector.errors(of_a_record), shipped[1].errors(of_a_record)):
        np.testing.assert_allclose(ours, theirs, atol=CLOSE)
        assert detector.segments(ours) == shipped[1].segments(ours) if ours.ndim == 2 else True
    given = of_a_record[:5], of_a_record.beat_mv[5:40]
    versions = [each.normal_versions(*given) for each in (detector, shipped[1])]
    np.testing.assert_allclose(*versions, atol=CLOSE)


def test_a_graph_names_no_folder_of_the_machine_that_made_it(graph):
    assert str(ROOT).encode() not in graph.read_bytes() and b".py" not in graph.read_bytes()


def test_images_are_those_of_preprocessing(of_a_record):
    ours, theirs = exported.stored_images(of_a_record.beat_mv), of_a_record.image
    np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-3)


def test_thresholds_travel_with_it_and_can_be_moved(shipped, graph):
    checkpoint, _ = exported.open_exported(graph)
    assert checkpoint.reference == shipped[0].reference
    assert checkpoint.settings == shipped[0].settings
    assert "context_score.py" in json.loads(exported.files(graph)[1].read_text())["score"]


def test_screening_with_it_finds_the_same_without_torch(graph, cohort, tmp_path):
    path = sorted(cohort.glob("*.hea"))[0]
    program = (
        "import sys, options\n"
        "from experiments.screening.pipeline import screen_all\n"
        "screen_all(options.parse('main', sys.argv[1:]))\n"
        "print('torch' in sys.modules, file=sys.stderr)\n"
    )
    flags = ["--screen", path, "--outf", tmp_path]
    flags += [] if graph == EXPORTED else ["--checkpoint", graph]
    command = [sys.executable, "-c", program, *map(str, flags)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "False"
    expected = Screener(WEIGHTS).findings(open_source(path)).beats
    found = pd.read_csv(tmp_path / f"{path.stem}.csv")
    np.testing.assert_allclose(found["score"], expected["score"], atol=2 * CLOSE)
    np.testing.assert_array_equal(found["flagged"], expected["flagged"])
    assert (tmp_path / f"{path.stem}.html").exists()


def test_files_that_are_not_fit_are_one_sentence(graph, tmp_path):
    with pytest.raises(BadInput, match="export weights with python -m experiments.export"):
        exported.open_exported(tmp_path / "none.onnx")
    facts = json.loads(exported.files(graph)[1].read_text())
    copy = tmp_path / "b2igan.onnx"
    copy.write_bytes(graph.read_bytes())
    (tmp_path / "metadata.json").write_text(json.dumps(facts | {"version": 0}))
    with pytest.raises(BadInput, match="written by another version"):
        exported.open_exported(copy)
    (tmp_path / "metadata.json").write_text(json.dumps(facts))
    copy.write_bytes(graph.read_bytes() + b"more")
    with pytest.raises(BadInput, match="is not of"):
        exported.open_exported(copy)


def test_what_knows_its_patients_is_not_exported(weights, tmp_path):
    with pytest.raises(BadInput, match="for unseen patients"):
        export.main(["--checkpoint", str(weights), "--to", str(tmp_path / "x.onnx")])
    with pytest.raises(BadInput, match="does not end in .onnx"):
        export.main(["--to", str(tmp_path / "x.pt")])
