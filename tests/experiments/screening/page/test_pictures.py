"""What stands for a cluster is an example of it, with an error for each pixel."""

import numpy as np

from experiments.screening.page.pictures import cluster_pictures
from experiments.training.checkpoint import open_detector


def test_a_picture_is_of_an_example_of_its_cluster(screened, weights):
    findings, _ = screened
    _, detector = open_detector(weights, "cpu")
    shown = cluster_pictures(findings.clusters, detector, findings.patient_threshold)
    assert len(shown) == len(findings.clusters) > 0
    for picture, cluster in zip(shown, findings.clusters):
        beats_mv = [example.beat_mv for example in cluster.examples.values()]
        assert any(np.array_equal(picture.beat_mv, beat_mv) for beat_mv in beats_mv)
        assert picture.error.shape == (32, 32) and np.isfinite(picture.error).all()
        assert picture.generated_mv.shape == picture.beat_mv.shape
    assert cluster_pictures([], detector, findings.patient_threshold) == []
