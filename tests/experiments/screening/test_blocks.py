"""Blocks: a recording in parts, with what of it is readable, its beats and their scores."""

import numpy as np
import pytest
from screening_runs import lead_of, write_record

from experiments.screening import blocks
from experiments.screening.blocks import Reader, spans
from experiments.screening.scoring import score
from experiments.screening.screener import SignalSource
from preprocess import BadInput
from preprocess.readers import open_source
from preprocess.readers import wfdb as records
from preprocess.signal import quality


@pytest.fixture(scope="module")
def with_gap(record, tmp_path_factory):
    """A block with margins, of which 100 to 112 s are flat."""
    signal_mv = lead_of(record)
    signal_mv[100 * 360 : 112 * 360] = 0.1
    path = write_record(tmp_path_factory.mktemp("gap"), signal_mv)
    return Reader(open_source(path)).read(80 * 360, 200 * 360)


def test_spans_cover_the_recording_in_equal_parts(record, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_S", 100.0)
    source = open_source(record)
    starts, ends = zip(*spans(source))
    assert starts[0] == 0 and ends[-1] == source.length and starts[1:] == ends[:-1]
    lengths = np.array(ends) - starts
    assert np.ptp(lengths) <= 2 * quality.BIN and lengths.max() <= 100 * 360 + quality.BIN


def test_no_beat_lies_in_what_cannot_be_read_and_no_interval_across_it(with_gap):
    samples, times_s = with_gap.beats.sample, with_gap.beats.sample / 360
    assert samples.min() < with_gap.start and with_gap.end < samples.max()
    assert (with_gap.reason[22 * 360 : 30 * 360] > 0).all()
    assert len(with_gap.reason) == with_gap.end - with_gap.start
    assert not ((times_s > 101) & (times_s < 111)).any()
    after, rr_s = np.flatnonzero(times_s > 111)[0], with_gap.beats.rr_s
    assert np.isnan(rr_s[after, 0]) and np.isnan(rr_s[after - 1, 1])


def test_where_one_lead_is_off_the_other_goes_on(record):
    signal_mv = lead_of(record)
    leads_mv = np.stack([signal_mv, 0.5 * signal_mv], 1)
    leads_mv[100 * 360 : 140 * 360, 0] = 0.1
    block = Reader(SignalSource.of(leads_mv, 360, "two", ["I", "II"])).read(0, 200 * 360)
    assert not block.reason[101 * 360 : 139 * 360].any()
    there = np.isfinite(block.beats.leads_mv[:, :, 0])  # [k, leads]
    off = (block.beats.sample > 101 * 360) & (block.beats.sample < 139 * 360)
    assert off.sum() > 20 and there[:, 1].all() and not there[off, 0].any()
    np.testing.assert_array_equal(block.beats.beat_mv[off], block.beats.leads_mv[off, 1])


@pytest.mark.parametrize("context", ["none", "rhythm", "record"])
def test_margins_give_context_and_are_left_out(context, with_gap, detector):
    scored = score(with_gap, detector, context)
    assert len(scored.scores) == len(scored.beats) < len(with_gap.beats)
    assert np.isfinite(scored.scores).all()
    samples = scored.beats.sample
    assert with_gap.start <= samples.min() and samples.max() < with_gap.end
    assert (scored.beats.image is not None) == detector.reads_image(context)


def test_named_annotations_are_used_instead_of_detection(record):
    block = Reader(open_source(record), "atr").read(0, 36_000)
    assert len(block.beats) and set(block.beats.sample) <= set(records.read(record).samples)


def test_numbers_in_another_unit_are_refused(record):
    both = SignalSource.of(np.zeros((3600, 2)), 360, "night", ["II", "V5"])
    assert both.screened == ["II", "V5"] and both.stretch(0, 3600)[0].shape == (3600, 2)
    source = SignalSource.of(1000 * lead_of(record, 60), 360, "night", "II")
    with pytest.raises(BadInput, match="--units uV"):
        Reader(source).read(0, 60 * 360)
