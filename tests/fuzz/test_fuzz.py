"""A minute of `python -m tests.fuzz`, the same in every run."""

from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz import targets, world
from tests.fuzz.__main__ import fuzz

CASES = 160  # of the cheapest targets


@pytest.fixture(scope="session")
def here(cohort, dataroot, weights, tmp_path_factory):
    return world.build(tmp_path_factory.mktemp("fuzz"), cohort, dataroot, weights)


@pytest.mark.parametrize("target", targets.TARGETS, ids=lambda target: target.name)
def test_what_is_damaged_is_refused_or_read_as_it_was_written(target, here):
    tried = Counter()
    failure = fuzz(target, here, CASES // target.cost, 0, tried)
    assert not failure, failure
    assert tried.total() >= min(5, CASES // target.cost)


def test_what_was_not_damaged_is_read(here):
    """Otherwise nothing above says anything."""
    for name in ("s16", "s212", "plain.edf", "gaps.edf", "times.csv"):
        rate_hz, values = world.signal_of(Path(here.folder / name))
        assert rate_hz == world.FS_HZ and len(values) >= len(here.truth)
    assert len(world.beats_of(here.folder / "s16")[0]) == world.SECONDS
    assert world.checkpoint_of(here.weights).finished
