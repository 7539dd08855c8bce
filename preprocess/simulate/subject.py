"""One simulated person: what their beats look like, how their heart keeps time."""

from dataclasses import dataclass

import numpy as np

from preprocess.simulate import waves

# Conduction, trait, share of each ectopic beat, chance that an event starts bigeminy, chance that
# it is a couplet, noise factor.
# The first subjects cover the common cases, the others what is hard: ectopic beats that come in
# time, and normal ones that do not, or change their shape. A larger cohort repeats the list.
PROFILES = (
    ("N", "", {"V": 0.09, "F": 0.020, "A": 0.01}, 0.02, 0.1, 1.0),
    ("N", "", {"A": 0.11, "a": 0.020, "V": 0.01}, 0.02, 0.0, 1.0),
    ("L", "", {"V": 0.06, "A": 0.030}, 0.00, 0.1, 1.0),
    ("N", "", {"V": 0.05, "A": 0.050, "J": 0.01, "F": 0.01}, 0.00, 0.1, 1.6),
    ("N", "", {"A": 0.004}, 0.00, 0.0, 1.0),
    ("R", "fibrillation", {"V": 0.120}, 0.00, 0.1, 1.0),
    ("N", "late ectopics", {"V": 0.18, "F": 0.040}, 0.10, 0.2, 3.0),
    ("N", "sinus arrhythmia", {"A": 0.05, "a": 0.020, "J": 0.02}, 0.00, 0.0, 1.0),
    ("N", "intermittent block", {"V": 0.15, "F": 0.050}, 0.10, 0.1, 1.0),
    ("N", "fibrillation", {"V": 0.100}, 0.00, 0.0, 1.6),
    ("N", "intermittent block", {"V": 0.15, "A": 0.020}, 0.00, 0.0, 1.0),
    ("N", "sinus arrhythmia", {"A": 0.12, "V": 0.050, "a": 0.02}, 0.15, 0.0, 1.0),
)


@dataclass
class Subject:
    """One simulated person: their beats, how their heart keeps time, how the recording is."""

    name: str
    trait: str  # of PROFILES
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
    late: float  # by how much later than most other ectopic beats come, as a fraction of RR
    rr_s: float
    rr_sd_s: float
    lf_hf: float  # variance ratio, ECGSYN's sigma_1^2 / sigma_2^2
    breathing_hz: float
    breathing_gain: float  # amplitude modulation, fraction
    variation: float  # beat-to-beat, factor
    noise: float  # factor
    leads: tuple


def draw_subject(rng, number):
    """Subject `number` (from 1): the profile says what they have, `rng` how it looks."""
    conduction, trait, burden, bigeminy, couplets, noise = PROFILES[(number - 1) % len(PROFILES)]
    u = rng.uniform
    normal = waves.conducted_beat(rng, conduction, trait)
    blocked = normal.copy()
    # Mostly the right bundle is blocked: its refractory period is longer.
    aberrant = waves.conducted_beat(rng, rng.choice(["R", "R", "L"]))
    height = waves.R, waves.MLII_MV
    aberrant[:, : waves.CENTRE] *= normal[height] / aberrant[height]
    after_p = [*waves.QRS, waves.T]
    blocked[after_p] = aberrant[after_p]
    share = u(0.6, 1.2)
    return Subject(
        name=f"sim{number:02d}",
        trait=trait,
        conduction=conduction,
        normal=normal,
        blocked=blocked,
        foci=[waves.ventricular_beat(rng) for _ in range(rng.choice([1, 1, 2]))],
        atrial_p=waves.atrial_p(rng, normal[waves.P]),
        junctional_p=waves.junctional_p(rng, normal[waves.P]),
        burden={symbol: share * part for symbol, part in burden.items()},
        bigeminy=bigeminy,
        couplets=couplets,
        v_coupling=u(0.56, 0.7),
        late=u(0.1, 0.25) if trait else 0.0,
        rr_s=60 / u(56, 92),
        rr_sd_s=u(0.10, 0.16) if trait == "sinus arrhythmia" else u(0.015, 0.05),
        lf_hf=u(0.4, 2.0),
        breathing_hz=u(0.2, 0.32),
        breathing_gain=u(0.02, 0.06),
        variation=u(0.7, 1.4),
        noise=noise * u(0.7, 1.3),
        # As in record 114, channel 0 is not always MLII.
        leads=("V1", "MLII") if number % 9 == 5 else ("MLII", "V1"),
    )
