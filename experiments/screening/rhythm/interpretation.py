"""What beats mean together: the kind of each flagged one, rhythm episodes, and the summary.

Nothing here decides what is flagged: it names what is.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.screening.rhythm import company, kinds, runs
from experiments.screening.rhythm import episodes as rhythm_episodes
from experiments.screening.rhythm.episodes import Episode, Limits
from experiments.screening.rhythm.summary import summarise
from preprocess.readers.source import Source
from preprocess.signal.atrial_fibrillation import fibrillation
from preprocess.signal.quality import ALARMS, NO_ACTIVITY

Span = tuple[int, int, int]  # start, end in samples at FS_HZ, index into quality.REASONS


@dataclass(frozen=True)
class Interpretation:
    """kind: (n,) of "N" or kinds.KINDS; confidence: (n,), NaN where not flagged; episodes: in order
    of time; summary: as experiments.screening.rhythm.summary describes."""

    kind: np.ndarray
    confidence: np.ndarray
    episodes: list[Episode]
    summary: dict


def interpret(
    table: pd.DataFrame,
    shapes: np.ndarray,
    quality_spans: list[Span],
    source: Source,
    limits: Limits | None = None,
) -> Interpretation:
    """Beats and what is wrong with the signal between them, to what a reader would say of them.

    table: a row a beat: sample, rr_s, rr_local_s, cluster, premature, like_fusion, p_in_place,
    unlike, usual, p_coherence, bump, noise; shapes: (k, 10), kinds.shape_features of those with a
    cluster; quality_spans: of all reasons, in order.
    """
    peaks = table["sample"].to_numpy()
    flagged = table["cluster"].to_numpy() >= 0
    gaps = [(start, end) for start, end, code in quality_spans if code != NO_ACTIVITY]
    alarms = [span for span in quality_spans if span[2] in ALARMS]
    # beats that are not shaped as usual are taken out: fibrillation is told from the others
    rr_s = table["rr_s"].to_numpy(float)
    fibrillating = fibrillation(
        rr_s, ~table["usual"].to_numpy(), table["p_coherence"].to_numpy(float)
    )
    # kinds: each flagged beat by itself, then in its company
    kind, confidence = np.full(len(table), kinds.UNFLAGGED), np.full(len(table), np.nan)
    for_rhythms = kind
    if flagged.any():
        rr_after_s = np.append(rr_s[1:], np.nan)
        timing = np.stack([rr_s, rr_after_s, table["rr_local_s"].to_numpy(float)], 1)  # [n, 3]
        log_odds, early = kinds.evidence(shapes, timing, flagged)
        cluster, premature = (table[name].to_numpy() for name in ("cluster", "premature"))
        kind[flagged], confidence[flagged] = kinds.decide(
            log_odds, early, fibrillating[flagged], cluster[flagged], premature[flagged]
        )
        before, after, _ = kinds.timing(timing, flagged).T
        shorter = np.zeros(len(table), bool)
        shorter[flagged] = kinds.shorter_than_usual(shapes)
        beats = company.Beats(
            sample=peaks,
            rr_s=rr_s,
            cluster=cluster,
            before=before,
            after=after,
            unlike=table["unlike"].to_numpy(),
            shorter=shorter,
            noise=table["noise"].to_numpy(),
            usual=table["usual"].to_numpy(),
            premature=premature,
            like_fusion=table["like_fusion"].to_numpy(),
            p_in_place=table["p_in_place"].to_numpy(),
            fibrillation=fibrillating,
        )
        kind, confidence = company.renamed(kind, confidence, beats)
        for_rhythms = runs.for_rhythms(kind, beats)
    # rhythm episodes
    episodes = rhythm_episodes.episodes(
        peaks, for_rhythms, fibrillating, gaps, alarms, table["bump"].to_numpy(), limits
    )
    summary = summarise(peaks, kind, episodes, gaps, source.duration_s, source.start)
    summary["recording"] = {"name": source.name, "lead": source.lead} | summary["recording"]
    return Interpretation(kind, confidence, episodes, summary)


def joined(spans: list[Span]) -> list[Span]:
    """Spans of blocks, in order of time, with those that an edge between blocks divides as one."""
    result: list[Span] = []
    for start, end, code in spans:
        if result and result[-1][1] == start and result[-1][2] == code:
            start = result.pop()[0]
        result.append((start, end, code))
    return result


def episode_codes(peaks: np.ndarray, episodes: list[Episode]) -> np.ndarray:
    """(n,) codes of the episodes that each beat is in, without their "(", apart by blanks."""
    result = np.full(len(peaks), "", object)
    for episode in episodes:
        inside = slice(*np.searchsorted(peaks, (episode.start, episode.end + 1)))
        code = episode.code.lstrip("(")
        result[inside] = [f"{before} {code}".lstrip() for before in result[inside]]
    return result
