"""What a checkpoint must be before a number of it is used: whole, of this program, and finite."""

import math
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import numpy as np
import torch

from models import CONTEXTS
from models.detector import Detector
from preprocess import BadInput, spectrogram
from preprocess.beats import Beats
from preprocess.constants import FS_HZ, WINDOW
from preprocess.dataset import settings as settings_of
from preprocess.signal.filters import FILTERS
from preprocess.stopping import is_about_memory

# Of options that every training has.
OPTION_TYPES = {"protocol": str, "folder": int, "select": str, "seed": int}
PROBE_BEATS, PROBE_RR_S = 24, 0.8


def check_file(path: Path) -> None:
    """Raises BadInput where the checksum of a part of the file is not that of the part."""
    try:
        with zipfile.ZipFile(path) as archive:
            stored = all(part.compress_type == zipfile.ZIP_STORED for part in archive.infolist())
            wrong = None if stored else "a compressed part"
            wrong = wrong or archive.testzip()
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        wrong = str(error) or type(error).__name__
    if wrong:
        raise BadInput(
            f"{path} is not a whole checkpoint of this program (it is damaged at {wrong[:60]!r}): "
            "train again or give another --checkpoint"
        )


def check_values(checkpoint, path: Path) -> None:
    """Raises BadInput where a field is of another kind than the program writes, or holds numbers
    that are none."""
    kinds = get_type_hints(type(checkpoint))
    for field in fields(checkpoint):
        value, kind = getattr(checkpoint, field.name), kinds[field.name]
        if not isinstance(value, (float, int) if kind is float else kind):
            raise _odd(path, f"its {field.name} is a {type(value).__name__}")
    for name, kind in OPTION_TYPES.items():
        if not isinstance(checkpoint.options.get(name), kind):
            raise _odd(path, f"it gives no {name}")
    _check_settings(checkpoint, path)
    for context, quantiles in checkpoint.reference.items():
        if context not in CONTEXTS or not _rises(quantiles):
            raise _odd(path, f"its scores of calibration beats, context {context}, do not rise")
    best = checkpoint.best.get("state", {})
    for what, state in (("state", checkpoint.state), ("best state", best)):
        if not isinstance(state, Mapping):
            raise _odd(path, f"its {what} is a {type(state).__name__}")
        check_finite(state, path)
    for name, values in checkpoint.optimizers.items():
        if not all(_is_finite(value) for value in _tensors_in(values)):
            raise _odd(path, f"the optimizer {name} holds values that are no numbers")


def _check_settings(checkpoint, path):
    image, lead = (checkpoint.settings.get(name) for name in ("image", "lead"))
    if not isinstance(image, str) or not isinstance(lead, str):
        raise _odd(path, "it does not say on which images and lead it was trained")
    bands_hz = [settings_of(image, lead, name)["band_hz"] for name in FILTERS]
    for name, ours in settings_of(image, lead).items():
        known = bands_hz if name == "band_hz" else [ours]
        if checkpoint.settings.get(name) not in known:
            raise BadInput(
                f"{path} was trained with {name} {checkpoint.settings.get(name)}, and this program "
                f"makes beats with {ours}: preprocess and train again"
            )


def check_finite(state: Mapping, path: Path, reason: str = "") -> None:
    """Raises BadInput where a tensor is none, or holds what is no number. reason: what to say of
    it, where it is no damage."""
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise _odd(path, f"{str(name)[:60]} of its state is a {type(value).__name__}")
        if not _is_finite(value):
            what = f"{name} holds values that are no numbers"
            raise (
                BadInput(f"{path} is not written ({what}); {reason}")
                if reason
                else _odd(path, what)
            )


def _is_finite(value):
    return not value.is_floating_point() or bool(torch.isfinite(value).all())


def restore(detector: Detector, state: Mapping, path: Path) -> None:
    """Load a state into a new detector. Raises BadInput where tensors lack, are too many, or have
    another shape or type than the detector's. Memories may have another length than a new one's."""
    check_finite(state, path)
    try:
        detector.restore(state)
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        if is_about_memory(error):
            raise
        raise _odd(
            path, f"it does not fit its model: {' '.join(str(error).split())[:200]}"
        ) from error
    for name, value in detector.state_dict().items():
        if name not in state:  # torch itself forgives counters of batches that lack
            raise _odd(path, f"{name} lacks in its state")
        if value.dtype != state[name].dtype:
            raise _odd(path, f"{name} is {state[name].dtype} and should be {value.dtype}")


def check_works(detector: Detector, contexts: list[str], path: Path) -> None:
    """Raises BadInput where the detector cannot score: its memories may not fit together, which
    their shapes alone do not tell."""
    beats = _probe(detector.image)
    try:
        results = [detector.score(beats, context) for context in contexts]
        if detector.has_error_map:
            results += list(detector.errors(beats))
    except MemoryError:
        raise
    except Exception as error:  # whatever tensors do that do not fit together
        if is_about_memory(error):
            raise
        raise _odd(path, f"scoring fails with {type(error).__name__}") from error
    if not all(np.isfinite(result).all() for result in results):
        raise _odd(path, "its scores are no numbers")


def _probe(image):
    """A short recording of one shape of beat, somewhat scaled from beat to beat."""
    n = PROBE_BEATS
    time_s = np.arange(WINDOW) / FS_HZ - 0.4
    beat_mv = np.exp(-0.5 * (time_s / 0.02) ** 2) + 0.2 * np.exp(
        -0.5 * ((time_s - 0.28) / 0.05) ** 2
    )
    beats_mv = (beat_mv * np.linspace(0.9, 1.1, n)[:, None]).astype(np.float32)
    return Beats(
        spectrogram.stored_images(beats_mv, image) if image else None,
        beats_mv,
        np.full(n, "probe"),
        (np.arange(1, n + 1) * PROBE_RR_S * FS_HZ).astype(int),
        np.full((n, 3), PROBE_RR_S, np.float32),
        record_median_mv=np.repeat(np.median(beats_mv, 0)[None], n, 0),
    )


def _rises(quantiles):
    if not isinstance(quantiles, list) or len(quantiles) < 2:
        return False
    if not all(isinstance(value, float) and math.isfinite(value) for value in quantiles):
        return False
    return all(low <= high for low, high in zip(quantiles, quantiles[1:]))


def _tensors_in(values):
    if isinstance(values, torch.Tensor):
        return [values]
    if isinstance(values, Mapping):
        values = values.values()
    elif not isinstance(values, (list, tuple)):
        return []
    return [tensor for value in values for tensor in _tensors_in(value)]


def _odd(path, what):
    return BadInput(
        f"{path} is not a whole checkpoint of this program ({what}): train again or give another "
        "--checkpoint"
    )
