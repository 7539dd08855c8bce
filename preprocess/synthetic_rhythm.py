"""Synthetic anomalies of rhythm: RR intervals of normal beats, early and fusion beats put in."""

from itertools import chain

import numpy as np


def synthetic_rhythm(rr, rng):
    """RR intervals (m,) of normal beats to the same rhythm with beats put in, all in samples.

    Returns R peaks (k,) and the kind (k,) of each beat:
    0: normal;
    1: atrial, early, alone or in runs;
    2: ventricular, early, mostly with a full pause, or in short runs;
    3: fusion, about on time.
    In one recording of four most beats are early: what is frequent is then not what is normal.
    """
    mostly_early, atrial_runs, ventricular_runs = rng.random(3) < (0.25, 0.4, 0.4)
    shares = (
        rng.choice([0, 0.01, 0.03, 0.1, 0.4], p=[0.15, 0.25, 0.25, 0.2, 0.15])
        / (4 if atrial_runs else 1),
        rng.choice([0, 0.01, 0.05, 0.2, 0.4], p=[0.15, 0.2, 0.3, 0.2, 0.15]),
        rng.choice([0, 0.01, 0.05, 0.15], p=[0.4, 0.3, 0.2, 0.1]),
    )
    if mostly_early:
        shares = rng.uniform(0.15, 0.5), rng.choice([0, 0.02]), 0
    # The chance of an early beat, atrial or ventricular, to begin a run.
    in_runs = 1 if mostly_early else 0.5 * atrial_runs, 0.3 * ventricular_runs
    # The kind of beat that ends each interval; early ones and a pause take its place.
    drawn = (np.searchsorted(np.cumsum(shares), rng.random(len(rr) - 1), side="right") + 1) % 4
    intervals, kinds = [[interval] for interval in rr[1:]], [[kind] for kind in drawn]
    for i in np.flatnonzero(drawn):
        kind, before, interval = drawn[i], rr[i], rr[i + 1]
        if kind == 3:
            intervals[i] = [interval * rng.uniform(0.85, 1.02)]
            continue
        in_run = rng.random() < in_runs[kind - 1]
        coupling, length, pause = (_atrial if kind == 1 else _ventricular)(in_run, rng)
        early = [before * coupling * part for part in (1, *rng.uniform(0.95, 1.05, length - 1))]
        intervals[i], kinds[i] = [*early, interval * pause], [kind] * length + [0]
    return np.cumsum([*chain(*intervals)]).astype(int), np.array([*chain(*kinds)])


def _atrial(in_run, rng):
    """Coupling (part of an RR interval), number of beats, pause (part of an RR interval).

    One in three resets the sinus node; else the pause is full, or nearly.
    """
    coupling = rng.uniform(0.5, 0.9)
    pauses = rng.uniform(0.95, 1.15), 1 + 0.9 * (1 - coupling), 2 - coupling
    return coupling, int(rng.geometric(0.12)) if in_run else 1, pauses[rng.integers(3)]


def _ventricular(in_run, rng):
    """The same: a full compensatory pause, mostly.

    One in twenty is interpolated between two sinus beats.
    """
    coupling = rng.uniform(0.45, 0.95)
    pause = 2 - coupling if rng.random() < 0.7 else rng.uniform(0.95, 1.3)
    if rng.random() < 0.05:
        pause = max(0.5, 1.1 - coupling)
    return coupling, int(rng.integers(2, 8)) if in_run else 1, pause
