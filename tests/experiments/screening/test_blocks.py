"""Blocks: a recording in parts, with what of it is readable and its beats."""

import numpy as np
import pytest
from screening_runs import lead_of, write_record

from experiments.screening import blocks
from experiments.screening.blocks import Reader, spans
from preprocess import BadInput
from preprocess.readers import open_source
from preprocess.readers import wfdb as records
from preprocess.signal import quality


def test_spans_cover_the_recording_in_equal_parts(record, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_S", 100.0)
    source = open_source(record)
    found = spans(source)
    starts, ends = zip(*found)
    assert starts[0] == 0 and ends[-1] == source.length and starts[1:] == ends[:-1]
    lengths = np.array(ends) - starts
    assert np.ptp(lengths) <= 2 * quality.CELL and lengths.max() <= 100 * 360 + quality.CELL


def test_beats_of_the_margins_are_read_too(record):
    block = Reader(open_source(record)).read(36_000, 72_000)
    samples = block.beats.sample
    assert block.first < samples.min() < block.start and block.end < samples.max()
    assert len(block.reason) == block.end - block.start


def test_no_beat_lies_in_what_cannot_be_read_and_no_interval_across_it(record, tmp_path):
    signal_mv = lead_of(record)
    signal_mv[100 * 360 : 112 * 360] = 0.1
    block = Reader(open_source(write_record(tmp_path, signal_mv))).read(0, len(signal_mv))
    times_s = block.beats.sample / 360
    assert (block.reason[102 * 360 : 110 * 360] > 0).all()
    assert not ((times_s > 101) & (times_s < 111)).any()
    after = np.flatnonzero(times_s > 111)[0]
    assert np.isnan(block.beats.rr_s[after, 0]) and np.isnan(block.beats.rr_s[after - 1, 1])


def test_named_annotations_are_used_instead_of_detection(record):
    block = Reader(open_source(record), "atr").read(0, 36_000)
    assert len(block.beats) and set(block.beats.sample) <= set(records.read(record).samples)


def test_numbers_in_another_unit_are_said(record, tmp_path):
    path = tmp_path / "night.csv"
    np.savetxt(path, 1000 * lead_of(record, 60), header="MLII", comments="", fmt="%.0f")
    with pytest.raises(BadInput, match="--units uV"):
        Reader(open_source(path, fs_hz=360)).read(0, 60 * 360)
