"""What stands for a group is an example of it, with an error for each pixel."""

import numpy as np

from experiments.screening.pictures import panels
from experiments.training.checkpoint import open_detector


def test_a_picture_is_of_an_example_of_its_group(screened, weights):
    findings, _ = screened
    _, detector = open_detector(weights, "cpu")
    shown = panels(findings.groups, detector, findings.alarm.usual_mv)
    assert len(shown) == len(findings.groups) > 0
    for panel, group in zip(shown, findings.groups):
        beats_mv = [example.beat_mv for example in group.examples.values()]
        assert any(np.array_equal(panel.beat_mv, beat_mv) for beat_mv in beats_mv)
        assert panel.error.shape == (32, 32) and np.isfinite(panel.error).all()
        assert panel.generated_mv.shape == panel.beat_mv.shape
    assert panels([], detector, findings.alarm.usual_mv) == []
