"""The bench measures what it says: the original's image, rates, and one object as its output."""

import json
import subprocess
import sys

import numpy as np
import pytest

from experiments import bench
from preprocess.readers import wfdb as records


def test_a_rate_counts_what_was_done_in_the_time_it_took(monkeypatch):
    now = [0.0]

    def work():
        # five beats in a hundredth of a second, by a clock that no other program can hold up
        now[0] += 0.01

    monkeypatch.setattr(bench.time, "perf_counter", lambda: now[0])
    assert bench.measure(work, 5) == pytest.approx(500)


def test_a_made_recording_is_as_long_as_asked_and_reads_like_its_source(cohort, tmp_path):
    made = records.read(bench.make_recording(cohort, 0.7, tmp_path), annotator=None)
    source = records.read(records.find_records(cohort)[0], annotator=None)
    assert len(made.signal_mv) == 0.7 * 3600 * 360
    n = len(source.signal_mv)
    np.testing.assert_allclose(made.signal_mv[:n], source.signal_mv, atol=0.003)
    np.testing.assert_allclose(
        made.signal_mv[6 * n : 6 * n + 1000], source.signal_mv[:1000], atol=0.003
    )


def test_command_prints_one_object(cohort, weights):
    code = (
        "import sys; from experiments import bench; bench.LEAST_S, bench.REPEATS = 0.01, 1; "
        "bench.N_BEATS, bench.N_SLOW = 512, 64; bench.main(sys.argv[1:])"
    )
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            "--records",
            str(cohort),
            "--hours",
            "0.1",
            "--checkpoint",
            str(weights),
        ],
        capture_output=True,
        text=True,
        cwd=bench.version.ROOT,
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert set(found["parts"]) == {
        "reading to windows",
        "R peaks",
        "STFT images",
        "training",
        "scoring, shared patients",
        "scoring, unseen patients",
    }
    assert found["screening"][0]["peak_mb"] > 100 and found["screening"][0]["beats"] > 100
