"""An exported detector: ONNX Runtime computes its networks, numpy the rest. Loads no torch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from models.b2igan import segments
from models.b2igan.context_score import ContextScore
from models.b2igan.references import AgainstReferences, halved
from models.b2igan.rhythm_features import placed, rhythm_features
from preprocess import BadInput
from preprocess.beats import Beats
from preprocess.spectrogram import HANN, HOP, LEAST_SD_MV, N_FFT, ROWS, STORED_AS

GRAPH_VERSION = 1  # of metadata.json and the graph's inputs and outputs
AT_ONCE = 128  # rows that go through the graph at a time: more are no faster, and take memory


def files(path: str | Path) -> tuple[Path, Path]:
    """A graph's file, and that of what the score needs besides."""
    return Path(path), Path(path).with_name("metadata.json")


@dataclass
class ExportedCheckpoint:
    """What screening asks of a checkpoint, from metadata.json."""

    model: str
    source: str
    settings: dict
    options: dict
    reference: dict


def open_exported(path: str | Path) -> tuple[ExportedCheckpoint, ExportedDetector]:
    """As experiments.training.checkpoint.open_detector. Raises BadInput where the two files are not
    there, not whole, or of another version than this program."""
    graph, described = files(path)
    try:
        facts, content = json.loads(described.read_text()), graph.read_bytes()
    except FileNotFoundError as error:
        raise BadInput(
            f"there is no {error.filename}: export weights with python -m experiments.export --to "
            f"{graph}"
        ) from error
    except ValueError as error:
        raise BadInput(f"{described} is no whole JSON file: export the weights again") from error
    if not isinstance(facts, dict) or facts.get("version") != GRAPH_VERSION:
        raise BadInput(
            f"{described} was written by another version of this program, which reads "
            f"{GRAPH_VERSION}: export the weights again"
        )
    if facts.get("onnx_sha256") != hashlib.sha256(content).hexdigest():
        raise BadInput(f"{described} is not of {graph}: export the weights again")
    names = ExportedCheckpoint.__dataclass_fields__
    checkpoint = ExportedCheckpoint(**{name: facts[name] for name in names})
    return checkpoint, ExportedDetector(_session(content), facts)


def _session(content):
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    # one thread, as torch has in screening: blocks are what is worked on side by side
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    # a plan for each number of rows keeps the space of a whole run, and saves no time
    settings.enable_mem_pattern = False
    return onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])


class ExportedDetector:
    """What screening asks of a models.detector.Detector, for unseen patients."""

    image = None  # where a score needs images they are made of the traces
    explains = "image"
    contexts = ("none", "rhythm", "record")
    has_error_map = True

    def __init__(self, session, facts: dict):
        self.session, self.facts = session, facts
        self.context = _ExportedContext(self._run, facts)
        # The parts of the graph are independent: those that are not wanted get a row of zeros.
        self.blank = {
            given.name: np.zeros((1, *given.shape[1:]), np.float32)
            for given in session.get_inputs()
        }

    def _run(self, wanted: list[str], **given: np.ndarray) -> list[np.ndarray]:
        """Rows of some of the inputs to these outputs."""
        n, found = len(next(iter(given.values()))), []
        for start in range(0, n, AT_ONCE):
            part = {
                name: np.ascontiguousarray(values[start : start + AT_ONCE], np.float32)
                for name, values in given.items()
            }
            found.append(self.session.run(wanted, self.blank | part))
        return [np.concatenate(column) for column in zip(*found)]

    def score(self, beats: Beats, context: str = "none") -> np.ndarray:
        beat_scores, left_out = np.zeros(len(beats)), self.facts["left_out"]
        if context == "none" or "beat" in self.facts["counted"][context]:
            image = stored_images(beats.beat_mv) if beats.image is None else beats.image
            (parts,) = self._run(["parts"], image=image)
            counted = [name not in left_out for name in self.facts["parts"]]
            beat_scores = parts.astype(float)[:, counted].sum(1)
        if context == "none":
            return beat_scores
        return self.context.score(beats, beat_scores, context, left_out)

    decision_function = score

    def reads_image(self, context: str) -> bool:
        return False

    def rhythm_log_odds(self, samples: np.ndarray) -> np.ndarray:
        return self.context.rhythm.score(samples)

    def error_map(self, beats: Beats) -> np.ndarray:
        return self.errors(beats)[0]

    def errors(self, beats: Beats) -> tuple[np.ndarray, np.ndarray]:
        median_mv = beats.record_median_mv
        median_mv = beats.beat_mv if median_mv is None else median_mv
        over_time, over_map = self._run(
            ["over_time", "over_map"], flagged_mv=beats.beat_mv, median_mv=median_mv
        )
        usual = self.facts["error_map"]
        over_time, over_map = segments.standard(over_time, over_map, usual["mean"], usual["std"])
        over_time = segments.sized(over_time, beats.beat_mv - median_mv, usual["segment_from"])
        return np.repeat(over_map[:, None], 2, 1), over_time

    def segments(self, over_time: np.ndarray) -> list[list[tuple[float, float]]]:
        usual = self.facts["error_map"]
        return segments.segments_of(over_time, usual["segment_from"], usual["segment_to"])

    def generate(self, beats: Beats) -> None:
        return None

    def normal_versions(self, beats: Beats, references_mv: np.ndarray) -> np.ndarray:
        return self.context.patient.normal_versions(beats.beat_mv, references_mv)


def stored_images(beats_mv: np.ndarray) -> np.ndarray:
    """(n, WINDOW) in mV to (n, 2, 32, 32) float32, as preprocess.spectrogram's `complex` ones, by
    numpy: the same but for the last bit of half precision here and there."""
    scale = np.sqrt(beats_mv.std(1, ddof=1, keepdims=True) + LEAST_SD_MV)
    padded = np.pad(beats_mv / scale, ((0, 0), (HANN // 2, HANN // 2)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, HANN, 1)[:, HOP // 2 :: HOP][:, :ROWS]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(HANN) / HANN)
    turn = 2j * np.pi * np.outer(np.arange(HANN) - HANN // 2, np.arange(ROWS)) / N_FFT
    both = (frames * window) @ np.exp(-turn)  # [n, times, freqs]
    image = np.stack([both.real, both.imag], 1).swapaxes(2, 3)
    return image.astype(STORED_AS).astype(np.float32)


class _ExportedContext(ContextScore):
    def __init__(self, run, facts):
        self.counted, self.patient = facts["counted"], _ExportedPatient(run)
        self.rhythm = _ExportedRhythm(run, np.array(facts["rhythm"]["grid"]))
        self.tails = {
            name: partial(np.interp, xp=np.array(tail["values"]), fp=np.array(tail["log_tails"]))
            for name, tail in facts["tails"].items()
        }


@dataclass
class _ExportedRhythm:
    run: object
    grid: np.ndarray

    def score(self, samples: np.ndarray) -> np.ndarray:
        (odds,) = self.run(["rhythm_odds"], rhythm=placed(rhythm_features(samples), self.grid))
        return odds.astype(float)


@dataclass
class _ExportedPatient(AgainstReferences):
    run: object

    def each(self, traces: np.ndarray, near: np.ndarray, name: str) -> np.ndarray:
        half = halved(traces)
        (found,) = self.run([name], trace=half, references=_Rows(half, near))
        return found.astype(float)


@dataclass
class _Rows:
    """values[rows], taken as they are asked for: all at once they are twelve times as many."""

    values: np.ndarray
    rows: np.ndarray

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, part):
        return self.values[self.rows[part]]
