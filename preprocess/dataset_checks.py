"""What a preprocessed folder must be before a number of it is used.

Its manifest says what was written: the columns, shapes and checksums of the other files. A label
that was edited, a row that moved or a byte that a disk lost is found here and not in the figures.
"""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from preprocess import BadInput, spectrogram
from preprocess.classes import CLASS_OF, CLASSES
from preprocess.constants import WINDOW
from preprocess.files import LOCK

COLUMN_TYPES = {  # of index.csv, and the kind of their numpy types
    "record": "O",
    "sample": "i",
    "symbol": "O",
    "class": "O",
    "peak_distance": "i",
    "rr_before_s": "f",
    "rr_after_s": "f",
    "rr_local_s": "f",
}
TEXTS = [name for name, kind in COLUMN_TYPES.items() if kind == "O"]
SETTING_TYPES = {
    "version": int,
    "image": str,
    "lead": str,
    "fs_hz": int,
    "before": int,
    "after": int,
}
MANIFEST = {"settings": dict, "source": str, "records": dict, "beats": int, "sha256": dict}
ARRAYS = ("beats.npy", "spectrograms.npy")
SUMMED = (*ARRAYS, "index.csv")
LARGEST_SUMMED = 1 << 32  # bytes: a minute would be lost at each start on what is larger
CHECKED_AT_ONCE = 4096


def check_manifest(manifest: object, dataroot: Path) -> None:
    """Raises BadInput where a manifest is not what preprocess.dataset.make writes."""
    for values, kinds in ((manifest, MANIFEST), (_settings(manifest), SETTING_TYPES)):
        for name, kind in kinds.items():
            if not isinstance(values, dict) or type(values.get(name)) is not kind:
                raise _damaged(dataroot, f"its manifest gives no {name} that could be one")
    image = manifest["settings"]["image"]
    if image not in spectrogram.SETTINGS:
        raise BadInput(
            f"{dataroot} holds {image[:20]!r} images, which this program does not know: preprocess "
            "again"
        )
    if manifest["beats"] < 1:
        raise BadInput(f"{dataroot} holds no beat: preprocess records with annotated beats")


def _settings(manifest):
    return manifest.get("settings") if isinstance(manifest, dict) else None


def check_index(index: pd.DataFrame, manifest: dict, dataroot: Path) -> None:
    """Raises BadInput where a column lacks, or a cell is none of its kind."""
    for name, kind in COLUMN_TYPES.items():
        if name not in index:
            raise _damaged(dataroot, f"index.csv has no column {name}")
        if name not in TEXTS and index[name].dtype.kind not in (kind, "i"):
            raise _damaged(dataroot, f"column {name} of index.csv holds no numbers")
        if index[name].isna().any():
            raise _damaged(dataroot, f"column {name} of index.csv has empty cells")
    if (index["sample"] < 0).any():
        raise _damaged(dataroot, "column sample of index.csv has values below 0")
    known = {"record": manifest["records"], "symbol": CLASS_OF, "class": CLASSES}
    for name, values in known.items():
        if not index[name].isin(list(values)).all():
            raise _damaged(dataroot, f"column {name} of index.csv has values that are not known")


def check_arrays(arrays: dict[str, np.ndarray], manifest: dict, dataroot: Path) -> None:
    """Raises BadInput where beats.npy or spectrograms.npy have another shape or type, or hold
    values that are no numbers."""
    image = spectrogram.SETTINGS[manifest["settings"]["image"]]
    expected = {
        "beats.npy": ((WINDOW,), np.float32),
        "spectrograms.npy": (tuple(image.shape), spectrogram.STORED_AS),
    }
    for name, array in arrays.items():
        shape, kind = expected[name]
        if array.shape != (manifest["beats"], *shape) or array.dtype != kind:
            raise _damaged(
                dataroot,
                f"{name} is {array.dtype} of shape {array.shape} and should be {np.dtype(kind)} of "
                f"{(manifest['beats'], *shape)}",
            )
        if name not in manifest["sha256"] and array.nbytes <= LARGEST_SUMMED:
            rows = range(0, len(array), CHECKED_AT_ONCE)  # what has no checksum is looked at itself
            if not all(np.isfinite(array[k : k + CHECKED_AT_ONCE]).all() for k in rows):
                raise _damaged(dataroot, f"{name} holds values that are no numbers")


def check_sums(dataroot: Path, manifest: dict) -> None:
    """Raises BadInput where a file is not the one that the manifest was written for."""
    for name in SUMMED:
        told, path = manifest["sha256"].get(name), Path(dataroot) / name
        if not manifest.get("stored_images", True) and name == "spectrograms.npy":
            continue
        if told is None or path.stat().st_size > LARGEST_SUMMED:
            continue
        with open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != told:
                raise _damaged(dataroot, f"{name} is not as it was written: changed or damaged")


def check_may_write(dataroot: Path, part: Path) -> None:
    """Raises BadInput where files of somebody else would be written over, or a folder stands where
    a file must go. part: where the files are made; it is there after this program was killed."""
    names = (*SUMMED, "manifest.json")
    for name in names:
        if (dataroot / name).is_dir():
            raise BadInput(f"{dataroot / name} is a folder, where a file must go: remove it")
    there = [name for name in SUMMED if (dataroot / name).exists()]
    if there and not (dataroot / "manifest.json").exists() and not (part / LOCK).exists():
        raise BadInput(
            f"{dataroot} holds {', '.join(there)} and no manifest.json: they may be somebody's, "
            "so remove them, or give another --dataroot"
        )


def _damaged(dataroot, what):
    return BadInput(f"{dataroot} cannot be used ({what}): run python -m preprocess again")
