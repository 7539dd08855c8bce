"""Changes of known kind, place and size, put into normal beats: what error maps are held against.

Written apart from preprocess.synthetic, which the discriminator and the localiser learn from, and
with other shapes and sizes; but hearts go wrong in so many ways only, and the kinds overlap: P
waves, QRS width and T waves are in both, and noise of a band is too. What this measures is
therefore finding a change of a known sort in a beat never seen, not finding the unheard-of; real
ectopic beats, of which no part was made here, are measured beside it.

Every change is faded in over 20 ms or more. A change is where it departs from the beat by more than
0.05 mV and 4 % of the QRS height, as in the truth of the simulated cohort; gaps and specks under 20
ms do not count, and a beat that hardly changes (no P wave to take away) is left out.
"""

import numpy as np
import torch
from scipy.ndimage import binary_closing, binary_opening
from scipy.signal import butter, sosfiltfilt

from preprocess import synthetic
from preprocess.beats import TIMES_S
from preprocess.constants import BEFORE, FS_HZ
from preprocess.simulate import FLOOR_MV, R_FRACTION

STRENGTHS = ("weak", "medium", "strong")
QRS_S, P_S, T_WAVE_S = (-0.06, 0.08), (-0.24, -0.06), (0.16, 0.42)
SPECK = 7  # samples: gaps and specks shorter than 20 ms are closed and dropped


# --- changes of known place -----------------------------------------------------------------------


def early_p(beats_mv, strength, rng):
    """The P wave 30, 60 or 90 ms earlier."""
    p, early_s = wave(beats_mv, P_S, 0.055), (0.03, 0.06, 0.09)[strength]
    return beats_mv - p + read_at(p, TIMES_S + early_s)


def missing_p(beats_mv, strength, rng):
    """The P wave without 50, 75 or 100 % of its height."""
    return beats_mv - (0.5, 0.75, 1.0)[strength] * wave(beats_mv, P_S, 0.055)


def wide_qrs(beats_mv, strength, rng):
    """The QRS 1.3, 1.6 or 2 times as wide."""
    qrs, factor = between(beats_mv, *QRS_S), (1.3, 1.6, 2.0)[strength]
    return beats_mv - qrs + read_at(qrs, TIMES_S / factor)


def inverted_t(beats_mv, strength, rng):
    """The T wave flat, upside down at half its height, or upside down."""
    return beats_mv - (1.0, 1.5, 2.0)[strength] * wave(beats_mv, T_WAVE_S, 0.1)


def tall_t(beats_mv, strength, rng):
    """The T wave 1.5, 2 or 3 times as high."""
    return beats_mv + (0.5, 1.0, 2.0)[strength] * wave(beats_mv, T_WAVE_S, 0.1)


def st_shift(beats_mv, strength, rng):
    """ST up or down by 0.1, 0.2 or 0.3 mV, from the J point for 110 ms and 40 ms of fading on
    either side."""
    up = rng.choice([-1.0, 1.0], (len(beats_mv), 1))
    return beats_mv + up * (0.1, 0.2, 0.3)[strength] * faded(TIMES_S, 0.05, 0.24, 0.04)


def notch(beats_mv, strength, rng):
    """A notch of 15, 30 or 45 % of the QRS height, 40 ms wide, 10 to 35 ms beside the R peak."""
    at_s = rng.uniform(0.01, 0.035, (len(beats_mv), 1)) * rng.choice([-1, 1], (len(beats_mv), 1))
    upright = np.sign(beats_mv[:, BEFORE : BEFORE + 1])
    return beats_mv - upright * (0.15, 0.3, 0.45)[strength] * height(beats_mv) * np.exp(
        -(((TIMES_S - at_s) / 0.01) ** 2)
    )


def extra_beat(beats_mv, strength, rng):
    """Another QRS, of the beat's own shape, 30, 50 or 80 % as high and half as wide again, before
    or after this one."""
    at_s = np.where(
        rng.random((len(beats_mv), 1)) < 0.5,
        rng.uniform(-0.31, -0.2, (len(beats_mv), 1)),
        rng.uniform(0.25, 0.42, (len(beats_mv), 1)),
    )
    qrs = between(beats_mv, *QRS_S)
    return beats_mv + (0.3, 0.5, 0.8)[strength] * read_at(qrs, (TIMES_S - at_s) / 1.5)


def local_noise(beats_mv, strength, rng):
    """Noise of 10 to 40 Hz and 0.05, 0.1 or 0.2 mV (root mean square) for 100 to 200 ms."""
    start_s, long_s = (
        rng.uniform(-0.37, 0.28, (len(beats_mv), 1)),
        rng.uniform(0.1, 0.2, (len(beats_mv), 1)),
    )
    noise = sosfiltfilt(
        butter(2, (10, 40), "bandpass", fs=FS_HZ, output="sos"),
        rng.standard_normal(beats_mv.shape),
        axis=1,
    )
    noise *= (0.05, 0.1, 0.2)[strength] / noise.std(1, keepdims=True)
    return beats_mv + noise * faded(TIMES_S, start_s, start_s + long_s, 0.03)


CHANGES = {
    "early P": early_p,
    "missing P": missing_p,
    "wide QRS": wide_qrs,
    "notch": notch,
    "ST shift": st_shift,
    "inverted T": inverted_t,
    "tall T": tall_t,
    "extra beat": extra_beat,
    "local noise": local_noise,
}


def inject(beats_mv, kind, strength, seed):
    """(n, WINDOW) normal beats to changed ones, and (n, WINDOW) bool: where each was changed."""
    changed = CHANGES[kind](
        beats_mv, STRENGTHS.index(strength), np.random.default_rng(seed)
    ).astype(np.float32)
    return changed, departs(changed - beats_mv, beats_mv)


def departs(difference_mv, beats_mv):
    """Where a change counts: above 0.05 mV and 4 % of the R amplitude, as in the truth of the
    simulated cohort."""
    floor_mv = np.maximum(FLOOR_MV, R_FRACTION * height(beats_mv))
    run = np.ones((1, SPECK))
    padded = np.pad(np.abs(difference_mv) > floor_mv, ((0, 0), (SPECK, SPECK)))
    return binary_opening(binary_closing(padded, run), run)[:, SPECK:-SPECK]


def height(beats_mv):
    """(n, 1) mV: from the lowest to the highest point of the QRS."""
    return np.ptp(beats_mv[:, (TIMES_S > QRS_S[0]) & (TIMES_S < QRS_S[1])], axis=1, keepdims=True)


def wave(beats_mv, reach_s, half_s):
    """(n, WINDOW): the wave whose peak stands out most within reach_s, half_s to either side; 0
    elsewhere."""
    within = np.abs(between(beats_mv, *reach_s)).argmax(1)[:, None]
    return between(beats_mv, TIMES_S[within] - half_s, TIMES_S[within] + half_s)


def between(beats_mv, start_s, end_s):
    """(n, WINDOW): what stands above the straight line between two instants (n, 1), faded out at
    both ends."""
    start_s, end_s = (np.broadcast_to(s, (len(beats_mv), 1)) for s in (start_s, end_s))
    low, high = read_at(beats_mv, start_s), read_at(beats_mv, end_s)
    line = low + (high - low) * np.clip((TIMES_S - start_s) / (end_s - start_s), 0, 1)
    return (beats_mv - line) * faded(TIMES_S, start_s, end_s, 0.02)


def faded(t_s, start_s, end_s, fade_s):
    """1 well between start and end, 0 outside, and a cosine of fade_s inside each end."""
    ramp = np.clip(np.minimum(t_s - start_s, end_s - t_s) / fade_s, 0, 1)
    return 0.5 - 0.5 * np.cos(np.pi * ramp)


def read_at(beats_mv, t_s):
    """(n, WINDOW) read at instants (n, m) or (m,), in s from R, between samples; held at the
    ends."""
    at = torch.from_numpy(t_s * FS_HZ + BEFORE)
    return synthetic.read_at(torch.from_numpy(beats_mv).to(at), at).numpy()
