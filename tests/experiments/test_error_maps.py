"""Baselines: each gives an error at every sample, and rare segments on normal beats."""

from argparse import Namespace

import numpy as np

from experiments.error_maps import Baseline, ErrorMap, baselines, difference_to_median
from experiments.training.checkpoint import load
from experiments.training.protocols import split
from preprocess.constants import WINDOW


def test_segments_of_a_baseline_are_rare_on_what_it_was_calibrated_on(data):
    beats = data.beats(split(data.index, "beatgan").calibration, with_image=False)
    baseline = Baseline(difference_to_median).calibrated(beats)
    inside = baseline.inside(baseline.error(beats))
    assert inside.shape == (len(beats), WINDOW) and inside.any(1).mean() < 0.03


def test_those_asked_for_come_and_no_other(data):
    asked = Namespace(baselines=["median", "chance"], seed=0)
    names = [name for name, _ in baselines(data, split(data.index, "beatgan"), asked)]
    assert names == ["difference to the record's median beat", "chance"]


def test_our_error_and_its_segments_agree(data, weights):
    method, beats = ErrorMap(load(weights).detector()), data.beats(np.arange(40))
    error = method.error(beats)
    assert method.inside(error).shape == error.shape == (40, WINDOW)
    assert not method.inside(np.zeros_like(error)).any()
