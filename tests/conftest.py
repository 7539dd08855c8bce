"""What tests share: real records where there are any, and a small simulated cohort."""

import os
import signal
from pathlib import Path

import pytest

import options
from experiments.training.loop import train
from experiments.training.protocols import split
from models.b2igan import localiser
from preprocess import dataset, simulate

# As a job in the background pytest ignores it, and so would the commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def mitdb():
    """Folder with the real MIT-BIH records; without MITDB_DIR, tests that need it skip."""
    folder = os.environ.get("MITDB_DIR")
    if not folder:
        pytest.skip("MITDB_DIR names no folder with the real MIT-BIH records")
    return Path(folder)


@pytest.fixture(scope="session")
def cohort(tmp_path_factory):
    """Folder of a small simulated cohort, as WFDB records."""
    folder = tmp_path_factory.mktemp("cohort") / "records"
    simulate.simulate(folder, subjects=6, minutes=6.0, seed=1, progress=False)
    return folder


@pytest.fixture(scope="session")
def dataroot(cohort, tmp_path_factory):
    """The small cohort, preprocessed with the default image."""
    folder = tmp_path_factory.mktemp("data") / "complex"
    dataset.make(cohort, folder)
    return folder


@pytest.fixture(scope="session")
def data(dataroot):
    return dataset.load(dataroot)


@pytest.fixture(scope="session")
def weights(data, dataroot, tmp_path_factory):
    """Checkpoint of a detector trained for an epoch on the small cohort, with a hasty error map."""
    folder = tmp_path_factory.mktemp("weights")
    given = ["--niter", "1", "--dataroot", str(dataroot), "--device", "cpu"]
    opt = options.parse("main", given)
    with pytest.MonkeyPatch.context() as patch:
        _hurry(patch)
        train(data, split(data.index, opt.protocol, opt.folder), opt, folder)
    return folder / "checkpoint.pt"


@pytest.fixture(scope="module")
def hasty_map():
    """The error map learns for a few steps only, where tests do not look at it closely."""
    with pytest.MonkeyPatch.context() as patch:
        _hurry(patch)
        yield


def _hurry(patch):
    patch.setattr(localiser, "FEWEST_STEPS", 10)
    patch.setattr(localiser, "PASSES", 0)
