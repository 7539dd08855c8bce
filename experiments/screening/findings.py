"""What was found in a recording: some bytes a beat, and a few examples of each cluster."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.screening.clusters import Cluster, Clusters, Example, timing_of
from experiments.screening.location import LOCATION, ScreenedBlock
from experiments.screening.rhythm import episodes, kinds, summary
from experiments.screening.threads import give_back_memory
from experiments.screening.threshold import FEWEST_BEATS, PatientThreshold
from preprocess import BadInput
from preprocess.constants import FS_HZ
from preprocess.readers.source import Source
from preprocess.signal import quality
from preprocess.signal.atrial_fibrillation import fibrillation

MOST_UNREADABLE = 0.99  # of a recording, beyond which nothing can be said of it
HEART_RATES_PER_MIN = (15, 300)  # outside, a recording's sampling rate must be wrong
GAP_S = 2.0  # unreadable stretches with less between them are shown as one
# columns from which kinds and episodes follow, and which no output has
FOR_RHYTHM = ["usual", "p_coherence", "bump", "noise"]


@dataclass
class Stretch:
    """Samples start to end of a recording at FS_HZ that cannot be read or have no rhythm.

    code: index into quality.REASONS.
    """

    start: int
    end: int
    code: int

    @property
    def reason(self) -> str:
        return quality.REASONS[self.code]


@dataclass(frozen=True, repr=False)
class Findings:
    """Everything that the outputs say of a recording.

    table: a row a beat: sample at FS_HZ, rr_s, rr_local_s, rr_usual_s, score, tail_probability,
    cluster (row of clusters, -1: unremarkable), premature, kind, kind_confidence,
    doubtful and LOCATION;
    clusters: the largest first; episodes: in order of time;
    summary: docs/summary.schema.json describes it; gaps: (start, end) in samples at FS_HZ, across
    which no RR interval is known.
    """

    source: Source
    patient_threshold: PatientThreshold
    table: pd.DataFrame
    clusters: list[Cluster]
    unreadable: list[Stretch]
    episodes: list[episodes.Episode]
    summary: dict
    gaps: list[tuple[int, int]]

    def __repr__(self):
        """At most twenty lines: those of the terminal."""
        from experiments.screening.outputs import in_lines  # which writes findings

        leads = ", ".join(self.source.screened)
        return f"{self.source.name}: lead {leads}\n{in_lines(self)}"

    @property
    def beats(self) -> pd.DataFrame:
        """A row a beat, with the columns of NAME.csv, as numbers and not as text."""
        return self.rows(0, len(self.table))

    def rows(self, start: int, end: int) -> pd.DataFrame:
        """Some rows of `beats`: all of a recording of days are large."""
        table = self.table.iloc[start:end]
        at, cluster = table["sample"].to_numpy(), table["cluster"].to_numpy()
        columns = {"sample": self.source.to_own_sample(at), "time_s": at / FS_HZ}
        columns |= {name: table[name] for name in ("rr_s", "score", "tail_probability")}
        columns |= {"flagged": cluster >= 0}
        columns |= {"shape": np.where(cluster >= 0, cluster + 1.0, np.nan)}
        of_table = ("premature", *LOCATION, "kind", "kind_confidence")
        columns |= {name: table[name] for name in of_table}
        return pd.DataFrame(columns | {"episode": episodes.episode_codes(at, self.episodes)})

    @property
    def flagged(self) -> np.ndarray:
        return self.table["cluster"].to_numpy() >= 0

    def kind_of(self, index: int) -> str:
        """The kind of most beats of a cluster."""
        return str(self.table["kind"][self.table["cluster"] == index].value_counts().index[0])


class Collector:
    """Gathers screened blocks, one after another, into Findings."""

    def __init__(self, source: Source, patient_threshold: PatientThreshold, pause_s: float):
        self.source, self.patient_threshold = source, patient_threshold
        self.pause_s = pause_s
        self.clusters = Clusters(patient_threshold.record_median_mv)
        self.columns: list[dict[str, np.ndarray]] = []  # of each block
        self.kind_shares: list[np.ndarray] = []  # of all beats, (n, 5)
        self.reasons: list[np.ndarray] = []  # of each bin

    def add(self, block: ScreenedBlock):
        """Groups the flagged beats of a block, and keeps what the outputs need of it."""
        self.reasons.append(block.reason[:: quality.BIN])
        self.kind_shares.append(block.kind_shares)
        cluster = np.full(len(block.beats), -1, np.int16)
        if len(block.flagged):
            cluster[block.flagged] = self._clustered(block)
        # copies: parts of arrays would keep the whole ones
        self.columns.append(
            {name: values.copy() for name, values in block.columns.items()} | {"cluster": cluster}
        )

    def _clustered(self, block):
        """Cluster of each flagged beat, some of which are kept as its examples."""
        beats, scores = block.flagged_beats, block.scores[block.flagged]
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
            )
            clusters[row].add_example(example)
        return indices

    def findings(self) -> Findings:
        """The blocks put together. Raises BadInput when nothing can be said of the recording."""
        source, names = self.source, list(self.columns[0])
        # the blocks give up what they have
        table = {name: np.concatenate([of.pop(name) for of in self.columns]) for name in names}
        table = pd.DataFrame(table, copy=False)
        give_back_memory()
        found = stretches(np.concatenate(self.reasons), source.length)
        unreadable = joined([stretch for stretch in found if stretch.code not in quality.ALARMS])
        self._check(table, found, unreadable)
        tail_probability = self.patient_threshold.tail_probability(table["score"])
        table["tail_probability"] = tail_probability.astype(np.float32)
        # clusters by rank; index -1, the last of `rank`, stays -1
        merged = self.clusters.merged()
        rank = np.full(len(self.clusters.clusters) + 1, -1)
        for new, (_, old) in enumerate(merged):
            rank[list(old)] = new
        table["cluster"] = rank[table["cluster"]].astype(np.int16)
        # kinds, episodes, summary
        fibrillating = fibrillation(
            table["rr_s"].to_numpy(float),
            ~table["usual"].to_numpy(),
            table["p_coherence"].to_numpy(float),
        )
        shares = np.concatenate(self.kind_shares)
        kind, confidence = kinds.decide(shares, table["cluster"].to_numpy() >= 0, fibrillating)
        table["kind"], table["kind_confidence"] = kind, confidence.astype(np.float32)
        table["doubtful"] = kinds.doubtful(confidence, table["noise"].to_numpy())
        table["premature"] = table["rr_s"] < kinds.PREMATURE * table["rr_usual_s"]
        return Findings(
            source,
            self.patient_threshold,
            table.drop(columns=FOR_RHYTHM),
            [cluster for cluster, _ in merged],
            unreadable,
            *self._rhythm(table, found, fibrillating),
        )

    def _check(self, table, found, unreadable):
        """Raises BadInput where nothing can be said; of a lost rhythm something always can."""
        name, duration_s = self.source.path, self.source.duration_s
        if sum(s.end - s.start for s in unreadable) / FS_HZ > MOST_UNREADABLE * duration_s:
            raise BadInput(
                f"{name} is unreadable throughout ({unreadable[0].reason}): choose another --lead"
            )
        if any(stretch.code == quality.NO_RHYTHM for stretch in found):
            return
        if len(table) < FEWEST_BEATS:
            raise BadInput(
                f"no R peaks were found in {name} ({len(table)} in {duration_s / 60:.1f} min): "
                f"is lead {self.source.lead} an ECG?"
            )
        rate_per_min = 60 / float(np.nanmedian(table["rr_s"]))
        if not HEART_RATES_PER_MIN[0] < rate_per_min < HEART_RATES_PER_MIN[1]:
            raise BadInput(
                f"{name} would have {rate_per_min:.0f} beats a minute: "
                f"is its sampling rate really {self.source.fs_hz:g} Hz (--fs)?"
            )

    def _rhythm(self, table, marked, fibrillating):
        """Episodes, summary and gaps, of the table, the stretches and a column (n,) beside it."""
        source = self.source
        peaks, kind, bumps = (table[name].to_numpy() for name in ("sample", "kind", "bump"))
        gaps = [(s.start, s.end) for s in marked if s.code != quality.NO_ACTIVITY]
        alarms = [(s.start, s.end, s.code) for s in marked if s.code in quality.ALARMS]
        found = episodes.episodes(peaks, kind, fibrillating, gaps, alarms, bumps, self.pause_s)
        result = summary.summarise(table, found, gaps, source)
        result["recording"] = {
            "name": source.name,
            "lead": source.lead,
            "leads": source.screened,
            **result["recording"],
            "upside_down": quality.upside_down(self.patient_threshold.record_median_mv),
        }
        return found, result, gaps


def stretches(reasons: np.ndarray, length: int) -> list[Stretch]:
    """Reasons (m,) of the bins of a recording to its stretches that are not plainly readable, in
    order of time. length: of the recording, in samples."""
    found = quality.spans(reasons, range(1, len(quality.REASONS)))
    return [Stretch(a * quality.BIN, min(b * quality.BIN, length), code) for a, b, code in found]


def joined(found: list[Stretch]) -> list[Stretch]:
    """Those with less than GAP_S between them as one with the longer one's reason."""
    result = []
    for stretch in found:
        if not result or stretch.start - result[-1].end >= GAP_S * FS_HZ:
            result.append(stretch)
            continue
        last = result[-1]
        longer = max(last, stretch, key=lambda s: s.end - s.start)
        result[-1] = Stretch(last.start, stretch.end, longer.code)
    return result
