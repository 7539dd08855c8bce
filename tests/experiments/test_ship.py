"""Weights that are handed on score as the checkpoint did, and hold no single beat."""

import pickle

import numpy as np
import pytest
import torch

from experiments import agreement, ship
from experiments.training import checkpoint
from preprocess import BadInput


def handed_on(folder):
    whole, shipped = str(folder / "whole.pt"), str(folder / "shipped.safetensors")
    ship.main(["--checkpoint", whole, "--to", shipped])


def test_shipped_weights_score_alike_and_are_smaller(data, weights, tmp_path):
    original = checkpoint.load(weights)
    original.source = "someone's records"
    original.save(tmp_path / "whole.pt")
    handed_on(tmp_path)
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


@pytest.mark.parametrize("change", [{"finished": False}, {"source": "simulated"}, {"model": "knn"}])
def test_what_is_not_fit_is_not_shipped(weights, tmp_path, change):
    original = checkpoint.load(weights)
    original.source = "mitdb"
    for name, value in change.items():
        setattr(original, name, value)
    original.save(tmp_path / "whole.pt")
    with pytest.raises(BadInput):
        handed_on(tmp_path)
    assert not (tmp_path / "shipped.safetensors").exists()


def test_no_remembered_trace_is_a_single_beat(data, weights):
    detector = checkpoint.load(weights).detector()
    beats = torch.as_tensor(data.beats(np.arange(len(data.index)), False).beat_mv)
    assert torch.cdist(detector.localiser.traces.float(), beats).min() > 0.02


def test_weights_in_the_repository_find_ventricular_beats_of_an_unseen_patient(mitdb, capsys):
    command = ["--records", str(mitdb), "--names", "200", "--device", "cpu"]
    _, scores, classes = agreement.main(command)
    assert np.median(scores[classes == "V"]) > np.quantile(scores[classes == "N"], 0.95)
