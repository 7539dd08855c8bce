"""When the heart beats: sinus rhythm, where ectopic beats fall in it, and the pauses after them."""

import numpy as np

from preprocess.simulate.noise import bump, shaped_noise

TACHOGRAM_HZ = 4  # samples a second of breathing and heart rate
MIN_COUPLING_S = 0.38  # an ectopic beat finds the ventricles recovered, R-on-T is left out

# Coupling of supraventricular and fusion beats, as parts of RR; that of V is the subject's own.
COUPLING = {"F": (0.87, 0.96), "A": (0.6, 0.84), "a": (0.54, 0.66), "J": (0.62, 0.84)}
V_COUPLING_SPREAD = 0.03
LATEST = 0.97  # of RR
FIBRILLATING_SD = 0.25  # of RR intervals, as a part of their mean: without order


def sinus_rhythm(rng, subject, breathing, duration_s):
    """(beats,) R times in s for `duration_s` and some more.

    From a tachogram sampled like `breathing`, at TACHOGRAM_HZ.
    The beats are where the integral of the rate 1 / RR(t) passes the whole numbers.
    In fibrillation each interval is drawn by itself.
    """
    if subject.trait == "fibrillation":
        n, shape = round(1.5 * duration_s / subject.rr_s), FIBRILLATING_SD**-2
        rr_s = np.maximum(subject.rr_s * rng.gamma(shape, 1 / shape, n), MIN_COUPLING_S)
        times_s = np.cumsum(rr_s)
        return times_s[: np.searchsorted(times_s, 1.2 * duration_s)]
    mayer = shaped_noise(rng, len(breathing), TACHOGRAM_HZ, bump(0.1, 0.01))
    drift = shaped_noise(rng, len(breathing), TACHOGRAM_HZ, bump(0.0, 0.005))
    rr_s = (np.sqrt(subject.lf_hf) * mayer + breathing) / np.sqrt(subject.lf_hf + 1) + drift
    rr_s = np.clip(subject.rr_s + subject.rr_sd_s * rr_s, 0.7 * subject.rr_s, 1.4 * subject.rr_s)
    phase = np.cumsum(1 / rr_s) / TACHOGRAM_HZ
    wanted = np.arange(1, phase[-1])
    times_s = np.interp(wanted, phase, np.arange(len(phase)) / TACHOGRAM_HZ)
    return times_s[: np.searchsorted(times_s, 1.2 * duration_s)]


def place_ectopics(rng, subject, n):
    """(n,) symbols of beats: singles, couplets and bigeminy, each with sinus beats around it."""
    symbols = np.full(n, subject.conduction)
    free = np.ones(n, bool)
    free[:4] = free[-4:] = False
    for symbol, share in subject.burden.items():
        wanted = max(1, rng.poisson(share * n))
        for k in rng.permutation(n):
            if wanted <= 0:
                break
            event = np.array([k])
            if symbol in "VA" and rng.random() < subject.bigeminy:
                event = k + 2 * np.arange(rng.integers(4, 10))
            elif symbol == "V" and rng.random() < subject.couplets:
                event = np.array([k, k + 1])
            around = slice(event[0] - 1, event[-1] + 3)
            if event[-1] + 3 <= n and free[around].all():
                symbols[event], free[around] = symbol, False
                wanted -= len(event)
    return symbols


def time_ectopics(rng, subject, sinus_s, symbols):
    """(beats,) R times with the ectopic beats early, and when the sinus node was due; both in s.

    The second is (beats,) s after each R: 0 in conducted beats, NaN where it was not due at all.
    """
    sinus_rr_s = np.diff(sinus_s, prepend=0)
    rr_s, node_s = sinus_rr_s.copy(), np.zeros(len(symbols))
    of_v = subject.v_coupling - V_COUPLING_SPREAD, subject.v_coupling + V_COUPLING_SPREAD
    coupling = COUPLING | {"V": of_v}
    for k in np.flatnonzero(symbols != subject.conduction):
        part = min(rng.uniform(*coupling[symbols[k]]) + subject.late, LATEST)
        rr_s[k] = max(MIN_COUPLING_S, sinus_rr_s[k] * part)
        if symbols[k] not in "VF":
            rr_s[k + 1] *= rng.uniform(1.02, 1.14)  # the sinus node starts anew
        elif symbols[k - 1] != "V":
            node_s[k] = sinus_rr_s[k] - rr_s[k]
            rr_s[k + 1] = node_s[k] + sinus_rr_s[k + 1]
        else:
            # After a couplet the node is next conducted when it would be after one V, or a beat
            # later where that is too soon.
            node_s[k] = np.nan
            rr_s[k + 1] = sinus_rr_s[k - 1] + sinus_rr_s[k] - rr_s[k - 1] - rr_s[k]
            if rr_s[k + 1] < 0.7 * sinus_rr_s[k + 1]:
                rr_s[k + 1] += sinus_rr_s[k + 1]
    return np.cumsum(rr_s), node_s
