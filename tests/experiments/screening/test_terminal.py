"""The summary for the terminal, and times in words."""

from datetime import datetime

from experiments.screening import terminal
from experiments.screening.times import clock, wall_clock


def test_it_says_how_long_how_many_and_where_the_files_are(screened):
    findings, out = screened
    lines = terminal.text(findings, out).splitlines()
    assert lines[0].startswith("  0:06:00 long, ") and f"{len(findings.table)} beats" in lines[0]
    assert lines[1].startswith("  V ") and "fibrillation" in lines[1] and "pause" in lines[1]
    assert f"{findings.flagged.sum()} beats to look at" in lines[2]
    assert "shape 1: " in lines[3] and lines[-1].endswith(".html  .csv  .b2i  .json")


def test_clock():
    assert clock(3 * 3600 + 7 * 60 + 5.9) == "3:07:05"


def test_the_time_of_day_where_the_start_is_known():
    start = datetime(2026, 1, 2, 23, 59, 0)
    assert wall_clock(59, start) == "23:59:59"
    assert wall_clock(3600, start.isoformat()) == "00:59:00 +1 d"
    assert wall_clock(3600, None) == "1:00:00"
    assert wall_clock(3600, "22:30:00") == "23:30:00"


def test_bigeminy_is_said_where_there_was_any():
    ectopy = {"count": 40, "percent": 2.0, "runs": 1, "couplets": 2}
    summary = {
        "ventricular": ectopy | {"bigeminy_s": 75.0, "trigeminy_s": 0.0},
        "supraventricular": ectopy,
        "fibrillation": {"burden_percent": 0.0},
        "pauses": {"count": 0, "longest_s": None},
    }
    said = terminal.rhythm(summary)
    assert "2 couplets, bigeminy 0:01:15)" in said and "trigeminy" not in said
