"""A made-up recording for the tests of the context: some of its beats are wide, without P wave."""

import numpy as np

from preprocess.beats import BEFORE, WINDOW, Beats


def recording_with_wide_beats(n, share_wide, seed=0):
    """n Beats of one recording, some with a wide QRS and no P wave, and which those are (n,)."""
    rng, t = np.random.default_rng(seed), np.arange(WINDOW) - BEFORE
    wide = rng.random(n) < share_wide
    qrs = np.exp(-0.5 * (t / np.where(wide, 14, 5)[:, None]) ** 2)
    p = np.where(wide, 0, 0.15)[:, None] * np.exp(-0.5 * ((t + 60) / 9) ** 2)
    st = np.where(wide, -0.3, 0.3)[:, None] * np.exp(-0.5 * ((t - 95) / 22) ** 2)
    traces = (qrs + p + st + 0.02 * rng.standard_normal((n, WINDOW))).astype(np.float32)
    rr_s = np.full((n, 3), 0.83, np.float32)
    return Beats(None, traces, np.full(n, "r", dtype="U8"), np.arange(n) * 300, rr_s), wide
