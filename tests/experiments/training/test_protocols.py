"""No abnormal beat is learned from, unseen patients stay unseen, folds cover every normal once."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.training.protocols import DS1, DS2, FOLDS, LEARNING_S, PROTOCOLS, split
from preprocess import BadInput


@pytest.fixture(scope="module")
def index():
    """An index of every DS1 and DS2 record, half an hour long, with some beats of each class."""
    rng, tables = np.random.default_rng(0), []
    for record in DS1 + DS2:
        n = 200
        symbols = rng.choice(list("NLRAeVFQ"), n, p=[0.6, 0.1, 0.1, 0.05, 0.03, 0.08, 0.03, 0.01])
        class_of = dict(zip("NLRAeVFQ", "NNNSSVFQ"))
        tables.append(
            pd.DataFrame(
                {
                    "record": record,
                    "sample": np.sort(rng.integers(0, 650_000, n)),
                    "symbol": symbols,
                    "class": [class_of[s] for s in symbols],
                    "peak_distance": rng.choice([0, 3, 30], n, p=[0.5, 0.47, 0.03]),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fold", range(FOLDS))
def test_parts_are_disjoint_and_learn_from_normals_alone(index, protocol, fold):
    s = split(index, protocol, fold)
    assert (s.classes[s.train] == "N").all() and (s.classes[s.calibration] == "N").all()
    assert len(np.unique(np.concatenate([s.train, s.calibration, s.test]))) == len(s.train) + len(
        s.calibration
    ) + len(s.test)
    assert len(s.select) == 0


def test_beatgan_folds_test_every_normal_once_and_every_abnormal_always(index):
    splits = [split(index, "beatgan", k) for k in range(FOLDS)]
    normals = np.concatenate([s.test[s.classes[s.test] == "N"] for s in splits])
    expected = np.flatnonzero((index["class"] == "N") & (index["peak_distance"] < 10))
    assert sorted(normals) == list(expected)
    for s in splits:
        assert (s.classes[s.test] != "N").sum() == (index["class"] != "N").sum()


def test_interpatient_tests_unseen_patients_after_their_first_five_minutes(index):
    s = split(index, "interpatient")
    assert set(index["record"].iloc[s.train]) | set(index["record"].iloc[s.calibration]) <= set(DS1)
    assert set(index["record"].iloc[s.test]) == set(DS2)
    assert index["sample"].iloc[s.test].min() >= LEARNING_S * 360
    assert not set(index["record"].iloc[s.train]) & set(index["record"].iloc[s.calibration])


def test_interpatient_counts_escape_beats_as_normal(index):
    s = split(index, "interpatient")
    assert (s.classes[index["symbol"] == "e"] == "N").all()
    assert (split(index, "beatgan").classes[index["symbol"] == "e"] == "S").all()


def test_patient_adds_the_test_patients_own_first_minutes(index):
    own = split(index, "patient").train
    of_test = own[np.isin(index["record"].iloc[own], DS2)]
    assert len(of_test) and index["sample"].iloc[of_test].max() < LEARNING_S * 360


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


def test_an_unknown_protocol_is_refused(index):
    with pytest.raises(BadInput, match="there is no protocol beatgun: choose one of beatgan"):
        split(index, "beatgun")


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_shared_patients_are_those_in_training_and_test(index, protocol):
    s = protocol.split(index)
    of = index["record"].to_numpy()
    shared = set(of[s.train]) & set(of[s.test])
    assert bool(shared) == protocol.shared_patients
    assert protocol.text and protocol.resampled in ("beats", "patients")


def test_names_of_protocols_are_read_without_network_or_figure_library():
    code = (
        "import sys, experiments.training.protocols as _;"
        "sys.exit(bool({'torch', 'matplotlib', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3]).returncode == 0
    )
