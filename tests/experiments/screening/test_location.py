"""Where in a flagged beat: around the largest error, in seconds and hertz; and its picture."""

import numpy as np
import pytest

from experiments.screening.location import cluster_pictures, where
from preprocess import spectrogram
from preprocess.constants import WINDOW


def test_the_place_is_around_the_largest_error():
    error = np.zeros((1, 2, 32, 32))
    assert np.isnan(where(error)).all()
    error[0, 1, 4:8, 10:13] = 6.0
    error[0, 0, 20, 25] = 5.0  # another place, less
    times_s, freqs_hz = spectrogram.axes("complex")
    half_s = (times_s[1] - times_s[0]) / 2
    expected = [times_s[10] - half_s, times_s[12] + half_s, freqs_hz[4], freqs_hz[7]]
    np.testing.assert_allclose(where(error)[0], expected)


def test_of_a_trace_there_is_no_frequency():
    error = np.zeros((1, WINDOW))
    error[0, 140:150] = 1.0
    start_s, end_s, *band_hz = where(error, None)[0]
    assert start_s == pytest.approx(-0.5 / 360) and end_s == pytest.approx(9.5 / 360)
    assert np.isnan(band_hz).all()


def test_a_picture_is_of_an_example_of_its_cluster(screened, detector):
    findings, _ = screened
    shown = cluster_pictures(findings.clusters, detector, findings.patient_threshold)
    assert len(shown) == len(findings.clusters) > 0
    for picture, cluster in zip(shown, findings.clusters):
        beats_mv = [example.beat_mv for example in cluster.examples.values()]
        assert any(np.array_equal(picture.beat_mv, beat_mv) for beat_mv in beats_mv)
        assert picture.error.shape == (32, 32) and np.isfinite(picture.error).all()
        assert picture.generated_mv.shape == picture.beat_mv.shape
    assert cluster_pictures([], detector, findings.patient_threshold) == []
