"""What a reader corrected on the page, applied to the findings of the same recording.

The page saves NAME.corrections.json: kinds of beats, beats that were missed, stretches that are
noise, and episodes that are none. Runs, rates and pauses follow, by the definitions of `episodes`.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.screening.findings import Findings
from experiments.screening.rhythm import episodes, summary
from preprocess import BadInput

CORRECTIONS_SCHEMA = "b2i-gan.corrections/1"
OF_KINDS = (*episodes.V_CODES, *episodes.S_CODES, *episodes.REGULAR)
OF_RATES = (episodes.BRADYCARDIA, episodes.TACHYCARDIA)
NONE = "|"  # WFDB's for what looks like a QRS and is none
KINDS = (*"NVSFQ", NONE)  # the place of each is its number in the page


def read(path: str | Path) -> dict:
    """Raises BadInput where it is no file of corrections."""
    try:
        found = {"added": []} | json.loads(Path(path).read_text(encoding="utf-8"))
        valid = (
            found["schema"] == CORRECTIONS_SCHEMA
            and isinstance(found["recording"], str)
            and all(isinstance(at, int) and kind in KINDS for at, kind in found["beats"])
            and all(isinstance(at, int) and kind in KINDS for at, kind in found["added"])
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


def apply(findings: Findings, corrections: dict, pause_s: float = episodes.PAUSE_S) -> Findings:
    """Findings with the reader's kinds and beats, without those in noise, and what follows.

    Raises BadInput where the corrections are of other beats than these.
    """
    source, table = findings.source, findings.table.copy()
    if corrections["recording"] != source.name:
        raise BadInput(f"the corrections are of {corrections['recording']}, not of {source.name}")
    place = {at: row for row, at in enumerate(source.to_own_sample(table["sample"]).tolist())}
    missing = [at for at, _ in corrections["beats"] if at not in place]
    if missing := missing + [at for at, _ in corrections["added"] if not 0 <= at < source.n]:
        raise BadInput(
            f"{source.name} has no beat at sample {missing[0]}, which the corrections name: they "
            "are of a screening with other R peaks"
        )
    kind = table["kind"].to_numpy(object, copy=True)
    for at, given in corrections["beats"]:
        kind[place[at]] = given
    table["doubtful"] &= table["kind"] == kind  # what a reader says is not
    table["kind"] = kind
    # with beats that were missed, without those in noise or that are none
    ratio = float(source.ratio)
    to_sample = lambda own: int(own * ratio + 0.5)
    before = table["sample"].to_numpy()
    added = {to_sample(at): given for at, given in corrections["added"]}
    table = _with_beats(table, {at: added[at] for at in added.keys() - set(before.tolist())})
    noise = [tuple(map(to_sample, span)) for span in corrections["noise"]]
    out = _inside(table["sample"].to_numpy(), noise) | (table["kind"] == NONE)
    table = table[~out].reset_index(drop=True)
    peaks, gaps = table["sample"].to_numpy(), merged([*findings.gaps, *noise])
    table["rr_s"] = episodes.known_rr_s(peaks, gaps).astype(np.float32)
    # episodes, but for those that are none
    removed = {(code, at) for code, at in corrections["removed"]}
    is_left = lambda episode: (
        (episode.code, int(source.to_own_sample(episode.start))) not in removed
        and not _inside(np.array([(episode.start + episode.end) / 2]), noise)[0]
        and not (
            episode.code == episodes.ASYSTOLE
            and any(episode.start < at < episode.end for at in added)
        )
    )
    kept = list(filter(is_left, findings.episodes))
    found = _told_anew(peaks, table["kind"].to_numpy(), kept, gaps, pause_s, before)
    found = list(filter(is_left, found))
    clusters, table["cluster"] = _clusters(findings.clusters, table["cluster"].to_numpy())
    told = summary.summarise(table, found, gaps, source)
    told["recording"] = findings.summary["recording"] | told["recording"]
    return replace(
        findings, table=table, clusters=clusters, episodes=found, summary=told, gaps=gaps
    )


def _with_beats(table, added):
    """The table with more beats, {sample: kind}: not flagged, and without a score."""
    if not added:
        return table
    rows = pd.DataFrame({"sample": list(added), "kind": list(added.values()), "cluster": -1})
    # an integer or bool column of the table needs its value here
    rows = rows.assign(tail_probability=1.0, doubtful=False, premature=False)
    return pd.concat([table, rows]).astype(table.dtypes).sort_values("sample")


def _told_anew(peaks, kinds, found, gaps, pause_s, before):
    """Episodes of which those that follow from the beats are made anew.

    before: R peaks before corrections. Where two of them follow each other still, a long interval
    is a pause only if it was one: there may be a missed beat in it.
    """
    fibrillation = (episodes.FIBRILLATION, episodes.SHORT_FIBRILLATION)
    fibrillating = summary.in_episodes(peaks, found, fibrillation)
    follow = set(zip(before.tolist(), before[1:].tolist()))
    follow -= {(e.start, e.end) for e in found if e.code == episodes.PAUSE}
    anew = (*OF_KINDS, *OF_RATES, episodes.PAUSE)
    both = [e for e in found if e.code not in anew]
    for episode in episodes.episodes(peaks, kinds, fibrillating, gaps, pause_s=pause_s):
        is_old = episode.code == episodes.PAUSE and (episode.start, episode.end) in follow
        if episode.code in anew and not is_old:
            both.append(episode)
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
