"""Where, in each abnormal beat, the simulated recording departs from a normal one.

For every abnormal beat, `truth.csv` lists the spans, in seconds from the R annotation and within
the window of a beat, where lead MLII *without noise* departs from the same subject's normal beat
drawn at the same place: same R instant, breathing and beat-to-beat variation, normal neighbours one
local sinus RR away. So the previous T arriving early counts, and a missing P, and a next P that a
pause took out of the window.

"Departs" is more than 0.05 mV or 4 % of the subject's R amplitude, whichever is larger; for a beat
that hardly departs, half of its own largest departure. Gaps under 20 ms are bridged, specks under
20 ms dropped. Only beats annotated as abnormal are listed: a normal beat after a pause, say, has no
rows.
"""

import numpy as np

from preprocess.constants import AFTER, BEFORE, FS_HZ
from preprocess.simulate.waveform import draw

TRUTH = "truth.csv"
TRUTH_COLUMNS = ("record", "sample", "symbol", "start_s", "end_s")
OFFSETS = np.arange(-BEFORE, AFTER)  # samples around R: the window of every detector
FLOOR_MV, R_FRACTION = 0.05, 0.04  # what departs, as mV and as a share of the R amplitude
SHORTEST_GAP_S = 0.02  # shorter gaps are bridged, shorter specks dropped


def spans(departs):
    """(samples,) bool to [(first, last + 1)]: gaps bridged and specks dropped, but never all."""
    edges = np.flatnonzero(np.diff(np.pad(departs.astype(int), 1))).reshape(-1, 2).tolist()
    merged = edges[:1]
    for first, end in edges[1:]:
        if first - merged[-1][1] < SHORTEST_GAP_S * FS_HZ:
            merged[-1][1] = end
        else:
            merged.append([first, end])
    kept = [span for span in merged if span[1] - span[0] >= SHORTEST_GAP_S * FS_HZ]
    return kept or [max(merged, key=lambda span: span[1] - span[0])]


def truth_rows(subject, symbols, r_s, clean_mv, normals, local_rr_s, n):
    """The rows of `truth.csv` for one record.

    clean_mv: MLII without noise; it goes on past the record's `n` samples.
    """
    r_sample = np.round(r_s * FS_HZ).astype(int)
    r_mv = draw(subject.normal[None], np.zeros(1))[0, 0, 0]
    floor_mv = max(FLOOR_MV, R_FRACTION * np.abs(r_mv))
    rows = []
    # Beat by beat: a normal one there and its neighbours, against what was drawn.
    for k in np.flatnonzero((symbols != subject.conduction) & (r_sample < n)):
        t_s = (r_sample[k] + OFFSETS) / FS_HZ - r_s[k]
        expected_mv = sum(
            draw(normals[k : k + 1], t_s + away_s)[0, :, 0]
            for away_s in (-local_rr_s[k], 0, local_rr_s[k])
        )
        departure_mv = np.abs(clean_mv[r_sample[k] + OFFSETS] - expected_mv)
        for first, end in spans(departure_mv > min(floor_mv, 0.5 * departure_mv.max())):
            start_s = f"{OFFSETS[first] / FS_HZ:.4f}"
            end_s = f"{(OFFSETS[0] + end) / FS_HZ:.4f}"
            rows.append((subject.name, int(r_sample[k]), str(symbols[k]), start_s, end_s))
    return rows
