"""What the tests of screening share: a simulated record, and what screening it gives."""

import pytest
from screening_runs import run

from experiments.training.checkpoint import open_detector


@pytest.fixture(scope="session")
def record(cohort):
    """Path of one simulated record, without ending."""
    return sorted(cohort.glob("*.hea"))[0].with_suffix("")


@pytest.fixture(scope="session")
def screened(record, weights, tmp_path_factory):
    """Findings of that record, and the folder with its outputs."""
    out = tmp_path_factory.mktemp("screened")
    return run(record, weights, out, "--false-alarms-per-hour", 60), out


@pytest.fixture(scope="session")
def detector(weights):
    return open_detector(weights, "cpu")[1]
