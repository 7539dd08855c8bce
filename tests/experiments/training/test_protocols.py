"""No abnormal beat is learned from, unseen patients stay unseen, folds cover every normal once."""

import numpy as np
import pandas as pd
import pytest

from experiments.training.protocols import (
    DS1,
    DS2,
    FOLDS,
    LEARNING_S,
    OWN,
    PROTOCOLS,
    patient_of,
    read_names,
    split,
)
from preprocess import BadInput
from preprocess.constants import AFTER, BEFORE

# Without a file of names, and of records of one folder.
WITHOUT_FILE = [name for name in PROTOCOLS if name not in (OWN, "databases")]


@pytest.fixture(scope="module")
def index():
    """An index of every DS1 and DS2 record, half an hour long, with some beats of each class."""
    rng, tables = np.random.default_rng(0), []
    for record in DS1 + DS2:
        n = 200
        symbols = rng.choice(list("NLRAeVFQ"), n, p=[0.6, 0.1, 0.1, 0.05, 0.03, 0.08, 0.03, 0.01])
        class_of = dict(zip("NLRAeVFQ", "NNNSSVFQ"))
        columns = {
            "record": record,
            "sample": np.sort(rng.integers(0, 650_000, n)),
            "symbol": symbols,
            "class": [class_of[s] for s in symbols],
            "peak_distance": rng.choice([0, 3, 30], n, p=[0.5, 0.47, 0.03]),
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize("protocol", WITHOUT_FILE)
@pytest.mark.parametrize("fold", range(FOLDS))
def test_parts_are_disjoint_and_learn_from_normals_alone(index, protocol, fold):
    s = split(index, protocol, fold)
    assert (s.classes[s.train] == "N").all() and (s.classes[s.calibration] == "N").all()
    every = np.concatenate([s.train, s.calibration, s.test])
    assert len(np.unique(every)) == len(every) and len(s.select) == 0


def test_records_of_one_man_are_never_on_two_sides_where_nobody_published_it(index):
    for fold in range(FOLDS):
        s = split(index, "external", fold)
        sides = [set(patient_of(index["record"].iloc[rows])) for rows in (s.train, s.calibration)]
        assert not sides[0] & sides[1]


def test_patient_adds_the_test_patients_own_first_minutes(index):
    own = split(index, "patient").train
    of_test = own[np.isin(index["record"].iloc[own], DS2)]
    assert len(of_test) and index["sample"].iloc[of_test].max() < LEARNING_S * 360


def test_of_several_databases_one_is_tested_and_the_others_train(index):
    many = index.assign(record=np.where(index["record"] < "2", "a/", "b/") + index["record"])
    for fold, tested in enumerate("ab"):
        s = split(many, "databases", fold)
        record, sample = many["record"].to_numpy(str), many["sample"].to_numpy()
        late = np.char.startswith(record, f"{tested}/") & (sample >= LEARNING_S * 360)
        assert sorted(s.test) == list(np.flatnonzero(late))
        learnt = np.concatenate([s.train, s.calibration])
        assert (s.classes[learnt] == "N").all() and len(s.calibration)
        assert not np.char.startswith(record[learnt], f"{tested}/").any()
    for data, fold in ((many, 2), (index, 0)):
        with pytest.raises(BadInput, match="--records"):
            split(data, "databases", fold)


def test_beatgan_folds_test_every_normal_once_and_every_abnormal_always(index):
    splits = [split(index, "beatgan", k) for k in range(FOLDS)]
    normals = np.concatenate([s.test[s.classes[s.test] == "N"] for s in splits])
    expected = np.flatnonzero((index["class"] == "N") & (index["peak_distance"] < 10))
    assert sorted(normals) == list(expected)
    for s in splits:
        assert (s.classes[s.test] != "N").sum() == (index["class"] != "N").sum()


def test_the_filter_of_beatgan_takes_normals_alone_and_can_be_left_out(index):
    filtered, unfiltered = (split(index, name) for name in ("beatgan", "beatgan-unfiltered"))
    count = lambda s, kind: (kind(s.classes[s.test])).sum()
    is_normal, is_abnormal = (lambda c: c == "N"), (lambda c: c != "N")
    assert count(filtered, is_abnormal) == count(unfiltered, is_abnormal)
    assert count(filtered, is_normal) < count(unfiltered, is_normal)


@pytest.mark.parametrize("fold", range(FOLDS))
def test_chronological_tests_the_last_minutes_and_shares_no_sample_with_training(index, fold):
    s = split(index, "chronological", fold)
    for _, rows in index.groupby("record"):
        end = rows["sample"].max() * 0.8
        sample = rows["sample"]
        spans = {
            name: sample[np.isin(rows.index, part)]
            for name, part in (("train", s.train), ("calibration", s.calibration), ("test", s.test))
        }
        assert (spans["train"] + AFTER).max() <= end <= (spans["test"] - BEFORE).min()
        # All beats of the end are tested, whatever their class, but for one across the boundary.
        assert len(spans["test"]) == (sample - BEFORE >= end).sum()
        # What calibrates is one piece of time, and no window of it reaches into training.
        low, high = spans["calibration"].min() - BEFORE, spans["calibration"].max() + AFTER
        train = spans["train"]
        assert ((train + AFTER <= low + BEFORE) | (train - BEFORE >= high - AFTER)).all()
        assert not ((train > low) & (train < high)).any()


def test_external_trains_on_everyone_and_tests_a_database_of_which_it_trains_nothing(index):
    training = split(index, "external")
    assert len(training.test) == 0
    names = lambda rows: set(index["record"].iloc[rows])
    assert names(training.train) | names(training.calibration) == set(DS1 + DS2)
    assert not names(training.train) & names(training.calibration)
    testing = split(index, "external", testing=True)
    assert len(testing.train) == len(testing.calibration) == 0
    assert (index["sample"].iloc[testing.test] >= LEARNING_S * 360).all()
    assert (testing.classes[index["symbol"] == "e"] == "N").all()


def test_a_digest_tells_splits_apart_and_sees_a_missing_record(index):
    digests = {split(index, "beatgan", k).digest(index) for k in range(FOLDS)}
    assert len(digests) == FOLDS
    assert split(index, "beatgan").digest(index) in digests
    fewer = index[index["record"] != "234"].reset_index(drop=True)
    assert split(fewer, "beatgan").digest(fewer) not in digests


def test_interpatient_tests_unseen_patients_after_their_first_five_minutes(index):
    s = split(index, "interpatient")
    assert set(index["record"].iloc[s.train]) | set(index["record"].iloc[s.calibration]) <= set(DS1)
    assert set(index["record"].iloc[s.test]) == set(DS2)
    assert index["sample"].iloc[s.test].min() >= LEARNING_S * 360
    assert not set(index["record"].iloc[s.train]) & set(index["record"].iloc[s.calibration])


def test_paper_selection_takes_labelled_beats_out_of_the_test(index):
    s = split(index, "beatgan", 0, select="paper")
    assert (s.classes[s.select] != "N").any() and not set(s.select) & set(s.test)


def test_empty_parts_are_explained(index):
    with pytest.raises(BadInput, match="no beat is left in its train part"):
        split(index[index["record"] == "100"].reset_index(drop=True), "interpatient")
    with pytest.raises(BadInput, match="has only normal ones"):
        split(index[index["class"] == "N"].reset_index(drop=True), "beatgan")


def test_develop_tests_a_fifth_of_the_training_patients_and_nobody_else(index):
    parts = [split(index, "develop", k) for k in range(FOLDS)]
    tested = [set(index["record"].iloc[s.test]) for s in parts]
    assert set.union(*tested) == set(DS1) and sum(map(len, tested)) == len(DS1)
    for s, names in zip(parts, tested):
        assert not names & set(index["record"].iloc[np.r_[s.train, s.calibration]])


@pytest.mark.parametrize("name", WITHOUT_FILE)
def test_shared_patients_are_those_in_training_and_test(index, name):
    protocol = PROTOCOLS[name]
    s = split(index, name)
    of = index["record"].to_numpy()
    shared = set(of[s.train]) & set(of[s.test])
    assert bool(shared) == protocol.shared_patients
    assert protocol.text


def test_a_file_says_which_records_train_and_which_are_tested(index, tmp_path):
    file = tmp_path / "split.txt"
    file.write_text("train: 100 101 103 105 106 108\n\ntest: 200 201\n")
    chosen = split(index, OWN, names=read_names(file, index))
    record = index["record"].to_numpy()
    assert set(record[chosen.test]) == {"200", "201"}
    trained = set(record[np.union1d(chosen.train, chosen.calibration)])
    assert trained == {"100", "101", "103", "105", "106", "108"}


@pytest.mark.parametrize(
    "text, words",
    [
        ("train: 100\ntest: nobody", "no record nobody"),
        ("train: 100\ntest: 100", "record 100 would be trained on and tested"),
        ("100 101", "lines are `train: NAME"),
    ],
)
def test_a_file_that_names_no_split_is_one_sentence(text, words, index, tmp_path):
    (tmp_path / "split.txt").write_text(text)
    with pytest.raises(BadInput, match=words):
        read_names(tmp_path / "split.txt", index)
