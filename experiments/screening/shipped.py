"""Which weights screen, and what computes them: ONNX Runtime or torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from preprocess import BadInput

if TYPE_CHECKING:  # torch is loaded by a checkpoint, and not where weights are exported ones
    from experiments.training.checkpoint import Checkpoint
    from models.detector import Detector

FOLDER = Path(__file__).parents[1] / "weights"  # see the model card there
WEIGHTS = FOLDER / "b2igan.safetensors"
EXPORTED = FOLDER / "b2igan.onnx"  # the same: starts in half the time and memory


def weights_of(checkpoint: str | Path | None, runtime: str = "auto", device: str = "auto") -> Path:
    """The file to screen with: the one given, or that of the shipped ones which is computed by what
    was asked for. Raises BadInput where the runtime does not read the one given."""
    if checkpoint is None:
        by_onnx = runtime == "onnx" or (runtime == "auto" and device in ("auto", "cpu"))
        return EXPORTED if by_onnx else WEIGHTS
    if runtime not in ("auto", _runtime_of(checkpoint)):
        raise BadInput(
            f"--runtime {runtime} does not read {checkpoint}: onnx reads files of python -m "
            "experiments.export, torch all others; leave --runtime out"
        )
    return Path(checkpoint)


def open_weights(path: Path, device: str = "auto") -> tuple[Checkpoint, Detector]:
    """A checkpoint, or what was exported of one, and its detector. Raises BadInput where it is not
    fit to screen."""
    from preprocess.signal.filters import BAND_HZ

    if _runtime_of(path) == "onnx":
        from experiments.screening.exported import open_exported

        checkpoint, detector = open_exported(path)
    else:
        from experiments.training.checkpoint import open_detector

        checkpoint, detector = open_detector(path, device)
    if checkpoint.settings["band_hz"] != list(BAND_HZ):
        raise BadInput(
            f"{path} was trained on beats of another filter than screening has: "
            "give one trained on beats made without --filter"
        )
    return checkpoint, detector


def _runtime_of(path):
    return "onnx" if Path(path).suffix == ".onnx" else "torch"
