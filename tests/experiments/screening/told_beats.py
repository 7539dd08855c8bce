"""Beats in their order, as rules on kinds and runs are given them."""

import numpy as np

from experiments.screening.rhythm.company import Beats
from preprocess.constants import FS_HZ

USUAL_S = 0.8
ODD, ALMOST_USUAL = -1.0, -3.5  # of otherness


def beats(rr_s, cluster=None, unlike=ODD, premature=None, noise=None):
    """Beats in order of time, with the interval before each against a usual one of USUAL_S."""
    rr_s, n = np.asarray(rr_s, float), len(rr_s)
    after_s = np.append(rr_s[1:], USUAL_S)
    return Beats(
        sample=np.round(np.cumsum(rr_s) * FS_HZ).astype(int),
        rr_s=np.append(np.nan, rr_s[1:]),
        cluster=np.full(n, -1) if cluster is None else np.asarray(cluster),
        before=np.log(rr_s / USUAL_S),
        after=np.log(after_s / USUAL_S),
        unlike=np.full(n, unlike),
        shorter=np.zeros(n, bool),
        noise=np.ones(n) if noise is None else noise,
        usual=np.ones(n, bool),
        premature=np.zeros(n, bool) if premature is None else premature,
        like_fusion=np.zeros(n, bool),
        p_in_place=np.zeros(n, bool),
        fibrillation=np.zeros(n, bool),
    )


def letters(text):
    return np.array(list(text))


def marks(found):
    return np.flatnonzero(found).tolist()
