"""What preprocessing leaves on disk, and how it is read.

spectrograms.npy, beats.npy, index.csv, manifest.json.
"""

import json
import os
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from preprocess import BadInput, classes, dataset_checks, files, physionet, records, spectrogram
from preprocess import beats as beat_windows
from preprocess.beats import Beats
from preprocess.classes import CLASSES
from preprocess.constants import AFTER, BEFORE, FS_HZ, LEAD, PEAK_TOLERANCE, WINDOW
from preprocess.filters import FILTERS

VERSION = 1  # of the files' content: raise it when the same records would give other numbers


@dataclass
class Dataset:
    """A preprocessed folder. index: one row per beat; the arrays are memory maps, row by row."""

    index: pd.DataFrame
    image: np.ndarray
    beat_mv: np.ndarray
    manifest: dict

    def beats(self, rows, with_image=True):
        """Rows (any order) as Beats in memory, float32."""
        record, sample, rr_s = self._columns
        image = np.asarray(self.image[rows], np.float32) if with_image else None
        record_median_mv, place = self._usual
        return Beats(
            image,
            np.asarray(self.beat_mv[rows]),
            record[rows],
            sample[rows],
            rr_s[rows],
            record_median_mv=record_median_mv[place[rows]],
        )

    @cached_property
    def _usual(self):
        """(records, 320) in mV, the median beat of each, and (n,), which of them is a beat's."""
        names, place = np.unique(self._columns[0], return_inverse=True)
        return np.stack([np.median(self.beat_mv[place == k], 0) for k in range(len(names))]), place

    @cached_property
    def _columns(self):
        rr_s = self.index[["rr_before_s", "rr_after_s", "rr_local_s"]].to_numpy(np.float32)
        return self.index["record"].to_numpy(str), self.index["sample"].to_numpy(), rr_s


def settings(image, lead, filter_name="butterworth"):
    """All that decides what a dataset's numbers mean; in the manifest and in each checkpoint.

    Bands differ from filter to filter: they say which one it was."""
    return {
        "version": VERSION,
        "image": image,
        "lead": lead,
        "fs_hz": FS_HZ,
        "band_hz": list(FILTERS[filter_name][1]),
        "before": BEFORE,
        "after": AFTER,
    }


def filter_of(settings):
    """The name of the filter of beats with such settings."""
    return next(name for name, (_, band) in FILTERS.items() if list(band) == settings["band_hz"])


def make(folder, dataroot, image="complex", lead=LEAD, filter_name="butterworth"):
    """Preprocess every record of a folder into dataroot, unless dataroot already holds just that.

    Returns the manifest. Files are written beside their place and renamed at the end.
    """
    paths, dataroot = records.find(folder), Path(os.path.abspath(dataroot))
    wanted = {
        "settings": settings(image, lead, filter_name),
        "source": physionet.source_of(folder),
        "records": {p.name: _digest(p) for p in paths},
    }
    if is_current(dataroot, wanted):
        return read_manifest(dataroot)
    if not dataroot.name:
        raise BadInput(f"{dataroot} is no folder to write to: give another --dataroot")
    if dataroot.exists() and not dataroot.is_dir():
        raise BadInput(f"{dataroot} is a file, where a folder must be: give another --dataroot")
    with files.temporary_folder(dataroot.with_name(dataroot.name + ".part")) as part:
        if is_current(dataroot, wanted):  # another process has made it meanwhile
            return read_manifest(dataroot)
        index, left_out = _write_arrays(paths, part, image, lead, filter_name)
        index.to_csv(part / "index.csv", index=False)
        manifest = wanted | {
            "beats": len(index),
            "counts": count_classes(index),
            "left_out": left_out,
            "folder": Path(folder).name,
            "sha256": {name: physionet.sha256(part / name) for name in dataset_checks.SUMMED},
        }
        (part / "manifest.json").write_text(json.dumps(manifest, indent=1))
        _move(part, dataroot)
    return manifest


def load(dataroot):
    """Open a preprocessed folder. Raises BadInput when it is not one, or not as it was written."""
    dataroot = Path(dataroot)
    for name in ("manifest.json", *dataset_checks.SUMMED):
        files.check_is_file(dataroot / name)
    manifest = read_manifest(dataroot)
    if manifest is None:
        raise BadInput(
            f"{dataroot} holds no preprocessed beats: "
            f"run python -m preprocess --dataroot {dataroot} first"
        )
    dataset_checks.check_manifest(manifest, dataroot)
    try:
        dataset_checks.check_sums(dataroot, manifest)
        text = dict.fromkeys(dataset_checks.TEXTS, str)
        index = pd.read_csv(dataroot / "index.csv", dtype=text, keep_default_na=False)
        arrays = {name: np.load(dataroot / name, mmap_mode="r") for name in dataset_checks.ARRAYS}
    except BadInput:
        raise
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise BadInput(
            f"{dataroot} is incomplete ({error}): run python -m preprocess again"
        ) from error
    dataset_checks.check_arrays(arrays, manifest, dataroot)
    if len(index) != manifest["beats"]:
        raise BadInput(
            f"{dataroot} is inconsistent: its files count different numbers of beats; "
            "preprocess again"
        )
    dataset_checks.check_index(index, manifest, dataroot)
    return Dataset(index, arrays["spectrograms.npy"], arrays["beats.npy"], manifest)


def read_manifest(dataroot):
    try:
        return json.loads((dataroot / "manifest.json").read_text())
    except (OSError, ValueError):
        return None


def is_current(dataroot, wanted):
    manifest = read_manifest(dataroot)
    return manifest is not None and all(manifest.get(key) == value for key, value in wanted.items())


def count_classes(index):
    """Beats per class, and the normals near enough to a detected R peak for `beatgan`."""
    counts = {name: int((index["class"] == name).sum()) for name in CLASSES}
    on_peak = (index["class"] == "N") & (index["peak_distance"] < PEAK_TOLERANCE)
    return counts | {"N_on_peak": int(on_peak.sum())}


def _write_arrays(paths, part, image, lead, filter_name):
    """Record by record, so that memory does not grow with their number.

    Returns the index and {symbol: annotations} of what may be a beat and is in no class.
    """
    tables, left_out = [], Counter()
    with (
        _NpyWriter(part / "beats.npy", np.float32, (WINDOW,)) as waves,
        _NpyWriter(
            part / "spectrograms.npy", spectrogram.STORED_AS, spectrogram.SETTINGS[image].shape
        ) as pictures,
    ):
        for path in tqdm(paths, desc=f"Preprocessing ({image} images)", unit="record"):
            recording = records.read(path, lead)
            left_out.update(classes.left_out(recording.symbols))
            columns, windows = beat_windows.cut(recording, filter_name)
            tables.append(pd.DataFrame(columns))
            waves.append(windows)
            for chunk in spectrogram.stored_chunks(windows, image):
                pictures.append(chunk)
    return pd.concat(tables, ignore_index=True), dict(left_out.most_common())


class _NpyWriter:
    """Appends rows to a .npy file; its header is written last, when their number is known."""

    HEADER_BYTES = 128

    def __init__(self, path, dtype, shape):
        self.file, self.dtype, self.shape, self.rows = open(path, "wb"), np.dtype(dtype), shape, 0
        self.file.write(b"\0" * self.HEADER_BYTES)

    def append(self, rows):
        np.ascontiguousarray(rows, self.dtype).tofile(self.file)
        self.rows += len(rows)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        header = {
            "descr": self.dtype.str,
            "fortran_order": False,
            "shape": (self.rows, *self.shape),
        }
        text = repr(header).ljust(self.HEADER_BYTES - 11).encode() + b"\n"
        self.file.seek(0)
        self.file.write(
            np.lib.format.magic(1, 0) + (self.HEADER_BYTES - 10).to_bytes(2, "little") + text
        )
        self.file.close()


def _move(part, target):
    """Files of a folder to another; the manifest last, without which a half-moved one is not
    mistaken for whole."""
    target.mkdir(parents=True, exist_ok=True)
    (target / "manifest.json").unlink(missing_ok=True)
    for name in (*dataset_checks.SUMMED, "manifest.json"):
        os.replace(part / name, target / name)


def _digest(path):
    """Short checksum of a record's header, annotations and signal's size: tells of changes."""
    signal = path.with_suffix(".dat")
    parts = [
        physionet.sha256(f)[:16]
        for f in (path.with_suffix(".hea"), path.with_suffix(".atr"))
        if f.exists()
    ]
    return " ".join([*parts, str(signal.stat().st_size if signal.exists() else 0)])
