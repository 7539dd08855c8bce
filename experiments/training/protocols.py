"""Who trains and who is tested. A protocol is one object here, whose name only options.py
repeats, for --help.

To add one: a function that splits an index, a Protocol in PROTOCOLS, and its name in options.py.
No abnormal beat is ever in `train` or `calibration`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from options import FOLDS
from preprocess import BadInput
from preprocess.classes import CLASS_OF_EC57
from preprocess.constants import AFTER, BEFORE, FS_HZ, PEAK_TOLERANCE

FOLD_SEED = 42
FIRST_SHARE = 0.8  # of a recording's time: what `chronological` may learn from
STRETCHES = 2 * FOLDS  # equal parts of that time; one of them calibrates
# First minutes of a test record: never tested, and in `patient` looked at by someone.
LEARNING_S = 300
# de Chazal P, O'Dwyer M, Reilly RB. Automatic classification of heartbeats using ECG morphology and
# heartbeat interval features. IEEE Trans Biomed Eng 2004;51(7):1196-1206.
DS1 = "101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230"
DS2 = "100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234"
DS1, DS2 = DS1.split(), DS2.split()
# Records of one man, as PhysioNet documents; de Chazal's split has him on both sides.
PATIENT_OF = {"202": "201", "mitdb/202": "mitdb/201"}
OWN = "own"
NO_ROWS = np.zeros(0, int)
TEXTS_AT_ONCE = 100_000  # rows that are made text of at a time


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

    def digest(self, index: pd.DataFrame) -> str:
        """Of the records and beats of every part: tells whether two splits are the same one."""
        record, sample = index["record"].to_numpy(), index["sample"].to_numpy()
        found = hashlib.sha256()
        for rows in (self.train, self.calibration, self.test, self.select):
            found.update(f"{len(rows)}\n".encode())
            for some in np.array_split(rows, 1 + len(rows) // TEXTS_AT_ONCE):
                beats = zip(record[some], sample[some])
                found.update("".join(f"{name} {at}\n" for name, at in beats).encode())
        return found.hexdigest()


@dataclass(frozen=True)
class Protocol:
    """One way to choose who trains and who is tested.

    text: for the reader of a report, after a colon; of_mitdb: added to it where the data are those;
    rows: (index, fold, select) to the Split;
    shared_patients: whether patients of the test are among those trained on;
    first_minutes_only: of those, whether only the first minutes of a recording are trained on;
    elsewhere: where another database is tested, its index to the Split, of which `rows` has no
    test; nothing of that database is trained on, and its lead may be another;
    reported_without: test records without which the figures are given too, each by itself;
    is_published: whether published figures are of this split.
    """

    name: str
    text: str
    rows: Callable[[pd.DataFrame, int, str], Split]
    shared_patients: bool = False
    first_minutes_only: bool = False
    elsewhere: Callable[[pd.DataFrame], Split] | None = None
    of_mitdb: str = ""
    reported_without: tuple[str, ...] = ()
    is_published: bool = False


def split(
    index: pd.DataFrame,
    protocol: str,
    fold: int = 0,
    select: str = "last",
    testing: bool = False,
    names: tuple[list[str], list[str]] | None = None,
) -> Split:
    """Rows of an index (see preprocess) for a protocol of this name. Raises BadInput when a part
    would be empty.

    testing: the index is of what is tested, which matters to a protocol that tests another database
    alone; names: of `own`, the records to train on and those to test (see read_names).
    """
    if (protocol == OWN) != (names is not None):
        raise BadInput(f"--split FILE is for --protocol {OWN} alone, which needs it")
    chosen, parts = PROTOCOLS[protocol], ["train", "calibration", "test"]
    if names:
        result = _by_patient(index, fold, select, *names)
    elif chosen.elsewhere and testing:
        result, parts = chosen.elsewhere(index), ["test"]
    else:
        result = chosen.rows(index, fold, select)
        parts = parts[:2] if chosen.elsewhere else parts
    for part in parts:
        if len(getattr(result, part)) == 0:
            raise BadInput(
                f"protocol {protocol}, fold {fold}: no beat is left in its {part} part; "
                "preprocess more records, or choose another protocol or --split"
            )
    kinds = set(result.classes[result.test] != "N")
    if "test" in parts and len(kinds) == 1:
        raise BadInput(
            f"protocol {protocol}, fold {fold}: the test part needs normal and abnormal beats, and "
            f"has only {'abnormal' if True in kinds else 'normal'} ones; preprocess more records"
        )
    return result


def patient_of(record: np.ndarray) -> np.ndarray:
    """Names of records (n,) to one name for each person (n,)."""
    return np.array([PATIENT_OF.get(name, name) for name in record])


def all_patients(index: pd.DataFrame, fold: int, select: str, peak_filter: bool = True) -> Split:
    """A fifth of all patients' normals is tested, with every abnormal beat.

    peak_filter: as in the published work, normals that were annotated away from a detected R peak
    are in no part. It depends on the class: abnormal beats stay wherever they were annotated.
    """
    classes = index["class"].to_numpy()
    is_normal = classes == "N"
    if peak_filter:
        is_normal = is_normal & (index["peak_distance"].to_numpy() < PEAK_TOLERANCE)
    normals = np.random.default_rng(FOLD_SEED).permutation(np.flatnonzero(is_normal))
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


def later_minutes(index: pd.DataFrame, fold: int, select: str) -> Split:
    """All beats of the last minutes of each recording are tested; the minutes before train.

    Classes are those of `beatgan`; no beat is filtered out. Of the training time, a tenth in one
    piece calibrates, in fold 0 the last but one: thresholds, too, are set on minutes that were not
    trained on. No sample of the trace is in two parts: what reaches over an end is in none.
    """
    classes = index["class"].to_numpy()
    sample = index["sample"].to_numpy()
    last = index.groupby("record")["sample"].transform("max").to_numpy()
    # In stretches: 0 to STRETCHES is training time. [n] each, of a window's first and last sample.
    stretch = last * FIRST_SHARE / STRETCHES
    first, after = (sample - BEFORE) / stretch, (sample + AFTER) / stretch
    chosen = STRETCHES - 2 - 2 * fold

    is_normal = classes == "N"
    in_calibration = (first >= chosen) & (after <= chosen + 1)
    train = is_normal & ((after <= chosen) | ((first >= chosen + 1) & (after <= STRETCHES)))
    calibration = is_normal & in_calibration
    labelled = np.flatnonzero(in_calibration) if select == "paper" else NO_ROWS
    parts = (np.flatnonzero(part) for part in (train, calibration, first >= STRETCHES))
    # Someone has labelled the normals of the first minutes; a context may know them.
    return Split(*parts, classes, labelled, np.flatnonzero(train | calibration))


def read_names(path: str, index: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Names of the records to train on and of those to test, as lines of a text file say: `train:
    NAME NAME ...` and `test: NAME ...`. Raises BadInput where it says something else."""
    found, known = {"train": [], "test": []}, set(index["record"].unique())
    lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    for line in filter(str.strip, lines):
        part, _, names = line.strip().partition(":")
        unknown = [name for name in names.split() if name not in known]
        if part not in found or unknown:
            wrong = f"there is no record {unknown[0]}" if part in found else line
            raise BadInput(
                f"{path}: {wrong}; lines "
                "are `train: NAME NAME ...` and `test: NAME ...`, of preprocessed records"
            )
        found[part] += names.split()
    if both := sorted(set(found["train"]) & set(found["test"])):
        raise BadInput(f"{path}: record {both[0]} would be trained on and tested")
    return found["train"], found["test"]


def unseen_patients(
    index: pd.DataFrame, fold: int, select: str, knows_first_minutes: bool = False
) -> Split:
    """DS2 is tested; a fifth of the patients of DS1 calibrates, the others train, with the labelled
    normals of each test patient's own first minutes where these are known."""
    return _by_patient(index, fold, select, *patients(index["record"]), knows_first_minutes)


def among_training_patients(index: pd.DataFrame, fold: int, select: str) -> Split:
    """As unseen_patients, with a fifth of the training patients tested in place of DS2."""
    training, _ = patients(index["record"])
    return _by_patient(index, fold, select, training, fifths_of(training)[fold - 1])


def every_patient(index: pd.DataFrame, fold: int, select: str) -> Split:
    """A fifth of all patients calibrates, the others train; whom to test is in another database."""
    return _by_patient(index, fold, select, np.unique(index["record"]), testing=[])


def whole_database(index: pd.DataFrame) -> Split:
    """All beats are tested, after each record's first minutes, as in unseen_patients."""
    classes = classes_of_ec57(index)
    test = np.flatnonzero(index["sample"].to_numpy() >= LEARNING_S * FS_HZ)
    return Split(NO_ROWS, NO_ROWS, test, classes, NO_ROWS, known_normal=NO_ROWS)


def other_databases(index: pd.DataFrame, fold: int, select: str) -> Split:
    """One database is tested, after each record's first minutes; the normals of the others train,
    but for a fifth of their patients, which calibrates.

    Of data that python -m preprocess made of several folders, whose records are called
    FOLDER/NAME; fold counts the folders by their names. Raises BadInput where there is none such.
    """
    records = index["record"].unique()
    databases = sorted({name.partition("/")[0] for name in records if "/" in name})
    if not fold < len(databases) > 1:
        found = f"folders {', '.join(databases)}" if databases else "records of one folder"
        raise BadInput(
            f"protocol databases, fold {fold}: the data have {found}, and one folder of several is "
            "tested: give python -m preprocess --records more of them, or another --folder"
        )
    testing = [name for name in records if name.startswith(f"{databases[fold]}/")]
    # Any fifth calibrates: the fold says who is tested.
    return _by_patient(index, 0, select, np.setdiff1d(records, testing), testing)


def classes_of_ec57(index: pd.DataFrame) -> np.ndarray:
    symbols = index["symbol"].astype("category").cat
    return np.array([CLASS_OF_EC57[name] for name in symbols.categories])[symbols.codes.to_numpy()]


def _by_patient(index, fold, select, training, testing, knows_first_minutes=False):
    """Normal beats of the records `training` to learn from, all of `testing` to test, names each.

    Patients of the test are in no other part, but for the normals of their own first minutes.
    """
    classes = classes_of_ec57(index)
    is_normal, in_first_minutes = classes == "N", index["sample"].to_numpy() < LEARNING_S * FS_HZ
    in_test = _of_records(index, testing)
    persons = fifths_of(np.unique(patient_of(training)))[fold]
    in_calibration = _of_records(index, np.array(training)[np.isin(patient_of(training), persons)])
    train = is_normal & _of_records(index, training) & ~in_calibration & ~in_test
    calibration = is_normal & in_calibration

    # Of a test patient's own first minutes a fifth calibrates, the rest trains.
    own = NO_ROWS
    if knows_first_minutes:
        own = np.flatnonzero(is_normal & in_test & in_first_minutes)
        train[own[np.arange(len(own)) % FOLDS != fold]] = True
        calibration[own[np.arange(len(own)) % FOLDS == fold]] = True

    labelled = np.flatnonzero(in_calibration) if select == "paper" else NO_ROWS
    test = in_test & ~in_first_minutes
    parts = (np.flatnonzero(part) for part in (train, calibration, test))
    return Split(*parts, classes, labelled, known_normal=own)


def _of_records(index, names):
    """(n,) bool."""
    return index["record"].isin(list(names)).to_numpy()


def patients(record) -> tuple[np.ndarray, np.ndarray]:
    """Training and test patients: DS1 and DS2 of MIT-BIH, every other record of anything else."""
    names = np.unique(record.unique() if hasattr(record, "unique") else record)
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
            "patients are in training and test, beats seconds apart; normal beats annotated off a "
            "detected R peak are left out, as in the published work, abnormal ones never",
            all_patients,
            shared_patients=True,
            reported_without=("232",),
            is_published=True,
        ),
        Protocol(
            "beatgan-unfiltered",
            "as beatgan, but no normal beat is left out for where it was annotated",
            partial(all_patients, peak_filter=False),
            shared_patients=True,
            reported_without=("232",),
        ),
        Protocol(
            "chronological",
            "trained on the normal beats of the first 80 % of each recording's time, tested on all "
            "beats of the last 20 %: the same patients, later",
            later_minutes,
            shared_patients=True,
            reported_without=("232",),
        ),
        Protocol(
            "interpatient",
            "tested on patients that were never seen in training",
            unseen_patients,
            of_mitdb=", one man excepted: record 202, which is tested, is of the man of record 201",
            reported_without=("202", "232"),
        ),
        Protocol(
            "patient",
            "tested on patients whose labelled normal beats of the first 5 minutes were seen in "
            "training",
            partial(unseen_patients, knows_first_minutes=True),
            shared_patients=True,
            first_minutes_only=True,
            reported_without=("202", "232"),
        ),
        Protocol(
            "external",
            "tested on another database, after each record's first 5 minutes: nothing was adapted "
            "to its patients, devices or lead",
            every_patient,
            elsewhere=whole_database,
        ),
        Protocol(
            "databases",
            "tested on one of several databases, after each record's first 5 minutes; trained on "
            "the normal beats of the others: no record, device or lead of it was seen",
            other_databases,
        ),
        Protocol(
            "develop",
            "tested on a fifth of the training patients, never seen in training: for tuning, so "
            "that the test patients are met once",
            among_training_patients,
        ),
        Protocol(
            OWN,
            "trained on some records and tested on others, as a file says; that no patient is in "
            "both is for who wrote it",
            unseen_patients,  # split() takes the file's names instead
        ),
    )
}
