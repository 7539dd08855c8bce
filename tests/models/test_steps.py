"""A step moves the weights of its own optimizer alone; the rate goes up and down once."""

import pytest
import torch
from torch import nn

from models.steps import START, WARM_UP, descend, one_cycle


def test_a_step_moves_its_own_weights_alone():
    own, other = nn.Linear(2, 2), nn.Linear(2, 1)
    before, x = own.weight.clone(), torch.ones(4, 2)
    optimizer = torch.optim.SGD(own.parameters(), lr=0.1)
    loss = other(own(x)).square().mean()
    descend(optimizer, loss)
    assert not torch.equal(own.weight, before)
    assert other.weight.grad is None
    assert other(own(x)).square().mean() < loss


def test_one_cycle_rises_to_one_and_falls_to_nothing():
    assert one_cycle(0.0) == pytest.approx(START)
    assert one_cycle(WARM_UP) == pytest.approx(1.0)
    assert one_cycle(1.0) == pytest.approx(0.0, abs=1e-12)
    rates, top = [one_cycle(i / 100) for i in range(101)], round(100 * WARM_UP)
    assert max(rates) == rates[top] and rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
