"""Scores of a block are those of its own beats, whatever gaps are in it."""

import numpy as np
import pytest
from screening_runs import lead_of, write_record

from experiments.screening.blocks import Reader
from experiments.screening.scoring import Scorer
from experiments.training.checkpoint import open_detector
from preprocess.readers import open_source


@pytest.mark.parametrize("context", ["none", "rhythm", "record"])
def test_margins_give_context_and_are_left_out(context, record, weights):
    _, detector = open_detector(weights, "cpu")
    block = Reader(open_source(record)).read(36_000, 72_000)
    scored = Scorer(detector, context).score(block)
    assert len(scored.scores) == len(scored.beats) < len(block.beats)
    assert np.isfinite(scored.scores).all() and block.beats.image is None
    assert scored.beats.sample.min() >= 36_000 and scored.beats.sample.max() < 72_000
    assert (scored.beats.image is not None) == detector.reads_image(context)


def test_gaps_give_finite_scores(record, weights, tmp_path):
    _, detector = open_detector(weights, "cpu")
    signal_mv = lead_of(record)
    signal_mv[100 * 360 : 112 * 360] = 0.1
    block = Reader(open_source(write_record(tmp_path, signal_mv))).read(0, len(signal_mv))
    scored = Scorer(detector, "rhythm").score(block)
    assert np.isnan(scored.beats.rr_s).any() and np.isfinite(scored.scores).all()


def test_a_block_without_beats_has_no_scores(weights, tmp_path):
    _, detector = open_detector(weights, "cpu")
    block = Reader(open_source(write_record(tmp_path, np.zeros(7200)))).read(0, 7200)
    scored = Scorer(detector, "none").score(block)
    assert len(scored.scores) == len(scored.beats) == 0
