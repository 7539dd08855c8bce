"""What a reader is told, in a reader's words, by the page, the print and the terminal."""

import numpy as np

from experiments.reports.pages import lasting
from experiments.screening.findings import Findings
from experiments.screening.rhythm import episodes
from preprocess.constants import BEFORE, FS_HZ

KIND_NAMES = {
    "V": "ventricular",
    "S": "supraventricular",
    "F": "fusion",
    "Q": "other",
    "N": "normal",
}
# From less than this no rate an hour and no slowest or fastest minute is told.
ENOUGH_S = 600
MOST_ALARMS = 5  # named at the top of the page, which is one screen, and on the terminal
# RR before a beat, and before and after it together, in the RR that the sinus node lets expect.
EARLY, LATE = 0.9, 1.15
INTERPOLATED, FULL_PAUSE = (0.85, 1.15), 1.9
# Area by height is the width of a QRS: so many times the patient's own is wide.
WIDE = 1.5
QRS, P_WAVE, ST_T = (-0.125, 0.125), (-0.22, -0.07), (0.10, 0.50)  # s from R
FLAT, LEAST_P_MV = 0.4, 0.08  # so much of the usual P wave is none, where there is one usually


def headline(summary: dict, flagged: int) -> str:
    """What a recording is about: rhythms that were lost before beats to look at."""
    alarms = summary["alarms"]
    if not alarms:
        return plural(flagged, "beat") + " to look at"
    meaning = first_alarms(summary)[0]["meaning"]
    seconds = sum(a["end_s"] - a["start_s"] for a in alarms if a["meaning"] == meaning)
    return f"{meaning.split(':')[0]}, {lasting(seconds)}"


def first_alarms(summary: dict) -> list[dict]:
    """Those that are named: the gravest first, of these the longest."""
    ranks = list(episodes.MEANINGS)
    graver = lambda a: (ranks.index(a["code"]), a["start_s"] - a["end_s"])
    return sorted(summary["alarms"], key=graver)[:MOST_ALARMS]


def plural(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def describe(findings: Findings, index: int) -> str:
    """A cluster as a reader would tell it: when its beats come, and what is other in them."""
    table, cluster = findings.table, findings.clusters[index]
    rows = np.flatnonzero(table["cluster"] == index)
    rr_s = np.append(table["rr_s"].to_numpy(float), np.nan)
    expected_s = table["rr_usual_s"].to_numpy(float)[rows]
    before = _median(rr_s[rows] / expected_s)
    both = _median((rr_s[rows] + rr_s[rows + 1]) / expected_s)
    usual_mv = findings.patient_threshold.record_median_mv
    span_s = table[["span_start_s", "span_end_s"]].to_numpy(float)[rows]
    said = [_timing(before), _qrs(cluster.mean_mv, usual_mv, _touches(span_s, QRS))]
    said += [_p_wave(cluster.mean_mv, usual_mv, _touches(span_s, P_WAVE))]
    said += [
        "other ST and T" if _touches(span_s, ST_T) else "",
        _pause(before, both, "wide QRS" in said),
    ]
    return ", ".join(word for word in said if word)


def _timing(before):
    if np.isnan(before):
        return ""
    word = "early" if before < EARLY else "late" if before > LATE else "on time"
    return word if word == "on time" else f"{word} ({100 * before:.0f} % of the expected RR)"


def _qrs(mean_mv, usual_mv, differs):
    if _width_s(mean_mv) > WIDE * _width_s(usual_mv):
        return "wide QRS"
    return "other QRS" if differs else "usual QRS"


def _p_wave(mean_mv, usual_mv, differs):
    wave, usual = _above_line(_part(mean_mv, P_WAVE)), _above_line(_part(usual_mv, P_WAVE))
    if np.ptp(usual) > LEAST_P_MV and wave @ usual < FLAT * (usual @ usual):
        return "P wave absent"
    return "other P wave" if differs else ""


def _pause(before, both, is_wide):
    if not before < EARLY or np.isnan(both):
        return ""
    if both > FULL_PAUSE:
        return "full pause"
    if both > INTERPOLATED[1]:
        return "incomplete pause"
    return "interpolated" if is_wide and both > INTERPOLATED[0] else "no pause"


def _part(beat_mv, span_s):
    return beat_mv[slice(*(BEFORE + round(edge_s * FS_HZ) for edge_s in span_s))]


def _width_s(beat_mv):
    """Of a QRS: its area by its height."""
    qrs = np.abs(_part(beat_mv, QRS) - np.median(_part(beat_mv, P_WAVE)))
    return qrs.sum() / max(qrs.max(), 1e-6) / FS_HZ


def _above_line(wave):
    """A wave above the line between its ends."""
    return wave - np.linspace(wave[0], wave[-1], len(wave))


def _touches(spans_s, part_s):
    """Whether where the beats differ, most often, takes more than half of a part of the beat."""
    start_s, end_s = np.nanmedian(spans_s, 0) if np.isfinite(spans_s).any() else (np.nan,) * 2
    return min(end_s, part_s[1]) - max(start_s, part_s[0]) > (part_s[1] - part_s[0]) / 2


def _median(values):
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")
