"""The bench measures what it says: rates, all beats of a recording; it prints one object last."""

import json
import subprocess
import sys

import numpy as np
import pytest

from experiments import bench
from preprocess.classes import CLASS_OF
from preprocess.readers import wfdb as records


def test_a_made_recording_is_as_long_as_asked_and_reads_like_its_source(cohort, tmp_path):
    made = records.read(bench.make_recording(cohort, 0.7, tmp_path), annotator=None)
    source = records.read(records.find_records(cohort)[0], annotator=None)
    assert len(made.signal_mv) == 0.7 * 3600 * 360
    n = len(source.signal_mv)
    again = made.signal_mv[6 * n : 6 * n + 1000]
    np.testing.assert_allclose(made.signal_mv[:n], source.signal_mv, atol=0.003)
    np.testing.assert_allclose(again, source.signal_mv[:1000], atol=0.003)


@pytest.fixture(scope="module")
def found(cohort, weights):
    """What the command prints last, of a recording that is the cohort's first one."""
    code = (
        "import sys; from experiments import bench; bench.REPEATS = 1; "
        "bench.N_BEATS, bench.N_BATCH = 512, 64; bench.main(sys.argv[1:])"
    )
    flags = ["--records", str(cohort), "--hours", "0.1", "--checkpoint", str(weights)]
    command = [sys.executable, "-c", code, *flags]
    done = subprocess.run(command, capture_output=True, text=True, cwd=bench.source_digest.ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_beats_of_the_recording_are_counted(found, cohort):
    symbols = records.read(records.find_records(cohort)[0]).symbols
    annotated = np.isin(symbols, list(CLASS_OF)).sum()
    (screening,) = found["screening"]
    assert list(found["parts"]) == ["STFT images", "training", "scoring"]
    assert abs(screening["beats"] - annotated) < 0.03 * annotated
    assert screening["peak_mb"] > 0 and screening["seconds"] > 0
