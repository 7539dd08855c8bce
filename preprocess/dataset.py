"""What preprocessing leaves on disk, and how it is read.

spectrograms.npy, beats.npy, index.csv, manifest.json.
"""

import json
import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from preprocess import BadInput, classes, dataset_checks, files, spectrogram
from preprocess import beats as beat_windows
from preprocess.beats import Beats
from preprocess.classes import CLASSES
from preprocess.constants import AFTER, BEFORE, FS_HZ, LEAD, PEAK_TOLERANCE, WINDOW
from preprocess.mapped import let_go, taken
from preprocess.readers import physionet
from preprocess.readers import wfdb as records
from preprocess.signal.filters import FILTERS

MANY = 1_000_000  # beats, from which on an index is read part by part
IMAGES = "spectrograms.npy"
AT_MOST = 20_000  # beats that the deviation of images is taken from, where those are made

VERSION = 1  # of the files' content: raise it when the same records would give other numbers


@dataclass
class Dataset:
    """A preprocessed folder. index: one row per beat; the arrays are memory maps, row by row.

    image: None where images are not stored: they are made of the beats that are asked for.
    """

    index: pd.DataFrame
    image: np.ndarray | None
    beat_mv: np.ndarray
    manifest: dict

    def beats(self, rows, with_image=True):
        """Rows (any order) as Beats in memory, float32."""
        record, sample, rr_s = self._columns
        beat_mv, image = taken(self.beat_mv, rows), None
        if with_image:
            image = self._images(rows, beat_mv)
        record_median_mv, place = self._usual
        return Beats(
            image,
            beat_mv,
            record[rows],
            sample[rows],
            rr_s[rows],
            record_median_mv=record_median_mv[place[rows]],
        )

    def _images(self, rows, beat_mv):
        if self.image is None:
            return MadeImages(beat_mv, self.manifest["settings"]["image"])
        return np.asarray(taken(self.image, rows), np.float32)

    @cached_property
    def _usual(self):
        """(records, 320) in mV, the median beat of each, and (n,), which of them is a beat's."""
        record = self._columns[0]
        names, place = record.different, record.place
        medians = np.zeros((len(names), WINDOW), np.float32)
        order = np.argsort(place, kind="stable")
        edges = np.searchsorted(place[order], np.arange(len(medians) + 1))
        for k, (start, end) in enumerate(zip(edges, edges[1:])):
            if end > start:
                medians[k] = np.median(self.beat_mv[order[start:end]], 0)
                let_go(self.beat_mv)
        return medians, place

    @cached_property
    def _columns(self):
        rr_s = self.index[["rr_before_s", "rr_after_s", "rr_local_s"]].to_numpy(np.float32)
        names = self.index["record"].astype("category").cat
        record = _Names(names.categories.to_numpy(str), names.codes.to_numpy())
        return record, self.index["sample"].to_numpy(), rr_s


@dataclass
class _Names:
    """Names of many rows, of which there are few different ones."""

    different: np.ndarray
    place: np.ndarray

    def __getitem__(self, rows):
        return self.different[self.place[rows]]


@dataclass
class MadeImages:
    """Images of beats (n, WINDOW), as they would be stored, made of those rows that are asked for:
    all at once they are six times as large as the beats."""

    beat_mv: np.ndarray
    setting: str

    def __len__(self):
        return len(self.beat_mv)

    @property
    def shape(self):
        return (len(self), *spectrogram.SETTINGS[self.setting].shape)

    def __getitem__(self, rows):
        import torch

        with torch.autocast("cpu", enabled=False):  # asked for in a step of mixed precision
            return spectrogram.stored_images(self.beat_mv[rows], self.setting)

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or np.float32)

    def std(self):
        """Of all pixels, as of an array; of AT_MOST beats, evenly spread, where there are more."""
        some = np.linspace(0, len(self) - 1, min(len(self), AT_MOST)).astype(int)
        return self[some].std()


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


def make(
    folder,
    dataroot,
    image="complex",
    lead=LEAD,
    filter_name="butterworth",
    store_images=True,
    on_peaks=True,
):
    """Preprocess every record of a folder into dataroot, unless dataroot already holds just that.

    store_images: without, images are made when beats are read, and beats alone need disk;
    on_peaks: labels must lie on R peaks, which noise may hide.
    Returns the manifest. Files are written beside their place and renamed at the end.
    """
    paths, dataroot = records.find_records(folder), Path(os.path.abspath(dataroot))
    wanted = {
        "settings": settings(image, lead, filter_name),
        "source": physionet.source_of(folder),
        "records": {p.name: records.digest(p) for p in paths},
    }
    if is_current(dataroot, wanted):
        return read_manifest(dataroot)
    if not dataroot.name:
        raise BadInput(f"{dataroot} is no folder to write to: give another --dataroot")
    if dataroot.exists() and not dataroot.is_dir():
        raise BadInput(f"{dataroot} is a file, where a folder must be: give another --dataroot")
    part = dataroot.with_name(dataroot.name + ".part")
    dataset_checks.check_may_write(dataroot, part)
    with files.temporary_folder(part):
        if is_current(dataroot, wanted):  # another process has made it meanwhile
            return read_manifest(dataroot)
        index, left_out = _write_arrays(
            paths, part, image, lead, filter_name, store_images, on_peaks
        )
        index.to_csv(part / "index.csv", index=False)
        manifest = wanted | {
            "beats": len(index),
            "counts": count_classes(index),
            "left_out": left_out,
            "folder": Path(folder).name,
            "stored_images": store_images,
            "sha256": {
                name: physionet.sha256(part / name)
                for name in dataset_checks.SUMMED
                if (part / name).exists()
            },
        }
        (part / "manifest.json").write_text(json.dumps(manifest, indent=1))
        _move(part, dataroot)
    return manifest


def load(dataroot):
    """Open a preprocessed folder. Raises BadInput when it is not one, or not as it was written."""
    dataroot = Path(dataroot)
    files.check_is_file(dataroot / "manifest.json")
    manifest = read_manifest(dataroot)
    stored = not isinstance(manifest, dict) or manifest.get("stored_images", True)
    for name in dataset_checks.SUMMED:
        if stored or name != IMAGES:
            files.check_is_file(dataroot / name)
    if manifest is None:
        raise BadInput(
            f"{dataroot} holds no preprocessed beats: "
            f"run python -m preprocess --dataroot {dataroot} first"
        )
    dataset_checks.check_manifest(manifest, dataroot)
    try:
        dataset_checks.check_sums(dataroot, manifest)
        index = read_index(dataroot / "index.csv", manifest["beats"])
        names = [name for name in dataset_checks.ARRAYS if stored or name != IMAGES]
        arrays = {name: np.load(dataroot / name, mmap_mode="r") for name in names}
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
    return Dataset(index, arrays.get(IMAGES), arrays["beats.npy"], manifest)


def read_index(path: Path, n: int) -> pd.DataFrame:
    """A row a beat, n of them. Where they are many, names are kept once each, and numbers no wider
    than they must be: the table stays small beside the beats."""
    texts = ("record", "symbol", "class")
    if n <= MANY:
        return pd.read_csv(path, dtype=dict.fromkeys(texts, str), keep_default_na=False)
    narrow = {"peak_distance": np.int32, "sample": np.int64}
    narrow |= dict.fromkeys(("rr_before_s", "rr_after_s", "rr_local_s"), np.float32)
    types = narrow | dict.fromkeys(texts, "category")
    tables = list(pd.read_csv(path, dtype=types, chunksize=MANY, keep_default_na=False))
    columns = {name: np.concatenate([t[name].to_numpy() for t in tables]) for name in narrow}
    for name in texts:
        parts = [table[name] for table in tables]
        columns[name] = pd.api.types.union_categoricals(parts, sort_categories=True)
    return pd.DataFrame(columns)


def read_manifest(dataroot):
    try:
        return json.loads((dataroot / "manifest.json").read_text())
    except (OSError, ValueError, RecursionError):
        return None


def is_current(dataroot, wanted):
    manifest = read_manifest(dataroot)
    return manifest is not None and all(manifest.get(key) == value for key, value in wanted.items())


def count_classes(index):
    """Beats per class, and the normals near enough to a detected R peak for `beatgan`."""
    counts = {name: int((index["class"] == name).sum()) for name in CLASSES}
    on_peak = (index["class"] == "N") & (index["peak_distance"] < PEAK_TOLERANCE)
    return counts | {"N_on_peak": int(on_peak.sum())}


def _write_arrays(paths, part, image, lead, filter_name, store_images, on_peaks):
    """Record by record, so that memory does not grow with their number.

    Returns the index and {symbol: annotations} of what may be a beat and is in no class.
    """
    tables, left_out = [], Counter()
    with (
        _NpyWriter(part / "beats.npy", np.float32, (WINDOW,)) as waves,
        _NpyWriter(
            part / IMAGES, spectrogram.STORED_AS, spectrogram.SETTINGS[image].shape
        ) as pictures,
    ):
        for path in tqdm(paths, desc=f"Preprocessing ({image} images)", unit="record"):
            recording = records.read(path, lead)
            if note := beat_windows.unlabelled_end(recording):
                tqdm.write(note)
            left_out.update(classes.left_out(recording.symbols))
            columns, windows = beat_windows.cut(recording, filter_name)
            if on_peaks:
                _check_labels(columns, recording, path)
            tables.append(pd.DataFrame(columns))
            waves.append(windows)
            for chunk in spectrogram.stored_chunks(windows, image) if store_images else ():
                pictures.append(chunk)
    if not store_images:
        (part / IMAGES).unlink()
    return pd.concat(tables, ignore_index=True), dict(left_out.most_common())


def _check_labels(columns, recording, path):
    """Raises BadInput where labels lie on the R peaks of none of the record's leads: on one alone
    they may be hard to find, which is said."""
    try:
        beat_windows.check_labels(columns, recording)
    except BadInput as error:
        for lead in records.lead_names(path):
            with suppress(BadInput):
                other = records.read(path, lead)
                beat_windows.check_labels(beat_windows.cut(other)[0], other)
                tqdm.write(f"  {error}: but they do on lead {lead}, and are kept")
                return
        raise


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
        if (part / name).exists():
            os.replace(part / name, target / name)
        else:  # images that are made when they are read
            (target / name).unlink(missing_ok=True)
