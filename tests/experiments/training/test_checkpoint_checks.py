"""A checkpoint that is damaged, incomplete or of something else is refused with a sentence."""

import copy
import zipfile
from dataclasses import replace

import pytest
import torch

from experiments.training import checkpoint as checkpoints
from experiments.training import checkpoint_checks as checks
from models import MODELS
from preprocess import BadInput


@pytest.fixture(scope="module")
def whole(weights):
    return checkpoints.load(weights)


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage", [flipped, lambda content: content[:-100], lambda content: b"", lambda _: b"PK\3\4"]
)
def test_the_checksums_of_a_file_are_looked_at(damage, weights, tmp_path):
    checks.check_file(weights)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(damage(weights.read_bytes()))
    with pytest.raises(BadInput, match="not a whole checkpoint"):
        checks.check_file(path)


def test_a_compressed_file_is_none_of_ours(weights, tmp_path):
    """It could be of any size once it is unpacked."""
    path = tmp_path / "checkpoint.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(1000))
    with pytest.raises(BadInput, match="a compressed part"):
        checks.check_file(path)


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"epoch": "1"}, "its epoch is a str"),
        ({"options": {}}, "it gives no protocol"),
        ({"settings": {}}, "on which images and lead"),
        ({"reference": {"none": [0.0, 2.0, 1.0]}}, "do not rise"),
        ({"reference": {"none": [0.0, float("nan")]}}, "do not rise"),
        ({"reference": {"else": [0.0, 1.0]}}, "do not rise"),
        ({"state": {"a": 1}}, "a of its state is a int"),
        ({"state": {"a": torch.tensor([0.0, float("inf")])}}, "no numbers"),
        ({"best": {"state": [1]}}, "its best state is a list"),
        ({"optimizers": {"a": {"b": [torch.tensor(float("nan"))]}}}, "optimizer a"),
    ],
)
def test_fields_of_another_kind_are_refused(changed, words, whole):
    checks.check_values(whole, "it")
    with pytest.raises(BadInput, match=words):
        checks.check_values(replace(whole, **changed), "it")


def test_settings_that_this_program_does_not_make_are_refused(whole):
    settings = whole.settings | {"fs_hz": 250}
    with pytest.raises(BadInput, match="trained with fs_hz 250"):
        checks.check_values(replace(whole, settings=settings), "it")


@pytest.mark.parametrize("change", ["lacks", "counter lacks", "more", "shape", "type", "nan"])
def test_tensors_that_do_not_fit_the_model_are_refused(change, whole):
    state, detector = dict(whole.state), MODELS[whole.model](whole.options)
    floats = [name for name, value in state.items() if value.is_floating_point() and value.ndim > 1]
    name = floats[0]
    if change == "lacks":
        del state[name]
    elif change == "counter lacks":  # torch itself forgives it
        del state[next(n for n in state if n.endswith("num_batches_tracked"))]
    elif change == "more":
        state["and.one.more"] = torch.zeros(1)
    else:
        value = state[name]
        changed = {"shape": value[:, :1], "type": value.double(), "nan": value * float("nan")}
        state[name] = changed[change]
    with pytest.raises(BadInput, match="not a whole checkpoint"):
        checks.restore(detector, state, "it")


def test_a_detector_must_be_able_to_score(whole):
    detector = whole.detector()
    contexts = list(whole.reference)
    checks.check_works(detector, contexts, "it")
    broken = copy.deepcopy(detector)
    broken.score = lambda beats, context: [][0]
    with pytest.raises(BadInput, match="scoring fails with IndexError"):
        checks.check_works(broken, contexts, "it")
    broken.score = lambda beats, context: torch.full((len(beats),), float("nan")).numpy()
    with pytest.raises(BadInput, match="its scores are no numbers"):
        checks.check_works(broken, contexts, "it")
