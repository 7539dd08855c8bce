"""Whether a lead seems to be recorded upside down, as with electrodes exchanged."""

import numpy as np

from preprocess.beats import BEFORE
from preprocess.constants import FS_HZ

# In s from R. In a lead like II P wave and QRS point up in health; disease turns the one over or
# the other (and T waves often), wrong electrodes both.
BASELINE_S, P_WAVE_S, QRS_S = (-0.30, -0.06), (-0.26, -0.06), (-0.06, 0.06)
LEAST_P = 0.01  # of the QRS's height, that a P wave must go down more than up


def upside_down(usual_mv: np.ndarray) -> bool:
    """(320,) the recording's usual beat, to whether P wave and QRS both point down.

    Of 122 usual beats of MIT-BIH, SVDB and cudb 6 % seem so as they are, turned over 60 %.
    """
    beat_mv = usual_mv - np.median(usual_mv[_span(BASELINE_S)])
    qrs, p_wave = beat_mv[_span(QRS_S)], beat_mv[_span(P_WAVE_S)]
    from_line = p_wave - np.linspace(p_wave[0], p_wave[-1], len(p_wave))
    p_down = -(from_line.max() + from_line.min()) > LEAST_P * np.ptp(qrs)
    return bool(-qrs.min() > qrs.max() and p_down)


def _span(seconds):
    return slice(*(BEFORE + round(s * FS_HZ) for s in seconds))
