"""A checkpoint that does not fit is refused with a sentence; one that does is its detector."""

from argparse import Namespace
from dataclasses import replace

import pytest
import torch

from experiments.training import checkpoint as checkpoints
from experiments.training.protocols import split
from preprocess import BadInput


def test_another_model_is_refused_before_it_is_built(weights):
    with pytest.raises(BadInput, match="is of b2igan: give one of knn"):
        checkpoints.open_detector(weights, "cpu", model="knn")


@pytest.mark.parametrize(
    "asked, words",
    [
        ({"folder": 1}, "trained with --folder 0, not 1"),
        ({"protocol": "patient"}, "trained with --protocol beatgan, not patient"),
        ({"model": "knn"}, "trained with --model b2igan, not knn"),
        ({"without": ["qrs"]}, "trained with all parts: train anew with it"),
    ],
)
def test_a_split_whose_beats_it_may_know_is_refused(weights, asked, words):
    with pytest.raises(BadInput, match=words):
        checkpoints.open_detector(weights, "cpu", asked=Namespace(**asked))


def test_a_dataset_of_other_settings_is_refused(data, weights):
    trained = checkpoints.load(weights).settings
    manifest = data.manifest | {"settings": data.manifest["settings"] | {"lead": "V1"}}
    with pytest.raises(BadInput, match="lead V1 instead of MLII"):
        checkpoints.check_settings(trained, manifest, "somewhere")


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
    others = {"settings": settings, "source": "other", "records": records}
    return replace(data, manifest=data.manifest | others)


def test_another_database_may_have_another_lead_and_no_record_that_was_trained_on(data, weights):
    trained, other = checkpoints.load(weights), elsewhere(data)
    tested = split(other.index, "external", testing=True)
    checkpoints.check_settings(trained.settings, other.manifest, "somewhere", any_lead=True)
    checkpoints.check_unseen(trained, other, tested, "external")
    assert set(trained.records) == set(data.index["record"])
    trained.records = {f"folder/{name}": files for name, files in trained.records.items()}
    with pytest.raises(BadInput, match="tests another database, and the checkpoint was trained"):
        checkpoints.check_unseen(trained, data, tested, "external")


def test_another_database_needs_a_detector_for_unseen_patients(weights):
    trained = checkpoints.load(weights)
    with pytest.raises(BadInput, match="needs one of unseen patients"):
        checkpoints.check_split(trained, Namespace(protocol="external", folder=0))
    trained.options["protocol"] = "interpatient"
    checkpoints.check_split(trained, Namespace(protocol="external", folder=3, select="last"))


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("ending", [".pt", ".safetensors"])
@pytest.mark.parametrize("damage", [flipped, lambda whole: whole[:-100], lambda _: b""])
def test_a_damaged_file_is_explained(ending, damage, weights, tmp_path):
    path = tmp_path / f"weights{ending}"
    replace(checkpoints.load(weights), optimizers={}).save(path)
    assert checkpoints.load(path).model == "b2igan"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadInput, match="not a whole checkpoint"):
        checkpoints.load(path)


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"format": 4}, "another version of this program"),
        ({"model": "none"}, "another version of this program"),
        ({"settings": {}}, "made with"),
    ],
)
def test_what_another_program_wrote_is_explained(changed, words, weights, tmp_path):
    replace(checkpoints.load(weights), **changed).save(tmp_path / "c.pt")
    with pytest.raises(BadInput, match=words):
        checkpoints.load(tmp_path / "c.pt")


@pytest.mark.parametrize("change", ["lacks", "more", "shape"])
def test_tensors_that_do_not_fit_the_model_are_refused(change, weights):
    whole = checkpoints.load(weights)
    parameter = next(iter(dict(whole.detector().named_parameters())))
    if change == "lacks":
        del whole.state[parameter]
    elif change == "more":
        whole.state["and.one.more"] = torch.zeros(1)
    else:
        whole.state[parameter] = whole.state[parameter][:1]
    with pytest.raises(BadInput, match="does not fit its model b2igan"):
        whole.detector()


def test_a_training_that_went_astray_is_not_written(weights, tmp_path):
    whole = checkpoints.load(weights)
    name = next(name for name, value in whole.state.items() if value.is_floating_point())
    whole.state[name] = whole.state[name] * float("nan")
    with pytest.raises(BadInput, match="a smaller --lr"):
        whole.save(tmp_path / "c.pt")
    assert not list(tmp_path.iterdir())


def test_thresholds_are_quantiles_of_the_reference(weights):
    checkpoint = checkpoints.load(weights)
    lowest_first = checkpoint.reference["none"]
    assert checkpoint.threshold("none", 1.0) == lowest_first[0]
    assert checkpoint.threshold("none", 0.5) == pytest.approx(lowest_first[500])
