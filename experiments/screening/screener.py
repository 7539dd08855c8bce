"""A trained detector that screens recordings: what the command line and programs of others call.

`Screener.findings` is the way of a recording: signal, quality, R peaks, beats, scores, threshold,
location, findings.
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from experiments.screening import outputs
from experiments.screening.blocks import Reader, spans
from experiments.screening.findings import HEART_RATES_PER_MIN, Collector, Findings
from experiments.screening.location import ScreenedBlock, cluster_pictures, locate
from experiments.screening.page import recording as page
from experiments.screening.scoring import ScoredBlock, score
from experiments.screening.shipped import open_weights
from experiments.screening.threads import give_back_memory, in_threads
from experiments.screening.threshold import calibrate, calibration_spans
from experiments.training.checkpoint import Checkpoint
from experiments.training.device import one_thread_a_step
from experiments.training.scoring import usable_context
from models.detector import Detector
from options import DEFAULTS, screening_parser
from preprocess import BadInput
from preprocess.constants import FS_HZ
from preprocess.readers import open_source
from preprocess.readers.source import Source

__all__ = ["Findings", "Screener", "Settings"]

SHORTEST_S = 10.0
FEWEST_BETWEEN = FS_HZ * 60 / HEART_RATES_PER_MIN[1]  # R peaks, in samples
FLAG = re.compile(r"--([a-z][a-z_-]+)")


@dataclass(frozen=True)
class Settings:
    """How recordings are screened, with the defaults of the flags of the same names."""

    context: str = DEFAULTS["context"]
    false_alarms_per_hour: float = DEFAULTS["false_alarms_per_hour"]
    false_alarm_rate: float | None = None
    pause: float = DEFAULTS["pause"]  # s
    calibration_minutes: float = DEFAULTS["calibration_minutes"]
    known_normal: tuple[float, float] | None = None  # minutes
    annotator: str | None = None
    trace: bool = True
    pdf: bool = False

    def __post_init__(self):
        """Raises BadInput for what the flags refuse."""
        for action in screening_parser()._actions:
            value = getattr(self, action.dest, None)
            try:
                if action.nargs == 2 and value is not None and np.size(value) != 2:
                    raise ValueError("two values are needed, from and to")
                for one in [] if value is None else np.atleast_1d(value).tolist():
                    if one not in (action.choices or [one]):
                        raise ValueError(f"{one} is none of {', '.join(action.choices)}")
                    (action.type or str)(str(one))
            except (ArgumentTypeError, ValueError) as error:
                raise BadInput(f"Screener: {action.dest}: {error}") from None


class Screener:
    """Screens any number of recordings; makes nothing but what it returns, until asked to write.

    `decision_function`, `predict` and `predict_proba` are named and mean as in PyOD, of the beats
    of a recording in order of time; they take what `screen` takes.
    """

    def __init__(self, checkpoint: str | Path | None = None, device: str = "auto", **settings):
        """checkpoint: a file, None for the shipped weights; settings: fields of Settings."""
        try:
            self.settings = Settings(**settings)
        except TypeError as error:
            known = ", ".join(Settings.__dataclass_fields__)
            raise BadInput(f"Screener: {error}; its settings are {known}") from None
        self._use(*open_weights(checkpoint, device))

    @classmethod
    def of(cls, checkpoint: Checkpoint, detector: Detector, settings: Settings) -> Screener:
        """With a detector that is open already. settings: or options of main.py, which have the
        same fields."""
        made = cls.__new__(cls)
        made.settings = settings
        made._use(checkpoint, detector)
        return made

    def _use(self, checkpoint, detector):
        self.checkpoint, self.detector = checkpoint, detector
        self.context = usable_context(detector, self.settings.context)
        if self.context not in checkpoint.reference:
            raise BadInput(
                f"the checkpoint knows no scores of normal beats with context {self.context}: "
                "train it to the end"
            )

    def __repr__(self):
        asked = self.settings.false_alarm_rate or f"{self.settings.false_alarms_per_hour:g} an hour"
        return f"Screener({self.checkpoint.model}, context {self.context}, false alarms {asked})"

    def screen(
        self,
        recording: ArrayLike | str | Path,
        fs_hz: float | None = None,
        name: str = "recording",
        lead: str | list | None = None,
        r_peaks: ArrayLike | None = None,
    ) -> Findings:
        """Samples (n,) or (n, leads) in mV, NaN where there are none, or a file, to what is found.

        fs_hz: of samples, or of a file that does not say; name: what findings call samples; lead:
        the same, of several leads a list, the one most like II first, or which of a file; r_peaks:
        (k,) samples, else they are detected. Raises BadInput where nothing can be said of it.
        """
        try:
            if isinstance(recording, str | Path):
                source = open_source(
                    recording, lead, fs_hz, likely=self.checkpoint.settings["lead"]
                )
            else:
                source = SignalSource.of(recording, fs_hz, str(name), lead or "ECG")
            if r_peaks is not None:
                r_peaks = np.unique(np.round(np.asarray(r_peaks) * float(source.ratio)).astype(int))
                if len(r_peaks) > 1 and np.median(np.diff(r_peaks)) < FEWEST_BETWEEN:
                    raise BadInput("r_peaks lie too close for a heart: give them in samples")
            return self.findings(source, r_peaks=r_peaks)
        except BadInput as error:
            raise BadInput(in_python(str(error))) from None

    def decision_function(self, recording: ArrayLike | str | Path, fs_hz=None, **how) -> np.ndarray:
        """Scores of the recording's beats (n,), higher is more abnormal."""
        return self.screen(recording, fs_hz, **how).beats["score"].to_numpy()

    def predict(self, recording: ArrayLike | str | Path, fs_hz=None, **how) -> np.ndarray:
        """1 for beats above the patient's threshold, 0 for the others (n,)."""
        return self.screen(recording, fs_hz, **how).beats["flagged"].to_numpy(int)

    def predict_proba(self, recording: ArrayLike | str | Path, fs_hz=None, **how) -> np.ndarray:
        """(n, 2), adding up to 1, the second above one half where `predict` says 1: its odds are
        the false-alarm rate against the share of normal beats that score as high."""
        found = self.screen(recording, fs_hz, **how)
        rate, flagged = found.patient_threshold.rate, found.flagged
        share = rate / (rate + found.table["tail_probability"].to_numpy(float))
        half = np.nextafter(0.5, 1)  # of those at the threshold itself
        share = np.where(flagged, np.maximum(share, half), np.minimum(share, 0.5))
        return np.stack([1 - share, share], 1)

    def findings(
        self,
        source: Source,
        progress: bool = False,
        workers: int | None = None,
        r_peaks: np.ndarray | None = None,
    ) -> Findings:
        """What is found in a recording. workers: blocks that are worked on at a time; r_peaks: see
        Reader."""
        if source.duration_s < SHORTEST_S:
            raise BadInput(
                f"{source.path} is {source.duration_s:.1f} s long; {SHORTEST_S:g} s are needed at "
                "least"
            )
        reader = Reader(source, self.settings.annotator, r_peaks)

        def scored(span: tuple[int, int]) -> ScoredBlock:
            return score(reader.read(*span), self.detector, self.context)

        def screened(span: tuple[int, int]) -> ScreenedBlock:
            return locate(scored(span), patient_threshold.value, self.detector)

        quantiles, duration_s = self.checkpoint.reference[self.context], round(source.duration_s)
        how = {"desc": f"screening {source.name}", "disable": None if progress else True}
        bar = tqdm(total=duration_s, unit="s", unit_scale=True, **how)
        with one_thread_a_step(), bar:
            first_blocks = map(scored, calibration_spans(source, self.settings))
            patient_threshold = calibrate(first_blocks, self.context, quantiles, self.settings)
            collector = Collector(source, patient_threshold, self.settings.pause)
            for block in in_threads(screened, spans(source), workers):
                collector.add(block)
                bar.update((block.end - block.start) / FS_HZ)
                # between the few examples that stay, days of freed arrays would stay too
                del block
                give_back_memory()
            return collector.findings()

    def page(self, findings: Findings) -> str:
        """The text of NAME.html."""
        give_back_memory()
        shown = findings.clusters[: page.MOST_ROWS]
        with one_thread_a_step():
            pictures = cluster_pictures(shown, self.detector, findings.patient_threshold)
        return page.render(findings, pictures, self.context, self.checkpoint, self.settings)

    def write(self, findings: Findings, folder: str | Path) -> None:
        """NAME.b2i, .csv, .json, .html and the trace to a folder: all or none."""
        text = self.page(findings)
        give_back_memory()
        outputs.write(findings, text, Path(folder), self.settings.trace, self.settings.pdf)


def in_python(sentence: str) -> str:
    """A sentence of the command line with the names of arguments in place of its flags."""
    sentence = re.sub(r"(say|give) [^,;:]*--(units|gain).*", "give it in mV, as an array", sentence)
    sentence = sentence.replace(", or a folder of them", "")
    return FLAG.sub(lambda flag: flag[1].replace("-", "_"), sentence.replace("--fs", "--fs_hz"))


class SignalSource(Source):
    """Leads that are in memory."""

    @classmethod
    def of(cls, signal_mv: ArrayLike, fs_hz: float, name: str, lead: str | list) -> SignalSource:
        """signal_mv: (n,) or (n, leads), each with a name. Raises BadInput where it is not."""
        try:
            signal_mv = np.asarray(signal_mv, float)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{name} is no array of numbers in mV: {error}") from None
        leads = [lead] if isinstance(lead, str) else list(lead)
        if fs_hz is None:
            raise BadInput(f"{name} does not say its sampling rate: give --fs")
        if Path(name).name != name:
            raise BadInput(f"name={name!r} would be no name of a file")
        if signal_mv.ndim not in (1, 2) or signal_mv.size != len(signal_mv) * len(leads):
            raise BadInput(
                f"{name} has shape {signal_mv.shape} and {len(leads)} names of leads: give an "
                "array (n,) or (n, leads) in mV, and lead=[...] with a name for each"
            )
        n, signal_mv = len(signal_mv), signal_mv.reshape(len(signal_mv), len(leads))
        finite_mv = lambda part_mv: np.where(np.isfinite(part_mv), part_mv, np.nan)
        pieces = [(0, n, lambda start, end: finite_mv(signal_mv[start:end]))]
        return cls(name, Path(name), leads, leads, float(fs_hz), n, pieces)
