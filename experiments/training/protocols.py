"""Who trains and who is tested. A protocol is one object here, and no other module knows its name.

To add one: a function that splits an index, and a Protocol in PROTOCOLS. No abnormal beat is
ever in `train` or `calibration`. `--help` reads PROTOCOLS, so nothing slow is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from preprocess import BadInput
from preprocess.classes import CLASS_OF_EC57
from preprocess.constants import FS_HZ, PEAK_TOLERANCE

if TYPE_CHECKING:
    import pandas as pd

FOLDS = 5
FOLD_SEED = 42
# First minutes of a test record: never tested, and in `patient` looked at by someone.
LEARNING_S = 300
# de Chazal P, O'Dwyer M, Reilly RB. Automatic classification of heartbeats using ECG morphology and
# heartbeat interval features. IEEE Trans Biomed Eng 2004;51(7):1196-1206.
DS1 = "101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230"
DS2 = "100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234"
DS1, DS2 = DS1.split(), DS2.split()
NO_ROWS = np.zeros(0, int)


@dataclass
class Split:
    """Rows of an index, by what they are used for.

    train, calibration: normal beats to learn from and to calibrate on; test: beats to report on;
    classes: (len(index),) class of every beat under this protocol;
    select: labelled beats, normal and abnormal, for `--select paper` alone, else empty;
    known_normal: beats of test patients that someone has looked at, else empty.
    """

    train: np.ndarray
    calibration: np.ndarray
    test: np.ndarray
    classes: np.ndarray
    select: np.ndarray
    known_normal: np.ndarray


@dataclass(frozen=True)
class Protocol:
    """One way to choose who trains and who is tested.

    text: for the reader of a report, after a colon; rows: (index, fold, select) to the Split;
    shared_patients: whether patients of the test are among those trained on;
    resampled: what 95 % intervals draw again and again, "beats", or "patients" where beats of one
    patient are alike and the next patient is new;
    is_published: whether published figures are of this split.
    """

    name: str
    text: str
    rows: Callable[[pd.DataFrame, int, str], Split]
    shared_patients: bool
    resampled: str
    is_published: bool = False

    def split(self, index: pd.DataFrame, fold: int = 0, select: str = "last") -> Split:
        """Rows of an index (see preprocess). Raises BadInput when a part would be empty."""
        result = self.rows(index, fold, select)
        for part in ("train", "calibration", "test"):
            if len(getattr(result, part)) == 0:
                raise BadInput(
                    f"protocol {self.name}, fold {fold}: no beat is left in its {part} part; "
                    "preprocess more records or choose another protocol"
                )
        is_abnormal = result.classes[result.test] != "N"
        if is_abnormal.all() or not is_abnormal.any():
            raise BadInput(
                f"protocol {self.name}, fold {fold}: the test part needs normal and abnormal "
                f"beats, and has only {'abnormal' if is_abnormal.all() else 'normal'} ones; "
                "preprocess more records"
            )
        return result


def split(index: pd.DataFrame, protocol: str, fold: int = 0, select: str = "last") -> Split:
    """Rows of an index for a protocol of this name. Raises BadInput where there is none."""
    if protocol not in PROTOCOLS:
        raise BadInput(f"there is no protocol {protocol}: choose one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[protocol].split(index, fold, select)


def all_patients(index: pd.DataFrame, fold: int, select: str) -> Split:
    """A fifth of all patients' normals is tested, with every abnormal beat."""
    classes = index["class"].to_numpy()
    on_peak = index["peak_distance"].to_numpy() < PEAK_TOLERANCE
    normals = np.random.default_rng(FOLD_SEED).permutation(
        np.flatnonzero((classes == "N") & on_peak)
    )
    abnormal = np.flatnonzero(classes != "N")

    # Four fifths of the normals: a tenth of them calibrates, the rest trains.
    fifths = np.array_split(normals, FOLDS)
    rest = np.concatenate([part for k, part in enumerate(fifths) if k != fold])
    calibration, train = np.split(rest, [len(rest) // 10])

    # The original holds a tenth of the abnormal beats out to choose its epoch, and tests the rest.
    labelled = NO_ROWS
    if select == "paper":
        shuffled = np.random.default_rng(FOLD_SEED).permutation(abnormal)
        chosen, abnormal = np.split(shuffled, [len(shuffled) // 10])
        labelled = np.concatenate([calibration, chosen])

    test = np.r_[fifths[fold], abnormal]
    parts = (np.sort(part) for part in (train, calibration, test))
    return Split(*parts, classes, np.sort(labelled), known_normal=NO_ROWS)


def unseen_patients(index: pd.DataFrame, fold: int, select: str) -> Split:
    """DS2 is tested; a fifth of the patients of DS1 calibrates, the others train."""
    return _by_patient(index, fold, select, *patients(index["record"]))


def patients_with_first_minutes(index: pd.DataFrame, fold: int, select: str) -> Split:
    """As unseen_patients, and the labelled normals of each test patient's own first minutes."""
    training, testing = patients(index["record"])
    return _by_patient(index, fold, select, training, testing, knows_first_minutes=True)


def among_training_patients(index: pd.DataFrame, fold: int, select: str) -> Split:
    """As unseen_patients, with a fifth of the training patients tested in place of DS2."""
    training, _ = patients(index["record"])
    testing = fifths_of(training)[fold - 1]
    return _by_patient(index, fold, select, training, testing)


def _by_patient(index, fold, select, training, testing, knows_first_minutes=False):
    """Patients of the test are in no other part, but for the normals of their own first minutes."""
    record, sample = index["record"].to_numpy(), index["sample"].to_numpy()
    classes = np.array([CLASS_OF_EC57[s] for s in index["symbol"]])
    is_normal, is_early = classes == "N", sample < LEARNING_S * FS_HZ
    in_test = np.isin(record, testing)
    in_calibration = np.isin(record, fifths_of(training)[fold])
    train = is_normal & np.isin(record, training) & ~in_calibration & ~in_test
    calibration = is_normal & in_calibration

    # Of a test patient's own first minutes a fifth calibrates, the rest trains.
    own = NO_ROWS
    if knows_first_minutes:
        own = np.flatnonzero(is_normal & in_test & is_early)
        train[own[np.arange(len(own)) % FOLDS != fold]] = True
        calibration[own[np.arange(len(own)) % FOLDS == fold]] = True

    labelled = np.flatnonzero(in_calibration) if select == "paper" else NO_ROWS
    test = in_test & ~is_early
    parts = (np.flatnonzero(part) for part in (train, calibration, test))
    return Split(*parts, classes, labelled, known_normal=own)


def patients(record) -> tuple[np.ndarray, np.ndarray]:
    """Training and test patients: DS1 and DS2 of MIT-BIH, every other record of anything else."""
    names = np.unique(record)
    if np.isin(names, DS1 + DS2).all():
        return np.intersect1d(DS1, names), np.intersect1d(DS2, names)
    return names[::2], names[1::2]


def fifths_of(names):
    """FOLDS lists of names, the same in every run."""
    return [np.random.default_rng(FOLD_SEED).permutation(names)[k::FOLDS] for k in range(FOLDS)]


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "beatgan",
            "a fifth of all patients' normal beats is tested, with every abnormal beat: the same "
            "patients are in training and test",
            all_patients,
            shared_patients=True,
            resampled="beats",
            is_published=True,
        ),
        Protocol(
            "interpatient",
            "tested on patients that were never seen in training",
            unseen_patients,
            shared_patients=False,
            resampled="patients",
        ),
        Protocol(
            "patient",
            "tested on patients whose labelled normal beats of the first 5 minutes were seen in "
            "training",
            patients_with_first_minutes,
            shared_patients=True,
            resampled="patients",
        ),
        Protocol(
            "develop",
            "tested on a fifth of the training patients, never seen in training: for tuning, so "
            "that the test patients are met once",
            among_training_patients,
            shared_patients=False,
            resampled="patients",
        ),
    )
}
