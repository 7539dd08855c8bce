"""Numbers on pages: what is missing is a dash, what is there is rounded."""

import pytest

from experiments.reports import pages


@pytest.mark.parametrize("write", [pages.fixed, pages.percent, pages.count])
def test_what_is_missing_is_a_dash(write):
    assert [write(value) for value in (None, float("nan"), float("inf"))] == [pages.DASH] * 3


def test_numbers_are_rounded_as_their_name_says():
    assert pages.fixed(0.12345) == "0.1235" and pages.percent(0.1234) == "12.3\u202f%"
    assert pages.count(12345.0) == "12\u202f345"


def test_an_interval_has_two_ends_or_is_a_dash():
    assert pages.interval([0.1, 0.2], 2) == "0.10 to 0.20"
    assert pages.interval([0.1, None]) == pages.interval(None) == pages.interval([1]) == pages.DASH


def test_times_are_of_the_clock_where_the_start_is_known():
    assert pages.clock(3 * 3600 + 7 * 60 + 5.9) == pages.wall_clock(11225, None) == "3:07:05"
    assert pages.wall_clock(59, "2026-01-02T23:59:00") == "23:59:59"
    assert pages.wall_clock(3600, "2026-01-02T23:59:00") == "00:59:00 +1 d"
    assert pages.wall_clock(3600, "22:30:00") == "23:30:00"
