"""What the print shows of a recording: one strip each of what tells most."""

import numpy as np

from experiments.reports.pages import lasting
from experiments.screening.findings import Findings
from experiments.screening.page import trace, words
from experiments.screening.rhythm import episodes, summary
from preprocess.constants import FS_HZ

STRIP_S = 7.2  # what 186 mm of paper hold at 25 mm/s, beside the mark of 1 mV
MOST_ALARMS, MOST_STRIPS = 3, 14
UNFLAGGED_BEATS = 12  # not flagged, in a row: what others are compared with
RUN_CODES = (*summary.RUNS["V"], *summary.RUNS["S"])


def telling(findings: Findings) -> list[tuple[str, float, np.ndarray]]:
    """One strip each of what says most, the gravest first: its title, the second it starts at, and
    (leads, n) of trace.steps."""
    told = [*_unflagged(findings), *_of_episodes(findings.episodes), *_of_shapes(findings)]
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
    calm = np.convolve(~is_flagged, np.ones(UNFLAGGED_BEATS), "valid") == UNFLAGGED_BEATS
    starts = np.flatnonzero(calm)
    if not len(starts):
        return []
    later = starts[sample[starts] >= findings.source.length / 3]
    at = sample[(later if len(later) else starts)[0] + UNFLAGGED_BEATS // 2]
    return [("beats that are not flagged", at / FS_HZ)]


def _of_episodes(found):
    """The longest of each kind, runs by their beats as in the summary; the fastest run besides."""
    for code in episodes.MEANINGS:
        of_code = [episode for episode in found if episode.code == code]
        if not of_code:
            continue
        alarms = [episode for episode in of_code if episode.is_alarm]
        if alarms:
            shown = sorted(alarms, key=lambda episode: -episode.duration_s)[:MOST_ALARMS]
            yield from ((_title(episode, ""), _middle_s(episode)) for episode in shown)
            continue
        many = f" of {len(of_code)})" if len(of_code) > 1 else ""
        size = lambda episode: episode.beats if episode.code in RUN_CODES else episode.duration_s
        longest = max(of_code, key=size)
        yield _title(longest, many and " (the longest" + many), _middle_s(longest)
        fastest = max(of_code, key=lambda episode: episode.rate_per_min)
        if code in RUN_CODES and fastest is not longest:
            yield _title(fastest, " (the fastest" + many), _middle_s(fastest)


def _of_shapes(findings):
    for index, cluster in enumerate(findings.clusters):
        example = min(cluster.examples.values(), key=lambda example: example.sample)
        title = f"shape {index + 1}, {words.plural(cluster.count, 'beat')}"
        title += f", {findings.kind_of(index)}: {words.describe(findings, index)}"
        yield title, example.sample / FS_HZ


def _title(episode, which):
    said = [episodes.MEANINGS[episode.code], lasting(episode.duration_s)]
    if episode.beats:
        said[1:1] = [words.plural(episode.beats, "beat")]
        said.append(f"{episode.rate_per_min:.0f} /min")
    return ", ".join(said) + which


def _middle_s(episode):
    """Of a long one, its beginning."""
    return episode.start / FS_HZ + min(episode.duration_s, STRIP_S - 2) / 2
