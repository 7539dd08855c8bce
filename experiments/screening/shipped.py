"""Which weights screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from preprocess import BadInput

if TYPE_CHECKING:  # torch is loaded by a checkpoint
    from experiments.training.checkpoint import Checkpoint
    from models.detector import Detector

WEIGHTS = Path(__file__).parents[1] / "weights/b2igan.safetensors"  # see the model card there


def open_weights(path: str | Path | None, device: str = "auto") -> tuple[Checkpoint, Detector]:
    """A checkpoint, None for the shipped one, and its detector. Raises BadInput where it is not fit
    to screen."""
    from experiments.training.checkpoint import open_detector
    from preprocess.signal.filters import BAND_HZ

    path = Path(path or WEIGHTS)
    checkpoint, detector = open_detector(path, device)
    if checkpoint.settings["band_hz"] != list(BAND_HZ):
        raise BadInput(
            f"{path} was trained on beats of another filter than screening has: "
            "give one trained on beats made without --filter"
        )
    return checkpoint, detector
