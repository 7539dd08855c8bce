"""What a report tells of rhythms: a row for each kind of episode, a strip of the most telling."""

import numpy as np

from experiments.screening.findings import Findings
from experiments.screening.page import trace, words
from experiments.screening.rhythm import episodes, summary
from preprocess.constants import FS_HZ

STRIP_S = 7.2  # what 186 mm of paper hold at 25 mm/s, beside the mark of 1 mV
MOST_ALARMS, MOST_STRIPS = 3, 14
USUAL_BEATS = 12  # not flagged, in a row: what others are compared with
RUNS = (*summary.RUNS["V"], *summary.RUNS["S"])
NO_RATE = (episodes.PAUSE, *summary.ALARM_CODES)


def by_kind(found: list[dict]) -> list[dict]:
    """Episodes of a summary: a row for each kind, in the order in which a reader wants them."""
    rows = []
    for code, meaning in episodes.MEANINGS.items():
        of_code = [episode for episode in found if episode["code"] == code]
        if not of_code:
            continue
        longest = max(of_code, key=_size)
        rated = [e for e in of_code if e["per_min"] is not None and code not in NO_RATE]
        rows.append(
            {
                "code": code,
                "meaning": meaning,
                "count": len(of_code),
                "total_s": sum(_length_s(episode) for episode in of_code),
                "longest": longest,
                "longest_s": _length_s(longest),
                "fastest": max(rated, key=_rate, default=None),
            }
        )
    return rows


def telling(findings: Findings) -> list[tuple[str, float, np.ndarray]]:
    """One strip each of what says most, the gravest first: its title, the second it starts at, and
    (leads, n) of trace.steps."""
    told = [*_unflagged(findings), *_of_episodes(findings.summary), *_of_shapes(findings)]
    source, span = findings.source, round(STRIP_S * FS_HZ)
    strips = []
    for title, middle_s in told[:MOST_STRIPS]:
        start = max(0, min(round(middle_s * FS_HZ) - span // 2, source.length - span))
        values = trace.steps(source, start, min(start + span, source.length))
        strips.append((title, start / FS_HZ, values))
    return strips


def _unflagged(findings):
    """Beats of which none is flagged, from a third of the recording on."""
    sample, is_flagged = findings.table["sample"].to_numpy(), findings.flagged
    calm = np.convolve(~is_flagged, np.ones(USUAL_BEATS), "valid") == USUAL_BEATS
    starts = np.flatnonzero(calm)
    if not len(starts):
        return []
    later = starts[sample[starts] >= findings.source.length / 3]
    at = sample[(later if len(later) else starts)[0] + USUAL_BEATS // 2]
    return [("beats that are not flagged", at / FS_HZ)]


def _of_episodes(found):
    for row in by_kind(found["episodes"]):
        if row["code"] in summary.ALARM_CODES:
            of_code = [e for e in found["episodes"] if e["code"] == row["code"]]
            shown = sorted(of_code, key=_length_s, reverse=True)[:MOST_ALARMS]
            yield from ((_title(row, e, ""), _middle_s(e)) for e in shown)
            continue
        yield _title(row, row["longest"], "the longest"), _middle_s(row["longest"])
        if row["code"] in RUNS and row["fastest"] is not row["longest"]:
            yield _title(row, row["fastest"], "the fastest"), _middle_s(row["fastest"])


def _of_shapes(findings):
    for index, cluster in enumerate(findings.clusters):
        example = min(cluster.examples.values(), key=lambda example: example.sample)
        title = f"shape {index + 1}, {words.plural(cluster.count, 'beat')}"
        title += f", {findings.kind_of(index)}: {words.describe(findings, index)}"
        yield title, example.sample / FS_HZ


def _title(row, episode, which):
    said = [row["meaning"], words.lasting(_length_s(episode))]
    if episode["beats"]:
        said[1:1] = [words.plural(episode["beats"], "beat")]
    if episode["per_min"] is not None and row["code"] not in NO_RATE:
        said.append(f"{episode['per_min']} /min")
    more = f"{which} of {row['count']}" if which and row["count"] > 1 else ""
    return ", ".join(said) + (f" ({more})" if more else "")


def _size(episode):
    """Runs are measured in beats, as in the summary; other rhythms in time."""
    return episode["beats"] if episode["code"] in RUNS else _length_s(episode)


def _rate(episode):
    """In more digits than are told, as the summary's fastest is found."""
    return (episode["beats"] - 1) / max(_length_s(episode), 1e-6)


def _length_s(episode):
    return episode["end_s"] - episode["start_s"]


def _middle_s(episode):
    """Of a long one, its beginning."""
    return episode["start_s"] + min(_length_s(episode), STRIP_S - 2) / 2
