"""Beats: filtering moves nothing, R peaks are found, windows and RR intervals are what they say."""

import numpy as np
import pytest

from preprocess import BadInput, beats
from preprocess.constants import PEAK_TOLERANCE
from preprocess.readers import wfdb as records
from preprocess.readers.wfdb import Recording


def train_of_beats(n_beats=30, rr=300, height_mv=1.0):
    """(n,) mV and the samples of its narrow R waves."""
    samples = 400 + rr * np.arange(n_beats)
    signal = np.zeros(samples[-1] + 400, np.float32)
    signal[samples[:, None] + np.arange(-15, 16)] = height_mv * np.exp(
        -0.5 * (np.arange(-15, 16) / 5) ** 2
    )
    return signal, samples


def recording(signal, samples, symbols=None):
    return Recording("r", "MLII", signal, samples, np.array(symbols or ["N"] * len(samples)))


def test_windows_stand_at_their_r_peak():
    cut = beats.windows(np.arange(2000.0), np.array([500, 900]))
    assert cut.shape == (2, 320)
    assert cut[0, beats.BEFORE] == 500 and cut[1, beats.BEFORE] == 900


def test_an_early_beat_shows_in_its_rr_intervals_and_not_in_the_local_one():
    samples = np.cumsum([360] * 20 + [180, 540] + [360] * 20)
    before_s, after_s, local_s = beats.rr_intervals(samples)
    early = 20
    assert before_s[early] == 0.5 and after_s[early] == 1.5 and local_s[early] == 1.0
    assert before_s[0] == local_s[0] and after_s[-1] == local_s[-1]


def test_beats_too_near_the_ends_are_left_out_but_count_as_neighbours():
    signal, samples = train_of_beats(rr=300)
    columns, windows = beats.cut(recording(signal, np.r_[100, samples]))
    assert columns["sample"][0] == 400 and len(windows) == len(columns["sample"])
    assert columns["rr_before_s"][0] == pytest.approx(300 / 360, abs=1e-3)


def test_annotations_that_are_no_beats_are_passed_over():
    signal, samples = train_of_beats(10)
    columns, _ = beats.cut(recording(signal, samples, list("N+~|NNNNNN")))
    assert len(columns["sample"]) == 7


def test_too_short_and_unannotated_recordings_are_explained():
    with pytest.raises(BadInput, match="shorter than one beat's window"):
        beats.cut(recording(np.ones(200, np.float32), np.array([100])))
    with pytest.raises(BadInput, match="has 0 annotated beats"):
        beats.cut(recording(np.ones(2000, np.float32), np.zeros(0, int)))


def test_counts_of_the_published_protocol(mitdb):
    """207's normals are known to lie off the detected peak, those of 100 on it."""
    kept = {}
    for name in ("100", "207"):
        columns, _ = beats.cut(records.read(mitdb / name))
        on_peak = columns["peak_distance"] < PEAK_TOLERANCE
        kept[name] = ((columns["class"] == "N") & on_peak).mean()
    assert kept["100"] > 0.98 and kept["207"] < 0.1
