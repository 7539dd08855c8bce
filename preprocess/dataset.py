"""What preprocessing leaves on disk, and how it is read.

spectrograms.npy, beats.npy, index.csv, manifest.json. The manifest says what was written: a label
that was edited, a row that moved or a byte that a disk lost is found when a folder is opened.
"""

import json
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from preprocess import BadInput, classes, files, spectrogram
from preprocess import beats as beat_windows
from preprocess.beats import Beats
from preprocess.classes import CLASSES
from preprocess.constants import AFTER, BEFORE, FS_HZ, LEAD, PEAK_TOLERANCE, WINDOW
from preprocess.readers import physionet
from preprocess.readers import wfdb as records
from preprocess.signal.filters import FILTERS

BEATS, IMAGES, INDEX, MANIFEST = "beats.npy", "spectrograms.npy", "index.csv", "manifest.json"
SUMMED = (BEATS, IMAGES, INDEX)
LABEL_OFF_S, LABELS_IN_A_ROW, LEAST_ON_PEAK = 0.1, 200, 0.4  # see _warn_of_labels
LARGEST_SUMMED = 1 << 32  # bytes: a minute would be lost at each start on what is larger

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
        names, place, sample, rr_s = self._columns
        return Beats(
            np.asarray(self.image[rows], np.float32) if with_image else None,
            np.asarray(self.beat_mv[rows]),
            names[place[rows]],
            sample[rows],
            rr_s[rows],
            record_median_mv=self._medians_mv[place[rows]],
        )

    @cached_property
    def _columns(self):
        """Names of the records (k,); of each beat the place of its record's name, sample (n,) and
        RR intervals (n, 3)."""
        place, names = pd.factorize(self.index["record"], sort=True)
        rr_s = self.index[["rr_before_s", "rr_after_s", "rr_local_s"]].to_numpy(np.float32)
        return names.to_numpy(str), place, self.index["sample"].to_numpy(), rr_s

    @cached_property
    def _medians_mv(self):
        """The median beat of each record (k, 320)."""
        names, place, *_ = self._columns
        order = np.argsort(place, kind="stable")
        edges = np.searchsorted(place[order], np.arange(1, len(names)))
        rows_of = np.split(order, edges)
        return np.stack([np.median(self.beat_mv[rows], 0) for rows in rows_of])


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


def make(folders, dataroot, image="complex", lead=LEAD, filter_name="butterworth"):
    """Preprocess every record of a folder, or of several, into dataroot, unless dataroot already
    holds just that. Of several folders, records are called FOLDER/NAME.

    Returns the manifest. Files are written beside their place and renamed at the end.
    """
    folders = [Path(f) for f in (folders if isinstance(folders, list | tuple) else [folders])]
    paths, dataroot = _named(folders), Path(os.path.abspath(dataroot))
    wanted = {
        "settings": settings(image, lead, filter_name),
        "source": " + ".join(map(physionet.source_of, folders)),
        "records": {name: records.digest(path) for name, path in paths.items()},
    }
    found = read_manifest(dataroot)
    if wanted.items() <= found.items():
        return found
    if not dataroot.name or dataroot.is_file():
        raise BadInput(f"{dataroot} is no folder to write to: give another --dataroot")
    there = [name for name in SUMMED if (dataroot / name).exists()]
    if there and not (dataroot / MANIFEST).exists():
        raise BadInput(
            f"{dataroot} holds {', '.join(there)} and no {MANIFEST}: they may be somebody's, so "
            "remove them, or give another --dataroot"
        )
    with files.temporary_folder(dataroot.with_name(f".{dataroot.name}.part")) as part:
        index, left_out = _write_arrays(paths, part, image, lead, filter_name)
        index.to_csv(part / INDEX, index=False)
        manifest = wanted | {
            "beats": len(index),
            "counts": count_classes(index),
            "left_out": left_out,
            "folder": " ".join(folder.name for folder in folders),
            "sha256": {name: physionet.sha256(part / name) for name in SUMMED},
        }
        (part / MANIFEST).write_text(json.dumps(manifest, indent=1))
        # the manifest last, without which a half-moved data set is not mistaken for whole
        dataroot.mkdir(parents=True, exist_ok=True)
        (dataroot / MANIFEST).unlink(missing_ok=True)
        for name in (*SUMMED, MANIFEST):
            os.replace(part / name, dataroot / name)
    return manifest


def _named(folders):
    """{name: path} of all records: FOLDER/NAME where there are several folders."""
    found = {
        f"{folder.resolve().name}/{path.name}" if len(folders) > 1 else path.name: path
        for folder in folders
        for path in records.find_records(folder)
    }
    if len({folder.resolve().name for folder in folders}) < len(folders):
        raise BadInput(
            "two folders of --records have the same name, and so would their records: "
            "rename one of them"
        )
    return found


def load(dataroot):
    """Open a preprocessed folder. Raises BadInput when it is not one, or not as it was written."""
    dataroot = Path(dataroot)
    if not (dataroot / MANIFEST).is_file():
        raise BadInput(
            f"{dataroot} holds no preprocessed beats: "
            f"run python -m preprocess --dataroot {dataroot} first"
        )
    try:
        found = _load(dataroot)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(
            f"{dataroot} is not as it was written ({error}): run python -m preprocess again"
        ) from error
    check_made_here(found.manifest["settings"], dataroot)
    return found


def _load(dataroot):
    """The files of a folder as a Dataset, where they are those that its manifest tells of."""
    manifest = json.loads((dataroot / MANIFEST).read_text())
    for name, told in manifest["sha256"].items():
        is_summed = (dataroot / name).stat().st_size <= LARGEST_SUMMED
        if is_summed and physionet.sha256(dataroot / name) != told:
            raise ValueError(f"{name} was changed or is damaged")
    texts = dict.fromkeys(("record", "symbol", "class"), str)
    index = pd.read_csv(dataroot / INDEX, dtype=texts, keep_default_na=False)
    if not set(index["record"].unique()) <= manifest["records"].keys():
        raise ValueError(f"{INDEX} has beats of other records")
    n, setting = manifest["beats"], spectrogram.SETTINGS[manifest["settings"]["image"]]
    if len(index) != n:
        raise ValueError(f"{INDEX} has {len(index)} beats and should have {n}")
    beat_mv = _mapped(dataroot / BEATS, (n, WINDOW), np.float32)
    image = _mapped(dataroot / IMAGES, (n, *setting.shape), spectrogram.STORED_AS)
    return Dataset(index, image, beat_mv, manifest)


def _mapped(path, shape, kind):
    array = np.load(path, mmap_mode="r")
    if array.shape != shape or array.dtype != kind:
        raise ValueError(f"{path.name} is {array.dtype} of {array.shape} and should be of {shape}")
    return array


def check_made_here(found: Mapping, where: Path) -> None:
    """Raises BadInput where beats were made otherwise than this program makes them.

    found: settings of a dataset or of a training; where: of which file or folder.
    """
    ours = settings(found.get("image"), found.get("lead"))
    bands_hz = [list(band_hz) for _, band_hz in FILTERS.values()]
    for name, value in ours.items():
        if found.get(name) not in (bands_hz if name == "band_hz" else [value]):
            raise BadInput(
                f"{where} is of beats made with {name} {found.get(name)}, and this program makes "
                f"them with {value}: preprocess again, and train on that"
            )


def read_manifest(dataroot):
    """{} where there is none."""
    try:
        return dict(json.loads((dataroot / MANIFEST).read_text()))
    except (OSError, ValueError, TypeError, RecursionError):
        return {}


def count_classes(index):
    """Beats per class, and the normals near enough to a detected R peak for `beatgan`."""
    counts = {name: int((index["class"] == name).sum()) for name in CLASSES}
    on_peak = (index["class"] == "N") & (index["peak_distance"] < PEAK_TOLERANCE)
    return counts | {"N_on_peak": int(on_peak.sum())}


def _write_arrays(paths, part, image, lead, filter_name):
    """Record by record, so that memory does not grow with their number.

    Returns the index and {symbol: annotations} of what may be a beat and is in no class.
    """
    tables, left_out, shape = [], Counter(), spectrogram.SETTINGS[image].shape
    with (
        _rows_to(part / BEATS, np.float32, (WINDOW,)) as add_waves,
        _rows_to(part / IMAGES, spectrogram.STORED_AS, shape) as add_images,
    ):
        title = f"Preprocessing ({image} images)"
        bar = tqdm(paths.items(), desc=title, unit="record", disable=None)
        for name, path in bar:
            recording = replace(records.read(path, lead), name=name)
            left_out.update(classes.left_out(recording.symbols))
            columns, windows = beat_windows.cut(recording, filter_name)
            _warn_of_labels(columns, recording)
            tables.append(pd.DataFrame(columns))
            add_waves(windows)
            for chunk in spectrogram.stored_chunks(windows, image):
                add_images(chunk)
    return pd.concat(tables, ignore_index=True), dict(left_out.most_common())


def _warn_of_labels(columns, recording):
    """Says where labelled beats do not lie on R peaks: their file may be of another record, or have
    lost a part; or R peaks are hard to find on this lead.

    Of 200 labels in a row no record of MIT-BIH or SVDB has fewer than 0.6 on one; with the labels
    of another record it is 0.3 at most, and with ten beats lost 0.36.
    """
    on_peak = columns["peak_distance"] <= round(LABEL_OFF_S * FS_HZ)
    row = min(len(on_peak), LABELS_IN_A_ROW)
    if row and (share := np.convolve(on_peak, np.ones(row) / row, "valid").min()) < LEAST_ON_PEAK:
        tqdm.write(
            f"  record {recording.name}: only {share:.0%} of {row} labelled beats in a row lie on "
            f"R peaks of lead {recording.lead}: are its annotations of another record, or damaged?"
        )


@contextmanager
def _rows_to(path, kind, shape):
    """A function that appends rows to a .npy file, whose header has room for any number of them."""
    n, header = 0, {"descr": np.dtype(kind).str, "fortran_order": False}

    def append(rows):
        nonlocal n
        np.ascontiguousarray(rows, kind).tofile(file)
        n += len(rows)

    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header | {"shape": (n, *shape)})
        yield append
        file.seek(0)
        np.lib.format.write_array_header_1_0(file, header | {"shape": (n, *shape)})
