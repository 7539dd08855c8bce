"""A checkpoint that does not fit is refused with a sentence; one that does is its detector."""

from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest

from experiments.training import checkpoint as checkpoints
from experiments.training.protocols import split
from preprocess import BadInput


def test_opened_it_is_the_detector_on_the_device_asked_for(data, dataroot, weights):
    checkpoint, detector = checkpoints.open_detector(weights, "cpu", data, dataroot)
    beats = data.beats(np.arange(50))
    np.testing.assert_array_equal(detector.score(beats), checkpoint.detector().score(beats))
    assert not detector.training and detector.device.type == "cpu"


def test_another_model_is_refused_before_it_is_built(weights):
    with pytest.raises(BadInput, match="is of b2igan: give one of knn"):
        checkpoints.open_detector(weights, "cpu", model="knn")


@pytest.mark.parametrize(
    "asked, words",
    [
        ({"folder": 1}, "trained with --folder 0, not 1"),
        ({"protocol": "patient"}, "trained with --protocol beatgan, not patient"),
        ({"model": "knn"}, "trained with --model b2igan, not knn"),
    ],
)
def test_a_split_whose_beats_it_may_know_is_refused(weights, asked, words):
    with pytest.raises(BadInput, match=words):
        checkpoints.open_detector(weights, "cpu", asked=Namespace(**asked))


def test_what_was_not_asked_for_is_not_compared(weights):
    checkpoints.check_split(checkpoints.load(weights), Namespace(protocol="beatgan"))


def test_a_dataset_of_other_settings_is_refused(data, weights):
    settings = data.manifest["settings"] | {"lead": "V1"}
    with pytest.raises(BadInput, match="lead V1 instead of MLII"):
        checkpoints.check_settings(
            checkpoints.load(weights).settings,
            data.manifest | {"settings": settings},
            "somewhere",
        )


def test_a_test_never_sees_its_training_beats(data, weights):
    """One record less shuffles the folds anew: most of its "test" normals were trained on."""
    trained, whole = checkpoints.load(weights), split(data.index, "beatgan")
    checkpoints.check_unseen(trained, data, whole, "beatgan")
    fewer = replace(data, index=data.index[data.index["record"] != data.index["record"][0]])
    again = split(fewer.index, "beatgan")
    with pytest.raises(BadInput, match="may know beats that would be tested"):
        checkpoints.check_unseen(trained, fewer, again, "beatgan")
    with pytest.raises(BadInput, match="may know beats that would be tested"):
        checkpoints.check_unseen(trained, data, split(data.index, "beatgan", 1), "beatgan")


def elsewhere(data):
    """The same beats as another database: other files, another source and lead."""
    settings = data.manifest["settings"] | {"lead": "ECG1"}
    records = {name: f"other {kept}" for name, kept in data.manifest["records"].items()}
    return replace(
        data,
        manifest=data.manifest | {"settings": settings, "source": "other", "records": records},
    )


def test_another_database_may_have_another_lead_and_no_record_that_was_trained_on(data, weights):
    trained, other = checkpoints.load(weights), elsewhere(data)
    tested = split(other.index, "external", testing=True)
    checkpoints.check_settings(trained.settings, other.manifest, "somewhere", any_lead=True)
    checkpoints.check_unseen(trained, other, tested, "external")
    assert set(trained.records) == set(data.index["record"])
    with pytest.raises(BadInput, match="tests another database, and the checkpoint was trained"):
        checkpoints.check_unseen(trained, data, tested, "external")
    of_an_older_version = replace(trained, records={})
    with pytest.raises(BadInput, match="trained on records of this one"):
        checkpoints.check_unseen(of_an_older_version, data, tested, "external")


def test_another_database_needs_a_detector_for_unseen_patients(weights):
    trained = checkpoints.load(weights)
    with pytest.raises(BadInput, match="needs one of unseen patients"):
        checkpoints.check_split(trained, Namespace(protocol="external", folder=0))
    trained.options["protocol"] = "interpatient"
    checkpoints.check_split(trained, Namespace(protocol="external", folder=3, select="last"))


def test_a_corrupt_or_missing_file_is_explained(weights, tmp_path):
    whole = weights.read_bytes()
    for content in (b"", b"no checkpoint", whole[: len(whole) // 2]):
        (tmp_path / "c.pt").write_bytes(content)
        with pytest.raises(BadInput, match="not a whole checkpoint"):
            checkpoints.load(tmp_path / "c.pt")
    with pytest.raises(BadInput, match="there is no checkpoint"):
        checkpoints.load(tmp_path / "none.pt")


def test_thresholds_are_quantiles_of_the_reference(weights):
    checkpoint = checkpoints.load(weights)
    lowest_first = checkpoint.reference["none"]
    assert checkpoint.threshold("none", 1.0) == lowest_first[0]
    assert checkpoint.threshold("none", 0.5) == pytest.approx(lowest_first[500])
