"""Devices and precisions: what is not there is refused, what was not asked for is left alone."""

import contextlib

import pytest
import torch

from experiments.training.device import autocast, find_device
from preprocess import BadInput


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadInput, match="--device cuda: this machine has none"):
        find_device("cuda")


def test_auto_takes_an_accelerator_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for there, name in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert find_device("auto") == torch.device(name)


def test_precision_is_full_unless_asked_for_or_native():
    assert isinstance(autocast("off", torch.device("cpu")), contextlib.nullcontext)
    with autocast("bfloat16", torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
