"""Who trains and who is tested: the three protocols. No abnormal beat is ever in `train` or `held_out`.

A fourth, `develop`, is `interpatient` among the training patients: a fifth of them is tested. It is for tuning, so that
the test patients are met once.
"""

from dataclasses import dataclass

import numpy as np

from preprocess import BadInput
from preprocess.beats import PEAK_TOLERANCE
from preprocess.classes import CLASS_OF_EC57
from preprocess.records import FS_HZ

FOLDS = 5
FOLD_SEED = 42
LEARNING_S = (
    300  # first minutes of a test record: never tested, and in `patient` looked at by someone
)
# de Chazal P, O'Dwyer M, Reilly RB. Automatic classification of heartbeats using ECG morphology and heartbeat interval
# features. IEEE Trans Biomed Eng 2004;51(7):1196-1206.
DS1 = "101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230".split()
DS2 = "100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234".split()


@dataclass
class Split:
    """Rows of the index. train, held_out: normal beats to learn from and to calibrate on; test: beats to report on;
    classes: (len(index),) class of every beat under this protocol; select: labelled beats (normal and abnormal) for
    `--select paper` alone, else empty; known_normal: beats of test patients that someone has looked at (`patient`)."""

    train: np.ndarray
    held_out: np.ndarray
    test: np.ndarray
    classes: np.ndarray
    select: np.ndarray
    known_normal: np.ndarray


def split(index, protocol, fold=0, select="last"):
    """Rows of an index (see preprocess) for a protocol and fold. Raises BadInput when a part would be empty."""
    if protocol == "beatgan":
        result = _beatgan(index, fold, select)
    else:
        result = _by_patient(index, protocol, fold, select)
    for name in ("train", "held_out", "test"):
        if len(getattr(result, name)) == 0:
            raise BadInput(
                f"protocol {protocol}, fold {fold}: no beat is left in its {name} part; "
                "preprocess more records or choose another protocol"
            )
    is_abnormal = result.classes[result.test] != "N"
    if is_abnormal.all() or not is_abnormal.any():
        raise BadInput(
            f"protocol {protocol}, fold {fold}: the test part needs normal and abnormal beats, and has only "
            f"{'abnormal' if is_abnormal.all() else 'normal'} ones; preprocess more records"
        )
    return result


def _beatgan(index, fold, select):
    """The published protocol: a fifth of all patients' normals is tested, with every abnormal beat."""
    classes = index["class"].to_numpy()
    on_peak = index["peak_distance"].to_numpy() < PEAK_TOLERANCE
    normals = np.random.default_rng(FOLD_SEED).permutation(
        np.flatnonzero((classes == "N") & on_peak)
    )
    abnormal = np.flatnonzero(classes != "N")
    parts = np.array_split(normals, FOLDS)
    rest = np.concatenate([part for k, part in enumerate(parts) if k != fold])
    held_out, train = np.split(rest, [len(rest) // 10])
    labelled = np.zeros(0, int)
    if (
        select == "paper"
    ):  # the original holds a tenth of the abnormal beats out to choose its epoch, and tests the rest
        shuffled = np.random.default_rng(FOLD_SEED).permutation(abnormal)
        chosen, abnormal = np.split(shuffled, [len(shuffled) // 10])
        labelled = np.concatenate([held_out, chosen])
    test = np.sort(np.r_[parts[fold], abnormal])
    return Split(
        np.sort(train),
        np.sort(held_out),
        test,
        classes,
        np.sort(labelled),
        known_normal=np.zeros(0, int),
    )


def _by_patient(index, protocol, fold, select):
    """Patients in the test are in no other part, but for the normals of their own first minutes in `patient`."""
    record, sample = index["record"].to_numpy(), index["sample"].to_numpy()
    classes = np.array([CLASS_OF_EC57[s] for s in index["symbol"]])
    training, testing = patients(record)
    fifths = [
        np.random.default_rng(FOLD_SEED).permutation(training)[k::FOLDS] for k in range(FOLDS)
    ]
    if protocol == "develop":
        testing, training = fifths[fold - 1], np.setdiff1d(training, fifths[fold - 1])
    is_normal, is_early = classes == "N", sample < LEARNING_S * FS_HZ
    in_held, in_test = np.isin(record, fifths[fold]), np.isin(record, testing)
    learned = is_normal & np.isin(record, training) & ~in_held
    held_out = is_normal & in_held
    own = (
        np.flatnonzero(is_normal & in_test & is_early)
        if protocol == "patient"
        else np.zeros(0, int)
    )
    learned[own[np.arange(len(own)) % FOLDS != fold]] = (
        True  # a fifth of a patient's own minutes calibrates
    )
    held_out[own[np.arange(len(own)) % FOLDS == fold]] = True
    labelled = np.flatnonzero(in_held) if select == "paper" else np.zeros(0, int)
    return Split(
        np.flatnonzero(learned),
        np.flatnonzero(held_out),
        np.flatnonzero(in_test & ~is_early),
        classes,
        labelled,
        own,
    )


def patients(record):
    """Training and test patients: DS1 and DS2 for MIT-BIH, every other record for anything else."""
    names = np.unique(record)
    if np.isin(names, DS1 + DS2).all():
        return np.intersect1d(DS1, names), np.intersect1d(DS2, names)
    return names[::2], names[1::2]
