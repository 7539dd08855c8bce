"""Weights that are handed on score as the checkpoint did, and hold no single beat."""

import pickle

import numpy as np
import pytest
import torch
import yaml

from experiments import agreement, ship
from experiments.screening.shipped import WEIGHTS
from experiments.training import checkpoint
from preprocess import BadInput


def test_shipped_weights_score_alike_and_are_smaller(data, weights, tmp_path):
    original = checkpoint.load(weights)
    original.source = "someone's records"
    original.save(tmp_path / "whole.pt")
    ship.main(
        ["--checkpoint", str(tmp_path / "whole.pt"), "--to", str(tmp_path / "shipped.safetensors")]
    )
    shipped = checkpoint.load(tmp_path / "shipped.safetensors")
    assert vars(shipped) | {"state": 0, "optimizers": 0} == (
        vars(original) | {"state": 0, "optimizers": 0}
    )
    assert shipped.optimizers == {} and shipped.state.keys() == original.state.keys()
    assert (tmp_path / "shipped.safetensors").stat().st_size < (
        tmp_path / "whole.pt"
    ).stat().st_size
    beats = data.beats(np.arange(100))
    np.testing.assert_array_equal(shipped.detector().score(beats), original.detector().score(beats))


def test_loading_shipped_weights_unpickles_nothing(weights, tmp_path, monkeypatch):
    original, path = checkpoint.load(weights), tmp_path / "weights.safetensors"
    original.optimizers = {}
    original.save(path)
    for module, name in ((torch, "load"), (pickle, "load"), (pickle, "loads")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("this could run code"))
    monkeypatch.setattr(pickle, "Unpickler", None)
    assert checkpoint.load(path).detector().has_error_map


@pytest.mark.parametrize("content", [b"", b"no weights", b'\x08\0\0\0\0\0\0\0{"a": 1}'])
def test_what_is_no_safetensors_is_one_sentence(content, tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="not a whole checkpoint") as error:
        checkpoint.load(path)
    assert "\n" not in str(error.value)


def test_weights_are_handed_on_as_safetensors_alone(weights, tmp_path):
    original = checkpoint.load(weights)
    original.source = "someone's records"
    original.save(tmp_path / "whole.pt")
    with pytest.raises(BadInput, match="does not end in .safetensors"):
        ship.main(["--checkpoint", str(tmp_path / "whole.pt"), "--to", str(tmp_path / "w.pt")])


def test_the_model_card_has_the_head_that_hubs_read():
    _, head, text = (WEIGHTS.parent / "README.md").read_text().split("---\n", 2)
    head = yaml.safe_load(head)
    assert head["license"] == "mit" and head["library_name"] == "pytorch" and head["tags"]
    assert text.strip().startswith("# Model card")


@pytest.mark.parametrize("change", [{"finished": False}, {"source": "simulated"}, {"model": "knn"}])
def test_what_is_not_fit_is_not_shipped(weights, tmp_path, change):
    original = checkpoint.load(weights)
    original.source = "mitdb"
    for name, value in change.items():
        setattr(original, name, value)
    original.save(tmp_path / "whole.pt")
    with pytest.raises(BadInput):
        ship.main(
            [
                "--checkpoint",
                str(tmp_path / "whole.pt"),
                "--to",
                str(tmp_path / "shipped.safetensors"),
            ]
        )
    assert not (tmp_path / "shipped.safetensors").exists()


def test_no_remembered_trace_is_a_single_beat(data, weights):
    detector = checkpoint.load(weights).detector()
    beats = torch.as_tensor(data.beats(np.arange(len(data.index)), False).beat_mv)
    assert torch.cdist(detector.localiser.traces.float(), beats).min() > 0.02


def test_weights_in_the_repository_find_ventricular_beats_of_an_unseen_patient(mitdb, capsys):
    command = ["--records", str(mitdb), "--names", "200", "--device", "cpu"]
    rows, scores, classes = agreement.main(command)
    assert rows["matched"].iloc[0] > 0.98 * rows["beats"].iloc[0]
    assert rows["wfdb_matched"].iloc[0] == rows["matched"].iloc[0]
    assert np.median(scores[classes == "V"]) > np.quantile(scores[classes == "N"], 0.95)
