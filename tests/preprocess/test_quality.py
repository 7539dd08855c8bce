"""What cannot be read is marked with its reason, and nothing else is."""

import numpy as np
import pytest

from preprocess.quality import CELL, REASONS, unreadable
from preprocess.rpeaks import qrs_envelope

FS_HZ = 360
SPOILT = slice(60 * FS_HZ, 70 * FS_HZ)


@pytest.fixture
def signal_mv():
    """(n,) two minutes of beats with a little noise."""
    n, t = 120 * FS_HZ, np.arange(-40, 41)
    signal = 0.02 * np.random.default_rng(0).standard_normal(n)
    signal[np.arange(400, n - 400, 300)[:, None] + t] += np.exp(-0.5 * (t / 5) ** 2)
    return signal


def reasons(signal_mv, there=None):
    there = np.ones(len(signal_mv), bool) if there is None else there
    return unreadable(signal_mv, there, qrs_envelope(signal_mv))


def test_a_clean_recording_is_readable_throughout(signal_mv):
    assert not reasons(signal_mv).any()


@pytest.mark.parametrize(
    "reason, spoil",
    [
        ("flat", lambda mv: np.zeros(len(mv))),
        ("wild swings", lambda mv: mv + 10 * np.sign(np.sin(np.arange(len(mv)) / 20))),
        ("noise", lambda mv: mv + np.random.default_rng(1).standard_normal(len(mv))),
    ],
)
def test_a_spoilt_stretch_is_found_and_named(signal_mv, reason, spoil):
    signal_mv[SPOILT] = spoil(signal_mv[SPOILT])
    found = reasons(signal_mv)
    middle = found[SPOILT][3 * FS_HZ : -3 * FS_HZ]
    assert (middle > 0).mean() > 0.95
    assert REASONS[np.bincount(middle).argmax()] == reason
    assert not found[: 50 * FS_HZ].any() and not found[80 * FS_HZ :].any()


def test_a_short_stay_at_a_rail_is_not_called_flat(signal_mv):
    stuck = slice(60 * FS_HZ, 61 * FS_HZ)
    signal_mv[stuck] = 5.0
    found = reasons(signal_mv)
    assert (found[stuck] == REASONS.index("at a rail")).mean() > 0.9


def test_missing_samples_are_missing(signal_mv):
    there = np.ones(len(signal_mv), bool)
    there[SPOILT] = False
    found = reasons(signal_mv, there)
    assert (found[SPOILT] == REASONS.index("missing")).all()


def test_divided_at_cells_the_middle_is_judged_alike(signal_mv):
    signal_mv[SPOILT] = 0
    whole, start = reasons(signal_mv), 1200 * CELL
    part = reasons(signal_mv[start:])
    away = 25 * FS_HZ
    np.testing.assert_array_equal(part[away:], whole[start + away :])


def test_wander_makes_nothing_unreadable(signal_mv):
    wander = np.sin(2 * np.pi * 0.2 * np.arange(len(signal_mv)) / FS_HZ)
    assert not reasons(signal_mv + wander).any()
