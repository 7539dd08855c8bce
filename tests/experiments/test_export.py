"""The exported graph scores as the checkpoint does, for a program that has nothing else of ours."""

import json
import os

import numpy as np
import pytest

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before it is imported
import onnxruntime

from experiments import export
from experiments.training.checkpoint import open_detector
from preprocess import BadInput


def test_scores_errors_and_thresholds_are_those_of_the_checkpoint(data, weights, tmp_path):
    checkpoint, detector = open_detector(weights, "cpu")
    export.main(["--checkpoint", str(weights), "--to", str(tmp_path / "x.onnx")])
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx")
    for n in (1, 40):
        beats = data.beats(np.arange(n))
        given = {"beats_mv": beats.beat_mv, "median_mv": beats.record_median_mv}
        score, over_time, over_map = session.run(None, given)
        np.testing.assert_allclose(score, detector.score(beats), atol=1e-3)
        error, error_over_time = detector.errors(beats)
        np.testing.assert_allclose(over_map, error[:, 0], atol=1e-3)

    facts = {
        name: json.loads(value)
        for name, value in session.get_modelmeta().custom_metadata_map.items()
    }
    assert facts["reference"] == checkpoint.reference["none"]
    assert facts["settings"] == checkpoint.settings and "score" in facts["meaning"]
    below = over_time < facts["segment_from"] - 1e-3  # beyond it size counts too, in the report
    np.testing.assert_allclose(over_time[below], error_over_time[below], atol=1e-3)


def test_what_cannot_be_exported_is_one_sentence(tmp_path):
    with pytest.raises(BadInput, match="does not end in .onnx"):
        export.main(["--to", str(tmp_path / "x.pt")])
