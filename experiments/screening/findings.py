"""What was found in a recording: some bytes a beat, and a few examples of each cluster."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.screening.clusters import EARLY_RR, LATE_RR, Cluster, Clusters, Example, timing_of
from experiments.screening.location import ScreenedBlock
from experiments.screening.page.strips import Stretch, joined, stretches, strip
from experiments.screening.polarity import upside_down
from experiments.screening.rhythm import interpretation
from experiments.screening.rhythm.episodes import Episode, Limits
from experiments.screening.side_by_side import give_back_memory
from experiments.screening.threshold import PatientThreshold
from preprocess import BadInput
from preprocess.readers.source import Source
from preprocess.readers.wfdb import FS_HZ
from preprocess.signal import quality

FEWEST_BEATS = 5
MOST_UNREADABLE = 0.99  # of a recording, beyond which there is nothing to tell
HEART_RATES_PER_MIN = (15, 300)  # outside, a recording's sampling rate must be wrong
USUAL_RR_BEATS = 15  # unremarkable intervals that make the usual one around a beat
# columns that interpretation needs and no output has
NOT_TOLD = ["usual", "p_coherence", "bump", "noise", "like_fusion", "p_in_place", "unlike"]
LOCATION = ("span_start_s", "span_end_s", "band_low_hz", "band_high_hz")
PARTS_OF_BEAT = (  # name, and where it lies, in s from R, at a usual heart rate
    ("what precedes P", -0.39, -0.25),
    ("P wave", -0.25, -0.06),
    ("QRS", -0.06, 0.10),
    ("ST and T", 0.10, 0.50),
)


@dataclass(frozen=True)
class Findings:
    """Everything that the outputs tell of a recording.

    table: a row a beat: sample at FS_HZ, rr_s, rr_local_s, rr_usual_s, score, tail_probability,
    cluster (row of clusters, -1: unremarkable), premature, kind, kind_confidence and LOCATION;
    clusters: the largest first; episodes: of rhythm_episodes, in order of time; alarms: what a
    reader must see first; summary: as experiments.screening.rhythm.summary describes.
    """

    source: Source
    patient_threshold: PatientThreshold
    table: pd.DataFrame
    clusters: list[Cluster]
    unreadable: list[Stretch]
    alarms: list[Stretch]
    episodes: list[Episode]
    summary: dict

    @property
    def beats(self) -> pd.DataFrame:
        """A row a beat, with the columns of NAME.csv, as numbers and not as text."""
        at, cluster = self.table["sample"].to_numpy(), self.table["cluster"].to_numpy()
        columns = {"sample": self.source.to_own_sample(at), "time_s": at / FS_HZ}
        columns |= {name: self.table[name] for name in ("rr_s", "score", "tail_probability")}
        columns |= {"flagged": cluster >= 0}
        columns |= {"shape": np.where(cluster >= 0, cluster + 1.0, np.nan)}
        of_table = ("premature", *LOCATION, "kind", "kind_confidence")
        columns |= {name: self.table[name] for name in of_table}
        return pd.DataFrame(columns | {"episode": interpretation.episode_codes(at, self.episodes)})

    @property
    def flagged(self) -> np.ndarray:
        return self.table["cluster"].to_numpy() >= 0

    @property
    def unreadable_s(self) -> float:
        return _seconds(self.unreadable)

    @property
    def rate_per_min(self) -> float:
        return _rate_per_min(self.table)

    @property
    def flagged_per_hour(self) -> float:
        """In the hours that could be read."""
        return self.flagged.sum() / max(self.summary["recording"]["analysed_s"] / 3600, 1e-9)

    def kind_of(self, index: int) -> str:
        """The kind of most beats of a cluster."""
        kinds = self.table["kind"][self.table["cluster"] == index]
        return str(kinds.value_counts().index[0])

    def describe(self, index: int) -> str:
        """A cluster in a few words: when its beats come, and where in the beat they differ."""
        rows = self.table[self.table["cluster"] == index]
        relative = float("nan")
        if rows["rr_s"].notna().any():
            relative = float(np.nanmedian(rows["rr_s"] / rows["rr_usual_s"]))
        when = "early" if relative < EARLY_RR else "late" if relative > LATE_RR else "on time"
        if np.isfinite(relative):
            when += f" ({100 * relative:.0f} % of the usual RR)"
        shape = "usual" if self.clusters[index].timing else "other"
        part = _part_of_beat(*rows[["span_start_s", "span_end_s"]].median())
        return f"{shape} shape, {when}; differs {part}"


class Collector:
    """Gathers screened blocks, one after another, into Findings."""

    def __init__(
        self, source: Source, patient_threshold: PatientThreshold, limits: Limits | None = None
    ):
        self.source, self.patient_threshold, self.limits = source, patient_threshold, limits
        self.clusters = Clusters(patient_threshold.record_median_mv)
        self.columns: list[dict[str, np.ndarray]] = []  # of each block
        self.locations: list[np.ndarray] = []  # of its flagged beats, (k, 4)
        self.stretches: list[Stretch] = []
        self.quality_spans: list[interpretation.Span] = []
        self.shapes: list[np.ndarray] = []

    def add(self, block: ScreenedBlock):
        """Groups the flagged beats of a block, and keeps what the outputs need of it."""
        beats, flagged = block.beats, block.flagged
        self.stretches += stretches(block)
        self.quality_spans += [
            (block.start + start, block.start + end, code)
            for start, end, code in quality.spans(block.reason, range(1, len(quality.REASONS)))
        ]
        self.shapes.append(block.shapes)
        cluster = np.full(len(beats), -1, np.int16)
        if len(flagged):
            cluster[flagged] = self._clustered(block)
        columns = {
            "sample": beats.sample,
            "rr_s": beats.rr_s[:, 0],
            "rr_local_s": beats.rr_s[:, 2],
            "score": block.scores.astype(np.float32),
            "cluster": cluster,
            "premature": block.premature,
            "like_fusion": block.like_fusion,
            "p_in_place": block.p_in_place,
            "unlike": block.unlike,
        } | vars(block.surroundings)
        # copies: parts of arrays would keep the whole ones
        self.columns.append({name: values.copy() for name, values in columns.items()})
        self.locations.append(block.location.astype(np.float32))

    def _clustered(self, block):
        """Cluster of each flagged beat, some of which are kept as its examples."""
        beats, scores = block.found, block.scores[block.flagged]
        indices = self.clusters.add(beats.beat_mv, timing_of(beats.rr_s[:, 0], beats.rr_s[:, 2]))
        clusters = [self.clusters.clusters[index] for index in indices]
        wanted = [cluster.wants(sample) for cluster, sample in zip(clusters, beats.sample)]
        for row in np.flatnonzero(wanted):
            sample = int(beats.sample[row])
            example = Example(
                sample,
                float(scores[row]),
                beats.beat_mv[row].copy(),
                None if beats.image is None else beats.image[row].copy(),
                beats.rr_s[row].copy(),
                strip(block.signal_mv, sample - block.first),
            )
            clusters[row].add_example(example)
        return indices

    def findings(self) -> Findings:
        """The blocks put together. Raises BadInput when there is nothing to tell."""
        table = self._table()
        give_back_memory()
        words = [quality.REASONS[code] for code in quality.ALARMS]
        of_alarms = [[s for s in self.stretches if s.reason == word] for word in words]
        alarms = sorted(sum(map(joined, of_alarms), []), key=lambda stretch: stretch.start)
        unreadable = joined([s for s in self.stretches if s.reason not in words])
        self._check(table, unreadable, alarms)
        tail_probability = self.patient_threshold.tail_probability(table["score"])
        table["tail_probability"] = tail_probability.astype(np.float32)
        # clusters by rank; index -1, the last of `rank`, stays -1
        merged = self.clusters.merged()
        rank = np.full(len(self.clusters.clusters) + 1, -1)
        for new, (_, old) in enumerate(merged):
            rank[list(old)] = new
        table["cluster"] = rank[table["cluster"]].astype(np.int16)
        table["rr_usual_s"] = _usual_rr_s(table)
        # kinds, rhythms, summary
        spans = interpretation.joined(self.quality_spans)
        found = interpretation.interpret(
            table, np.concatenate(self.shapes), spans, self.source, self.limits
        )
        usual_mv = self.patient_threshold.record_median_mv
        found.summary["recording"]["upside_down"] = upside_down(usual_mv)
        table["kind"], table["kind_confidence"] = found.kind, found.confidence.astype(np.float32)
        return Findings(
            self.source,
            self.patient_threshold,
            table.drop(columns=NOT_TOLD),
            [cluster for cluster, _ in merged],
            unreadable,
            alarms,
            found.episodes,
            found.summary,
        )

    def _table(self):
        """A row a beat of all blocks, which give up what they have."""
        table = {
            name: np.concatenate([columns.pop(name) for columns in self.columns])
            for name in list(self.columns[0])
        }
        flagged, location = table["cluster"] >= 0, np.concatenate(self.locations)
        for name, values in zip(LOCATION, location.T):
            table[name] = np.full(len(flagged), np.nan, np.float32)
            table[name][flagged] = values
        return pd.DataFrame(table, copy=False)

    def _check(self, table, unreadable, alarms):
        """Raises BadInput where there is nothing to tell; a lost rhythm is something, always."""
        name, duration_s = self.source.path, self.source.duration_s
        if _seconds(unreadable) > MOST_UNREADABLE * duration_s:
            raise BadInput(
                f"{name} is unreadable throughout ({unreadable[0].reason}): choose another --lead"
            )
        if any(stretch.reason == quality.REASONS[quality.NO_RHYTHM] for stretch in alarms):
            return
        if len(table) < FEWEST_BEATS:
            raise BadInput(
                f"no R peaks were found in {name} ({len(table)} in {duration_s / 60:.1f} min): "
                f"is lead {self.source.lead} an ECG?"
            )
        rate_per_min = _rate_per_min(table)
        if not HEART_RATES_PER_MIN[0] < rate_per_min < HEART_RATES_PER_MIN[1]:
            raise BadInput(
                f"{name} would have {rate_per_min:.0f} beats a minute: "
                f"is its sampling rate really {self.source.fs_hz:g} Hz (--fs)?"
            )


def _seconds(unreadable):
    return sum(stretch.end - stretch.start for stretch in unreadable) / FS_HZ


def _rate_per_min(table):
    return 60 / float(np.nanmedian(table["rr_s"]))


def _usual_rr_s(table):
    """(n,): around each beat, the median RR between two unremarkable beats.

    It is what a minute of ectopics leaves of the rhythm, where the local median is the ectopics'.
    """
    unremarkable = table["cluster"] < 0
    before_too = table["cluster"].shift(1, fill_value=0) < 0
    presumed_normal = unremarkable & before_too & table["rr_s"].notna()
    if presumed_normal.sum() < FEWEST_BEATS:
        return table["rr_local_s"].to_numpy()
    median_s = (
        table["rr_s"][presumed_normal].rolling(USUAL_RR_BEATS, center=True, min_periods=1).median()
    )
    return np.interp(table["sample"], table["sample"][presumed_normal], median_s)


def _part_of_beat(start_s, end_s):
    """A span as the parts of the beat of which it takes more than half, or else the most."""
    if np.isnan(start_s):
        return "nowhere in particular"
    shares = [
        max(0, min(end_s, high) - max(start_s, low)) / (high - low)
        for _, low, high in PARTS_OF_BEAT
    ]
    parts = [name for (name, *_), share in zip(PARTS_OF_BEAT, shares) if share > 0.5]
    if len(parts) == len(PARTS_OF_BEAT):
        return "in all of the beat"
    *others, last = parts or [PARTS_OF_BEAT[int(np.argmax(shares))][0]]
    return f"in {', '.join(others)} and {last}" if others else f"in {last}"
