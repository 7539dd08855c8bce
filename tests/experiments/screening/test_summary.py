"""The summary for the terminal."""

from experiments.screening import summary


def test_it_says_how_long_how_many_and_where_the_files_are(screened):
    findings, out = screened
    lines = summary.text(findings, out).splitlines()
    assert lines[0].startswith("  0:06:00 long, ") and f"{len(findings.table)} beats" in lines[0]
    assert f"{findings.flagged.sum()} beats to look at" in lines[1]
    assert "shape 1: " in lines[2] and lines[-1].endswith(".html  .csv  .b2i")


def test_clock():
    assert summary.clock(3 * 3600 + 7 * 60 + 5.9) == "3:07:05"
