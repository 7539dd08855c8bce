"""A simulated cohort of two-lead Holter ECGs as WFDB records, with the truth about what is abnormal and where.

For tests, demonstrations and error-map checks where no recordings can be had. It is no substitute for patients:
every header says 'simulated', and a result on it says nothing about a clinic.

Model
-----
* Waves: each beat is a sum of Gaussians, one per wave, as in ECGSYN (McSharry PE, Clifford GD, Tarassenko L,
  Smith LA. A dynamical model for generating synthetic electrocardiogram signals. IEEE Trans Biomed Eng 2003;
  50(3):289-294), here in closed form, in seconds from the R peak and per lead (Sameni R, Clifford GD, Jutten C,
  Shamsollahi MB. Multichannel ECG and noise modeling: application to maternal and fetal ECG signals. EURASIP J
  Adv Signal Process 2007:043407), with a width for either side of a wave, so that T can rise slowly and fall
  fast. T moves and widens with the cube root of RR (Fridericia LS. Acta Med Scand 1920;53:469-486).
* Sinus rhythm: RR with ECGSYN's bimodal spectrum, 0.1 Hz (Mayer waves) and the breathing rate (respiratory
  sinus arrhythmia), which also sways baseline and amplitude; a slower drift of the rate is added.
* Ectopic beats: V and F leave the sinus node alone, so it fires on schedule (full compensatory pause, the
  blocked P somewhere in V's QRS-T); A, a and J reset it (shorter pause).
* Noise: baseline wander, electrode drift and jumps, mains, muscle noise falling with frequency and in bursts.

Truth
-----
For every abnormal beat, `truth.csv` lists the spans, in seconds from the R annotation and within the window
[-140, 180) samples, where lead MLII *without noise* departs from the same subject's normal beat drawn at the same
place: same R instant, breathing and beat-to-beat variation, normal neighbours one local sinus RR away. So the
previous T arriving early counts, and a missing P, and a next P that a pause took out of the window. "Departs" is
more than 0.05 mV or 4 % of the subject's R amplitude, whichever is larger; for a beat that hardly departs, half of
its own largest departure. Gaps under 20 ms are bridged, specks under 20 ms dropped. `kind` is the region ('before
P', 'P', 'QRS', 'T': all after the QRS) that holds most of the span's departure (mV s). Only beats annotated as
abnormal are listed: a normal beat after a pause, say, has no rows.
"""

import csv
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb
from tqdm import tqdm

from preprocess import BadInput

VERSION = 1  # change with anything that changes the bytes, so that an old cohort is not taken for a new one
TRUTH = "truth.csv"
TRUTH_COLUMNS = ("record", "sample", "symbol", "kind", "start_s", "end_s")
FS_HZ = 360
GAIN_ADU_PER_MV = 200
BASELINE_ADU = 1024
WINDOW = np.arange(-140, 180)  # samples around R, the window of every detector in this repository
FLOOR_MV, R_FRACTION = 0.05, 0.04
SHORTEST_S = 0.02
TACHOGRAM_HZ = 4
MIN_COUPLING_S = 0.38  # an ectopic beat finds the ventricles recovered, R-on-T is left out

# A beat is an array (9 waves, 5 columns); the last three waves belong to a ventricular focus and are 0 in others.
WAVES = (
    "P",
    "Q",
    "R",
    "S",
    "X",
    "T",
    "V1ST",
    "V2ND",
    "VT",
)  # X: the second half of a left-bundle QRS
P, Q, R, S, X, T, V1ST, V2ND, VT = range(9)
MLII_MV, V1_MV, CENTRE, LEFT, RIGHT = range(
    5
)  # amplitude in each lead, then seconds: centre, width either side
QRS, T_WAVES = [Q, R, S, X, V1ST, V2ND], [T, VT]

# Conduction, trait, share of each ectopic beat, chance that an event starts bigeminy or is a couplet, noise factor.
# The first subjects cover the usual cases; a larger cohort repeats the list with other draws.
PROFILES = (
    ("N", "", {"V": 0.09, "F": 0.020, "A": 0.01}, 0.02, 0.1, 1.0),
    ("N", "", {"A": 0.11, "a": 0.020, "V": 0.01}, 0.02, 0.0, 1.0),
    ("L", "", {"V": 0.06, "A": 0.030}, 0.00, 0.1, 1.0),
    ("N", "", {"V": 0.05, "A": 0.050, "J": 0.01, "F": 0.01}, 0.00, 0.1, 1.6),
    ("N", "", {"A": 0.004}, 0.00, 0.0, 1.0),
    ("R", "", {"A": 0.08, "V": 0.030}, 0.00, 0.0, 1.0),
    ("N", "flat P", {"V": 0.08, "F": 0.020}, 0.00, 0.4, 3.0),
    ("N", "tall T", {"A": 0.05, "a": 0.040, "J": 0.02}, 0.00, 0.0, 1.0),
    ("N", "", {"V": 0.20, "F": 0.030}, 0.25, 0.1, 1.0),
    ("N", "inverted T", {"V": 0.005}, 0.00, 0.0, 1.6),
    ("N", "wide P", {"J": 0.06, "A": 0.070}, 0.00, 0.0, 3.0),
    ("N", "", {"A": 0.13, "V": 0.020, "a": 0.02}, 0.15, 0.0, 1.0),
)


@dataclass
class Subject:
    """One simulated person: what their beats look like, how their heart keeps time, how the recording is."""

    name: str
    conduction: str  # 'N', or 'L', 'R': bundle-branch block as their normal rhythm, and its symbol
    normal: np.ndarray  # (9, 5) waves at RR = 1 s, as are the next two
    blocked: np.ndarray  # (9, 5) their beat with an aberrant, bundle-branch-like QRS
    foci: list  # one or two (9, 5) ventricular beats
    atrial_p: np.ndarray  # (5,) P of an atrial premature beat
    junctional_p: np.ndarray  # (5,) retrograde P, or none
    burden: dict  # symbol -> share of all beats
    bigeminy: float
    couplets: float
    v_coupling: float  # fraction of RR
    rr_s: float
    rr_sd_s: float
    lf_hf: float  # variance ratio, ECGSYN's sigma_1^2 / sigma_2^2
    breathing_hz: float
    breathing_gain: float  # amplitude modulation, fraction
    variation: float  # beat-to-beat, factor
    noise: float  # factor
    leads: tuple


# ---------------------------------------------------------------------------------------------- one subject


def waves(**rows):
    """(9, 5) beat from `wave=(mlii_mv, v1_mv, centre_s, left_s[, right_s])`; waves not named have no amplitude."""
    beat = np.zeros((9, 5))
    beat[:, LEFT:] = 0.01
    for name, row in rows.items():
        beat[WAVES.index(name)] = row if len(row) == 5 else (*row, row[-1])
    return beat


def conducted_beat(rng, conduction, trait=""):
    """(9, 5) sinus beat: narrow QRS ('N') or that of left ('L') or right ('R') bundle-branch block."""
    u = rng.uniform
    r_mv, width_s = u(0.8, 1.8), u(0.009, 0.013)
    p = (u(0.10, 0.2), u(0.03, 0.09), -u(0.14, 0.18), u(0.018, 0.024))
    t_left_s, t_right_s, t_s = u(0.045, 0.06), u(0.03, 0.042), u(0.27, 0.31)
    t = (r_mv * u(0.15, 0.32), u(-0.15, 0.25), t_s, t_left_s, t_right_s)
    if trait == "flat P":
        p = (u(0.06, 0.08), 0.03, *p[2:])
    if trait == "wide P":
        p = (u(0.12, 0.16), -0.08, p[2] - 0.015, u(0.028, 0.033))
    if trait == "tall T":
        t = (r_mv * u(0.45, 0.6), 0.5, *t[2:])
    if trait == "inverted T":
        t = (-u(0.15, 0.3), -0.1, *t[2:])
    if conduction == "L":  # broad notched R, deep QS in V1, T against the QRS
        r_mv = u(0.7, 1.2)
        return waves(
            P=p,
            Q=(0, 0.1, -0.035, 0.01),
            R=(r_mv, -u(0.8, 1.2), 0, u(0.014, 0.017)),
            X=(r_mv * u(0.6, 0.85), -u(0.6, 0.9), u(0.036, 0.042), u(0.017, 0.02)),
            T=(-u(0.15, 0.35), u(0.2, 0.4), t_s + 0.04, t_left_s, t_right_s),
        )
    q = (-u(0.02, 0.15), u(0.1, 0.3), -2.6 * width_s, 0.8 * width_s)
    if conduction == "R":  # late wide S, r-s-R' in V1 with T against it
        return waves(
            P=p,
            Q=q,
            R=(r_mv, -u(0.2, 0.5), 0, width_s),
            S=(-u(0.25, 0.5), u(0.5, 0.9), 0.05, u(0.02, 0.025)),
            T=(t[0], -u(0.15, 0.3), t_s + 0.02, t_left_s, t_right_s),
        )
    return waves(
        P=p,
        Q=q,
        R=(r_mv, -u(0.5, 1.2), 0, width_s),
        T=t,
        S=(-r_mv * u(0.05, 0.3), -u(0.1, 0.3), 2.7 * width_s, u(0.9, 1.2) * width_s),
    )


def ventricular_beat(rng):
    """(9, 5) premature ventricular beat: wide, no P of its own, T against the QRS."""
    u = rng.uniform
    sign, v1_sign, size_mv = rng.choice([-1, 1, 1]), rng.choice([-1, 1]), u(1.0, 2.0)
    v1_mv = v1_sign * u(0.7, 1.6)
    second_s = rng.choice([-1, 1]) * u(0.06, 0.08)
    return waves(
        V1ST=(sign * size_mv, v1_mv, 0, u(0.026, 0.036), u(0.028, 0.042)),
        V2ND=(-sign * size_mv * u(0.1, 0.45), -v1_mv * u(0, 0.3), second_s, u(0.022, 0.03)),
        VT=(
            -sign * size_mv * u(0.22, 0.4),
            -v1_mv * u(0.2, 0.4),
            u(0.31, 0.36),
            u(0.06, 0.075),
            0.05,
        ),
    )


def atrial_p(rng, p):
    """(5,) P of an ectopic atrial focus: inverted, flat or peaked, and a shorter PR."""
    shape = rng.choice([-1.0, 0.3, 1.7]) * rng.uniform(0.8, 1.1)
    return p * [
        shape,
        rng.choice([-1, 1]),
        rng.uniform(0.72, 0.88),
        *[0.8 if shape > 1 else 1.0] * 2,
    ]


def junctional_p(rng, p):
    """(5,) retrograde P: just before the QRS, hidden in it or after it."""
    size, centre_s = [(-0.9, -0.085), (0, -0.085), (-0.8, rng.uniform(0.11, 0.16))][rng.integers(3)]
    return np.array([size * p[MLII_MV], -size * p[V1_MV], centre_s, *p[LEFT:]])


def draw_subject(rng, number):
    """Subject `number` (from 1): the profile says what they have, `rng` how it looks."""
    conduction, trait, burden, bigeminy, couplets, noise = PROFILES[(number - 1) % len(PROFILES)]
    u = rng.uniform
    normal = conducted_beat(rng, conduction, trait)
    blocked = normal.copy()
    aberrant = conducted_beat(
        rng, rng.choice(["R", "R", "L"])
    )  # mostly right: its refractory period is longer
    aberrant[:, :CENTRE] *= normal[R, MLII_MV] / aberrant[R, MLII_MV]
    blocked[[*QRS, T]] = aberrant[[*QRS, T]]
    share = u(0.6, 1.2)
    return Subject(
        name=f"sim{number:02d}",
        conduction=conduction,
        normal=normal,
        blocked=blocked,
        foci=[ventricular_beat(rng) for _ in range(rng.choice([1, 1, 2]))],
        atrial_p=atrial_p(rng, normal[P]),
        junctional_p=junctional_p(rng, normal[P]),
        burden={symbol: share * part for symbol, part in burden.items()},
        bigeminy=bigeminy,
        couplets=couplets,
        v_coupling=u(0.56, 0.7),
        rr_s=60 / u(56, 92),
        rr_sd_s=u(0.015, 0.05),
        lf_hf=u(0.4, 2.0),
        breathing_hz=u(0.2, 0.32),
        breathing_gain=u(0.02, 0.06),
        variation=u(0.7, 1.4),
        noise=noise * u(0.7, 1.3),
        leads=("V1", "MLII") if number % 9 == 5 else ("MLII", "V1"),
    )  # as record 114: channel 0 is not always MLII


# ---------------------------------------------------------------------------------------------- rhythm


def shaped_noise(rng, n, fs_hz, amplitude):
    """(n,) zero-mean, unit-variance Gaussian noise whose amplitude spectrum is `amplitude(frequency_hz)`."""
    spectrum = np.fft.rfft(rng.standard_normal(n)) * amplitude(np.fft.rfftfreq(n, 1 / fs_hz))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, n)
    return noise / noise.std()


def bump(centre_hz, width_hz):
    """Gaussian power around `centre_hz`, as an amplitude."""
    return lambda f: np.exp(-0.25 * ((f - centre_hz) / width_hz) ** 2)


def sinus_rhythm(rng, subject, breathing, duration_s):
    """(beats,) R times in s for `duration_s` and some more, from a tachogram sampled like `breathing`.

    The beats are where the integral of the rate 1 / RR(t) passes the whole numbers.
    """
    mayer = shaped_noise(rng, len(breathing), TACHOGRAM_HZ, bump(0.1, 0.01))
    drift = shaped_noise(rng, len(breathing), TACHOGRAM_HZ, bump(0.0, 0.005))
    rr_s = (np.sqrt(subject.lf_hf) * mayer + breathing) / np.sqrt(subject.lf_hf + 1) + drift
    rr_s = np.clip(subject.rr_s + subject.rr_sd_s * rr_s, 0.7 * subject.rr_s, 1.4 * subject.rr_s)
    phase = np.cumsum(1 / rr_s) / TACHOGRAM_HZ
    wanted = np.arange(1, phase[-1])
    times_s = np.interp(wanted, phase, np.arange(len(phase)) / TACHOGRAM_HZ)
    return times_s[: np.searchsorted(times_s, 1.2 * duration_s)]


def place_ectopics(rng, subject, n):
    """(n,) symbols of the beats: singles, couplets and bigeminy, each with sinus beats around it."""
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
    """(beats,) R times with the ectopic beats early, and (beats,) how long after each R the sinus node was due.

    The second is NaN where it was not due at all, 0 in conducted beats; both in s.
    """
    sinus_rr_s = np.diff(sinus_s, prepend=0)
    rr_s, node_s = sinus_rr_s.copy(), np.zeros(len(symbols))
    coupling = {
        "V": (subject.v_coupling - 0.03, subject.v_coupling + 0.03),
        "F": (0.87, 0.96),
        "A": (0.6, 0.84),
        "a": (0.54, 0.66),
        "J": (0.62, 0.84),
    }
    for k in np.flatnonzero(symbols != subject.conduction):
        rr_s[k] = max(MIN_COUPLING_S, sinus_rr_s[k] * rng.uniform(*coupling[symbols[k]]))
        if symbols[k] not in "VF":
            rr_s[k + 1] *= rng.uniform(1.02, 1.14)  # the sinus node starts anew
        elif symbols[k - 1] != "V":
            node_s[k] = sinus_rr_s[k] - rr_s[k]
            rr_s[k + 1] = node_s[k] + sinus_rr_s[k + 1]
        else:  # after a couplet the node is next heard when it would be after one V, or a beat later
            node_s[k] = np.nan
            rr_s[k + 1] = sinus_rr_s[k - 1] + sinus_rr_s[k] - rr_s[k - 1] - rr_s[k]
            if rr_s[k + 1] < 0.7 * sinus_rr_s[k + 1]:
                rr_s[k + 1] += sinus_rr_s[k + 1]
    return np.cumsum(rr_s), node_s


# ---------------------------------------------------------------------------------------------- waveform


def as_drawn(rng, subject, symbols, node_s):
    """(beats, 9, 5) beats of these symbols at RR = 1 s, before any variation."""
    beats = np.repeat(subject.normal[None], len(symbols), 0)
    focus = np.array(subject.foci)[rng.integers(len(subject.foci), size=len(symbols))]
    for symbol, p in (
        ("A", subject.atrial_p),
        ("a", subject.atrial_p),
        ("J", subject.junctional_p),
    ):
        beats[symbols == symbol, P] = p
    beats[symbols == "a", Q : T + 1] = subject.blocked[Q : T + 1]
    ventricular = np.isin(symbols, ["V", "F"])
    share = np.where(symbols == "F", rng.uniform(0.35, 0.65, len(symbols)), 1.0)[:, None, None]
    beats[ventricular, V1ST:] = focus[ventricular, V1ST:]
    beats[ventricular, V1ST:, :CENTRE] *= share[ventricular]
    beats[ventricular, Q:V1ST, :CENTRE] *= 1 - share[ventricular]
    beats[:, P, CENTRE] += np.nan_to_num(
        node_s
    )  # the sinus P stays on schedule: short PR in F, blocked in V
    beats[np.isnan(node_s), P, :CENTRE] = 0
    return beats


def beat_variation(rng, subject, r_s, breathing, local_rr_s):
    """What differs from beat to beat whatever the beat: (beats, 9) amplitude factor, shift in s, time factor."""
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
    """Beats with their variation, moved so that the largest MLII deflection of the QRS is at 0 s."""
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
    """(n, waves, 5) beats at (samples,) or (n, samples) seconds from their R -> (n, samples, 2) mV."""
    t_s = np.broadcast_to(t_s, (len(beats), np.shape(t_s)[-1]))
    signal_mv = np.zeros((*t_s.shape, 2))
    for wave in np.moveaxis(beats, 1, 0):
        used = wave[:, :CENTRE].any(1)  # most beats lack most of the waves
        away_s = t_s[used] - wave[used, CENTRE, None]
        width_s = np.where(away_s < 0, wave[used, LEFT, None], wave[used, RIGHT, None])
        signal_mv[used] += (
            np.exp(-0.5 * (away_s / width_s) ** 2)[..., None] * wave[used, None, :CENTRE]
        )
    return signal_mv


def draw_recording(beats, r_s, n):
    """(n, 2) mV, noise-free: every beat where it belongs."""
    at = (
        np.arange(-int(0.45 * FS_HZ), int(0.75 * FS_HZ))
        + np.round(r_s * FS_HZ).astype(int)[:, None]
    )
    beat_mv = draw(beats, at / FS_HZ - r_s[:, None])
    inside = (at >= 0) & (at < n)
    return np.stack([np.bincount(at[inside], beat_mv[inside, lead], n) for lead in (0, 1)], 1)


def recording_noise(rng, subject, breathing, n):
    """(n, 2) mV of everything that is not heart: per lead, except that breathing sways both."""
    noise_mv, t_s = np.empty((n, 2)), np.arange(n) / FS_HZ
    for lead in (0, 1):
        wander = shaped_noise(rng, n, FS_HZ, lambda f: (f < 0.5) / (f + 0.03))
        muscle = shaped_noise(
            rng, n, FS_HZ, lambda f: (f > 8) * (f + 1) ** -0.5 * np.exp(-((f / 110) ** 2))
        )
        bursts = np.exp(0.7 * shaped_noise(rng, n, FS_HZ, bump(0, 0.03)))
        motion = shaped_noise(
            rng, n, FS_HZ, lambda f: (f > 0.3) / (1 + (f / 2) ** 2)
        )  # overlaps P and T
        level = subject.noise * rng.uniform(0.8, 1.2)
        noise_mv[:, lead] = (
            0.06 * level * wander
            + 0.03 * subject.noise * breathing
            + 0.011 * level * bursts * muscle
            + 0.012 * level * bursts[::-1] * motion
            + rng.uniform(0.001, 0.008) * np.sin(2 * np.pi * 60 * t_s)
        )
        for start_s in rng.uniform(
            0, n / FS_HZ, rng.poisson(subject.noise * n / FS_HZ / 300)
        ):  # electrode moves
            after_s = np.maximum(t_s - start_s, 0)
            noise_mv[:, lead] += rng.normal(0, 0.3) * np.exp(-after_s / 1.5) * (after_s > 0)
    return noise_mv


# ---------------------------------------------------------------------------------------------- truth


def spans(departs):
    """(samples,) bool -> [(first, last + 1)], gaps bridged and specks dropped, but never all of them."""
    edges = np.flatnonzero(np.diff(np.pad(departs.astype(int), 1))).reshape(-1, 2).tolist()
    merged = edges[:1]
    for first, end in edges[1:]:
        if first - merged[-1][1] < SHORTEST_S * FS_HZ:
            merged[-1][1] = end
        else:
            merged.append([first, end])
    kept = [span for span in merged if span[1] - span[0] >= SHORTEST_S * FS_HZ]
    return kept or [max(merged, key=lambda span: span[1] - span[0])]


def region_edges(beat, normal):
    """Seconds where the normal P and either QRS begin and where either QRS ends (2.5 widths)."""
    both = np.concatenate([beat[QRS], normal[QRS]])
    both = both[both[:, MLII_MV] != 0]
    p_on_s = normal[P, CENTRE] - 2.5 * normal[P, LEFT]
    on_s, off_s = (
        (both[:, CENTRE] - 2.5 * both[:, LEFT]).min(),
        (both[:, CENTRE] + 2.5 * both[:, RIGHT]).max(),
    )
    return p_on_s, max(on_s, p_on_s), off_s


def truth_rows(subject, symbols, r_s, clean_mv, beats, normals, local_rr_s, n):
    """The rows of `truth.csv` for one record; `clean_mv` is MLII and goes on past the record's `n` samples."""
    r_sample = np.round(r_s * FS_HZ).astype(int)
    floor_mv = max(FLOOR_MV, R_FRACTION * np.abs(draw(subject.normal[None], np.zeros(1))[0, 0, 0]))
    rows = []
    for k in np.flatnonzero((symbols != subject.conduction) & (r_sample < n)):
        t_s = (r_sample[k] + WINDOW) / FS_HZ - r_s[k]
        expected_mv = sum(
            draw(normals[k : k + 1], t_s + away_s)[0, :, 0]
            for away_s in (-local_rr_s[k], 0, local_rr_s[k])
        )
        departure_mv = np.abs(clean_mv[r_sample[k] + WINDOW] - expected_mv)
        region = np.searchsorted(region_edges(beats[k], normals[k]), t_s)
        for first, end in spans(departure_mv > min(floor_mv, 0.5 * departure_mv.max())):
            area = np.bincount(region[first:end], departure_mv[first:end], 4)
            rows.append(
                (
                    subject.name,
                    int(r_sample[k]),
                    str(symbols[k]),
                    ("before P", "P", "QRS", "T")[area.argmax()],
                    f"{WINDOW[first] / FS_HZ:.4f}",
                    f"{(WINDOW[0] + end) / FS_HZ:.4f}",
                )
            )
    return rows


# ---------------------------------------------------------------------------------------------- cohort


def simulate_subject(number, minutes, seed):
    """Subject, (n, 2) mV in the order MLII, V1, R samples, symbols and truth rows of one recording."""
    rng = np.random.default_rng([seed, number])
    subject = draw_subject(rng, number)
    n = round(60 * minutes * FS_HZ)
    n_slow = int(1.4 * n / FS_HZ + 30) * TACHOGRAM_HZ
    breathing = shaped_noise(rng, n_slow, TACHOGRAM_HZ, bump(subject.breathing_hz, 0.01))
    slow_s = np.arange(n_slow) / TACHOGRAM_HZ

    sinus_s = sinus_rhythm(rng, subject, breathing, n / FS_HZ)
    symbols = place_ectopics(rng, subject, len(sinus_s))
    r_s, node_s = time_ectopics(rng, subject, sinus_s, symbols)
    sinus_rr_s = np.diff(sinus_s, prepend=0)
    local_rr_s = np.convolve(np.pad(sinus_rr_s, 7, "edge"), np.full(15, 1 / 15), "valid")

    variation = beat_variation(rng, subject, r_s, np.interp(r_s, slow_s, breathing), local_rr_s)
    beats = vary(as_drawn(rng, subject, symbols, node_s), variation)
    normals = vary(np.repeat(subject.normal[None], len(r_s), 0), variation)
    clean_mv = draw_recording(beats, r_s, n + 2 * FS_HZ)
    truth = truth_rows(subject, symbols, r_s, clean_mv[:, 0], beats, normals, local_rr_s, n)
    signal_mv = clean_mv[:n] + recording_noise(
        rng, subject, np.interp(np.arange(n) / FS_HZ, slow_s, breathing), n
    )
    r_sample = np.round(r_s * FS_HZ).astype(int)
    return subject, signal_mv, r_sample[r_sample < n], symbols[r_sample < n], truth


def write_record(folder, subject, signal_mv, r_sample, symbols, seed):
    """NAME.hea, .dat and .atr, as in the MIT-BIH database: format 212, 200 adu/mV, 11 bits."""
    adu = np.clip(np.round(signal_mv * GAIN_ADU_PER_MV) + BASELINE_ADU, 0, 2047).astype(int)
    adu = adu[:, [("MLII", "V1").index(lead) for lead in subject.leads]]
    wfdb.wrsamp(
        subject.name,
        FS_HZ,
        ["mV", "mV"],
        list(subject.leads),
        d_signal=adu,
        fmt=["212", "212"],
        adc_gain=[GAIN_ADU_PER_MV] * 2,
        baseline=[BASELINE_ADU] * 2,
        write_dir=str(folder),
        comments=[
            "simulated: no patient, made by preprocess/simulate.py",
            f"simulated: seed {seed}, normal rhythm annotated {subject.conduction}",
        ],
    )
    first = max(1, r_sample[0] - 60)
    wfdb.wrann(
        subject.name,
        "atr",
        np.r_[first, r_sample],
        ["+", *symbols],
        aux_note=["(N", *[""] * len(symbols)],
        write_dir=str(folder),
    )


def is_cohort(folder, settings=None):
    """Whether `folder` holds a whole cohort with these settings or, without settings, one and nothing else."""
    try:
        found = json.loads((folder / "cohort.json").read_text())
        needed = {name + end for name in found["records"] for end in (".hea", ".dat", ".atr")}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    needed |= {"RECORDS", TRUTH, "cohort.json"}
    present = {path.name for path in folder.iterdir()}
    if settings is None:
        return needed == present
    return needed <= present and all(found.get(key) == value for key, value in settings.items())


def write_cohort(folder, settings, progress):
    """Every file of the cohort; `cohort.json` last."""
    names, truth = [], []
    for number in tqdm(
        range(1, settings["subjects"] + 1), "simulate", disable=not progress, unit="record"
    ):
        subject, signal_mv, r_sample, symbols, rows = simulate_subject(
            number, settings["minutes"], settings["seed"]
        )
        write_record(folder, subject, signal_mv, r_sample, symbols, settings["seed"])
        names.append(subject.name)
        truth += rows
    (folder / "RECORDS").write_text("\n".join(names) + "\n")
    with open(folder / TRUTH, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([TRUTH_COLUMNS, *truth])
    (folder / "cohort.json").write_text(
        json.dumps({**settings, "source": "simulated", "records": names}, indent=1)
    )
    return names


def simulate(folder, subjects=24, minutes=10.0, seed=0, progress=True):
    """Write a simulated cohort to `folder` and return its record names; the same settings give the same bytes.

    folder: made if need be; a complete cohort with the same settings is kept as it is, another one is replaced,
        and a folder with anything else in it is refused.
    subjects: at most 99. minutes: per recording, at least 0.5.
    """
    if not 1 <= subjects <= 99 or minutes < 0.5:
        raise BadInput(
            f"cannot simulate {subjects} subjects of {minutes} min: choose 1 to 99 and at least 0.5 min"
        )
    folder = Path(folder).absolute()
    settings = {
        "seed": int(seed),
        "subjects": int(subjects),
        "minutes": float(minutes),
        "version": VERSION,
    }
    if is_cohort(folder, settings):
        return (folder / "RECORDS").read_text().split()
    if folder.exists() and any(folder.iterdir()) and not is_cohort(folder):
        raise BadInput(
            f"{folder} holds other files: name an empty or new folder for the simulated cohort"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    working = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:  # nobody sees half a cohort: made beside its place, then renamed
        made = working / "new"
        made.mkdir()
        names = write_cohort(made, settings, progress)
        if folder.exists():
            os.replace(folder, working / "old")
        os.replace(made, folder)
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return names
