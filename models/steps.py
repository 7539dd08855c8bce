"""Steps of an optimizer, and the learning rate over a training."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from models import parallel

# One cycle (Smith LN. A disciplined approach to neural network hyper-parameters. 2018).
WARM_UP = 0.1  # share of training in which the learning rate rises; it falls to nothing by the end
START = 0.04  # of the highest rate: what the first step has

COLLAPSED = 5e-6  # with a smaller loss a discriminator learns nothing more: it starts anew


def descend(optimizer: Optimizer, loss: Tensor, share: float | None = None) -> None:
    """One step of an optimizer; gradients are worked out for its own weights alone.

    share: of the batch that the loss is a mean over, where processes share it.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    optimizer.zero_grad(set_to_none=True)
    (loss if share in (None, 1) else share * loss).backward(inputs=weights)
    if share is not None:
        parallel.sum_gradients(weights)
    optimizer.step()
    # Within one autocast the low-precision copies of the weights are kept: those of before.
    torch.clear_autocast_cache()


def start_anew(module: nn.Module) -> None:
    """A module as before training; module.apply(start_anew) for all within it."""
    if hasattr(module, "reset_parameters"):
        module.reset_parameters()


def set_rate(optimizers: Iterable[Optimizer], rate: float) -> None:
    """Gives all of them one learning rate."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate


def one_cycle(progress: float) -> float:
    """Share of training done, 0 to 1, to a share of the highest rate: a cosine up, another down."""
    rising = progress < WARM_UP
    phase = progress / WARM_UP if rising else 1 - (progress - WARM_UP) / (1 - WARM_UP)
    height = (1 - math.cos(math.pi * phase)) / 2
    return START + (1 - START) * height if rising else height
