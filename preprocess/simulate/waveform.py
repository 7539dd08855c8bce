"""From the waves of each beat to a recording in mV, with what differs from beat to beat."""

import numpy as np

from preprocess.constants import FS_HZ
from preprocess.simulate.noise import bump, shaped_noise
from preprocess.simulate.waves import CENTRE, LEFT, QRS, RIGHT, T_WAVES, V1ST, P, Q, T

REACH_S = (0.45, 0.75)  # before and after R: where any wave of a beat is above nothing


def conducted(rng, subject, n):
    """(n, 9, 5) beats of the sinus node, or in fibrillation, at RR = 1 s."""
    beats = np.repeat(subject.normal[None], n, 0)
    if subject.trait == "intermittent block":
        beats[shaped_noise(rng, n, 1.0, bump(0, 0.005)) > 0.5] = subject.blocked
    return beats


def as_drawn(rng, subject, symbols, node_s, normals):
    """(beats, 9, 5) beats of these symbols at RR = 1 s, before any variation; normals: of
    `conducted`, what each would be."""
    beats = normals.copy()
    focus = np.array(subject.foci)[rng.integers(len(subject.foci), size=len(symbols))]
    p_of = {"A": subject.atrial_p, "a": subject.atrial_p, "J": subject.junctional_p}
    for symbol, p in p_of.items():
        beats[symbols == symbol, P] = p
    beats[symbols == "a", Q : T + 1] = subject.blocked[Q : T + 1]
    # V is all focus, F a blend of focus and conducted beat.
    ventricular = np.isin(symbols, ["V", "F"])
    share = np.where(symbols == "F", rng.uniform(0.35, 0.65, len(symbols)), 1.0)[:, None, None]
    beats[ventricular, V1ST:] = focus[ventricular, V1ST:]
    beats[ventricular, V1ST:, :CENTRE] *= share[ventricular]
    beats[ventricular, Q:V1ST, :CENTRE] *= 1 - share[ventricular]
    # The sinus P stays on schedule: short PR in F, blocked in V.
    beats[:, P, CENTRE] += np.nan_to_num(node_s)
    beats[np.isnan(node_s), P, :CENTRE] = 0
    return beats


def beat_variation(rng, subject, r_s, breathing, local_rr_s):
    """What differs from beat to beat, whatever the beat: three arrays (beats, 9).

    Amplitude factor, shift in s, time factor.
    """
    n, sd = len(r_s), 0.01 * subject.variation
    spread = np.array([6, 5, 2, 5, 4, 4, 3, 6, 4])  # P and T vary more than the QRS
    posture = shaped_noise(rng, n, 1.0, bump(0, 0.005))  # minutes
    gain = 1 + sd * spread * rng.standard_normal((n, 9)) + 4 * sd * posture[:, None]
    gain += subject.breathing_gain * breathing[:, None]
    shift_s = np.zeros((n, 9))
    shift_s[:, P] = 0.004 * subject.variation * rng.standard_normal(n)
    shift_s[:, T_WAVES] = 0.004 * subject.variation * rng.standard_normal((n, 1))
    stretch = np.ones((n, 9))
    stretch[:, T_WAVES] = np.cbrt(local_rr_s)[:, None]
    return np.clip(gain, 0.5, 1.5), shift_s, stretch


def vary(beats, variation):
    """Beats with their variation, moved: the largest MLII deflection of the QRS is at 0 s."""
    gain, shift_s, stretch = variation
    beats = beats.copy()
    beats[..., :CENTRE] *= gain[..., None]
    beats[..., CENTRE:] *= stretch[..., None]
    beats[..., CENTRE] += shift_s
    t_s = np.arange(-0.1, 0.12, 0.001)
    qrs_mv = draw(beats[:, QRS], t_s)[..., 0]
    beats[..., CENTRE] -= t_s[np.abs(qrs_mv).argmax(1)][:, None]
    return beats


def draw(beats, t_s):
    """(n, waves, 5) beats to (n, samples, 2) mV.

    t_s: (samples,) or (n, samples), seconds from their R.
    """
    t_s = np.broadcast_to(t_s, (len(beats), np.shape(t_s)[-1]))
    signal_mv = np.zeros((*t_s.shape, 2))
    for wave in np.moveaxis(beats, 1, 0):
        used = wave[:, :CENTRE].any(1)  # most beats lack most of the waves
        away_s = t_s[used] - wave[used, CENTRE, None]
        width_s = np.where(away_s < 0, wave[used, LEFT, None], wave[used, RIGHT, None])
        height = np.exp(-0.5 * (away_s / width_s) ** 2)  # [used, samples]
        signal_mv[used] += height[..., None] * wave[used, None, :CENTRE]
    return signal_mv


def draw_recording(beats, r_s, n):
    """(n, 2) mV, noise-free: every beat where it belongs."""
    r_sample = np.round(r_s * FS_HZ).astype(int)
    # [beats, samples of a beat]
    at = np.arange(-int(REACH_S[0] * FS_HZ), int(REACH_S[1] * FS_HZ)) + r_sample[:, None]
    beat_mv = draw(beats, at / FS_HZ - r_s[:, None])
    inside = (at >= 0) & (at < n)
    return np.stack([np.bincount(at[inside], beat_mv[inside, lead], n) for lead in (0, 1)], 1)
