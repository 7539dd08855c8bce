"""A beat as a sum of Gaussian waves, and the beats that hearts make: conducted, ventricular, odd P.

A beat is an array (9 waves, 5 columns).
The last three waves belong to a ventricular focus and are 0 in others.
"""

import numpy as np

WAVES = ("P", "Q", "R", "S", "X", "T", "V1ST", "V2ND", "VT")
P, Q, R, S, X, T, V1ST, V2ND, VT = range(9)  # X: the second half of a left-bundle QRS
# Columns: amplitude in each lead, then seconds: centre, width on either side.
MLII_MV, V1_MV, CENTRE, LEFT, RIGHT = range(5)
QRS, T_WAVES = [Q, R, S, X, V1ST, V2ND], [T, VT]


def waves(**rows):
    """(9, 5) beat from `wave=(mlii_mv, v1_mv, centre_s, left_s[, right_s])`.

    Waves not named have no amplitude.
    """
    beat = np.zeros((9, 5))
    beat[:, LEFT:] = 0.01
    for name, row in rows.items():
        beat[WAVES.index(name)] = row if len(row) == 5 else (*row, row[-1])
    return beat


def conducted_beat(rng, conduction, trait=""):
    """(9, 5) sinus beat: narrow QRS ('N'), or bundle-branch block, left ('L') or right ('R')."""
    u = rng.uniform
    r_mv, width_s = u(0.8, 1.8), u(0.009, 0.013)
    p = (u(0.10, 0.2), u(0.03, 0.09), -u(0.14, 0.18), u(0.018, 0.024))
    t_left_s, t_right_s, t_s = u(0.045, 0.06), u(0.03, 0.042), u(0.27, 0.31)
    t = (r_mv * u(0.15, 0.32), u(-0.15, 0.25), t_s, t_left_s, t_right_s)
    if trait == "fibrillation":
        p = (0, 0, *p[2:])
    if trait == "sinus arrhythmia":  # of the young, whose T waves are tall
        t = (r_mv * u(0.45, 0.6), 0.5, *t[2:])
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
    v1_sign, pr = rng.choice([-1, 1]), rng.uniform(0.72, 0.88)
    width = 0.8 if shape > 1 else 1.0  # peaked ones are narrow
    return p * [shape, v1_sign, pr, width, width]


def junctional_p(rng, p):
    """(5,) retrograde P: just before the QRS, hidden in it or after it."""
    size, centre_s = [(-0.9, -0.085), (0, -0.085), (-0.8, rng.uniform(0.11, 0.16))][rng.integers(3)]
    return np.array([size * p[MLII_MV], -size * p[V1_MV], centre_s, *p[LEFT:]])
