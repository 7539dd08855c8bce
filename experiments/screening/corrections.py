"""What a reader corrected on the page, applied to the findings of the same recording.

The page saves NAME.corrections.json: kinds of beats, stretches that are noise, and episodes that
are none. Couplets, runs and bigeminy follow from the kinds, by the definitions of `episodes`.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.screening.findings import Findings
from experiments.screening.rhythm import episodes, summary
from preprocess import BadInput

SCHEMA = "b2i-gan.corrections/1"
REGULAR = (episodes.BIGEMINY, episodes.TRIGEMINY, episodes.ATRIAL_BIGEMINY)
V_CODES = (episodes.COUPLET, episodes.VT, episodes.SLOW_RUN)
S_CODES = (episodes.S_COUPLET, episodes.SVTA, episodes.SLOW_S_RUN)
OF_KINDS = (*V_CODES, *S_CODES, *REGULAR)


def read(path: str | Path) -> dict:
    """Raises BadInput where it is no file of corrections."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        valid = (
            found["schema"] == SCHEMA
            and isinstance(found["recording"], str)
            and all(isinstance(at, int) and kind in "NVSFQ" for at, kind in found["beats"])
            and all(0 <= start < end for start, end in found["noise"])
            and all(code in episodes.MEANINGS and at >= 0 for code, at in found["removed"])
        )
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, KeyError, RecursionError):
        valid = False
    if not valid:
        raise BadInput(f"{path} holds no corrections: save them on the page of the recording")
    return found


def apply(findings: Findings, corrections: dict) -> Findings:
    """Findings with the reader's kinds, without beats in noise, and what follows from them.

    Raises BadInput where the corrections are of other beats than these.
    """
    source, table = findings.source, findings.table.copy()
    if corrections["recording"] != source.name:
        raise BadInput(f"the corrections are of {corrections['recording']}, not of {source.name}")
    place = {at: row for row, at in enumerate(source.to_own_sample(table["sample"]).tolist())}
    if missing := [at for at, _ in corrections["beats"] if at not in place]:
        raise BadInput(
            f"{source.name} has no beat at sample {missing[0]}, which the corrections name: they "
            "are of a screening with other R peaks"
        )
    kind = table["kind"].to_numpy(object, copy=True)
    for at, given in corrections["beats"]:
        kind[place[at]] = given
    table["doubtful"] &= table["kind"] == kind  # what a reader says is not
    table["kind"] = kind
    # without what is noise
    ratio = float(source.ratio)
    noise = [tuple(int(edge * ratio + 0.5) for edge in span) for span in corrections["noise"]]
    peaks = table["sample"].to_numpy()
    table = table[~_inside(peaks, noise)].reset_index(drop=True)
    removed = {(code, at) for code, at in corrections["removed"]}
    own = [source.to_own_sample(episode.start) for episode in findings.episodes]
    kept = [
        episode
        for episode, at in zip(findings.episodes, own)
        if (episode.code, int(at)) not in removed
        and not _inside(np.array([(episode.start + episode.end) / 2]), noise)[0]
    ]
    gaps = merged([*findings.gaps, *noise])
    found = with_kinds(table["sample"].to_numpy(), table["kind"].to_numpy(), kept, gaps)
    clusters, table["cluster"] = _clusters(findings.clusters, table["cluster"].to_numpy())
    told = summary.summarise(
        table["sample"].to_numpy(),
        table["kind"].to_numpy(),
        table["doubtful"].to_numpy(),
        found,
        gaps,
        source.duration_s,
        source.start,
    )
    told["recording"] = findings.summary["recording"] | told["recording"]
    return replace(
        findings, table=table, clusters=clusters, episodes=found, summary=told, gaps=gaps
    )


def with_kinds(peaks, kinds, found, gaps) -> list[episodes.Episode]:
    """Episodes of which those that follow from kinds are made anew."""
    fibrillating = np.zeros(len(peaks), bool)
    anew = episodes.episodes(peaks, kinds, fibrillating, gaps) if len(peaks) else []
    both = [e for e in found if e.code not in OF_KINDS] + [e for e in anew if e.code in OF_KINDS]
    return sorted(both, key=lambda episode: (episode.start, episode.end))


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch or overlap as one."""
    result = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _inside(samples, spans):
    """(n,) bool: samples in any of the spans."""
    return np.any([(samples >= start) & (samples < end) for start, end in spans], 0) | np.zeros(
        len(samples), bool
    )


def _clusters(clusters, numbers):
    """Clusters that have beats left, with their counts, and the new numbers of the beats (n,)."""
    count = np.bincount(numbers[numbers >= 0], minlength=len(clusters))
    left = np.flatnonzero(count)
    new = np.full(len(clusters) + 1, -1)
    new[left] = np.arange(len(left))
    return [replace(clusters[k], count=int(count[k])) for k in left], new[numbers].astype(np.int16)
