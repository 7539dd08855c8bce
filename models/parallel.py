"""Training by steps in several processes at once, as torchrun starts them.

Each process is handed every batch whole and computes its own rows of it. What is drawn at random is
drawn for the whole batch everywhere, and sums over the batch are taken over all processes: batch
statistics, pairs of beats, gradients, the terms of the losses. So the weights are those of one
process, up to rounding, whatever the number of processes. In one process nothing here does a thing.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.nn.functional import all_reduce

WAIT = timedelta(hours=2)  # for processes that prepare, or save


def launched() -> int:
    """Processes that torchrun has started of this program, 1 without it."""
    return int(os.environ.get("WORLD_SIZE", 1)) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def is_first() -> bool:
    """Whether this process, of those that torchrun has started, is the one that writes and says."""
    return launched() == 1 or int(os.environ["RANK"]) == 0


def processes() -> int:
    """That train together: inside `group`, all that were launched."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


@contextmanager
def group(device: torch.device) -> Iterator[None]:
    """Inside, the processes that torchrun launched know of each other: gloo on processors, nccl on
    GPUs. With one nothing is started."""
    if launched() == 1 or processes() > 1:
        yield
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=WAIT)
    try:
        yield
        dist.barrier()  # what the first one wrote is there for all
    finally:
        dist.destroy_process_group()
        gc.collect()  # its threads end here: at the end of the program they would abort it


def rows(n: int) -> slice:
    """Which of a batch's n rows this process computes."""
    if processes() == 1:
        return slice(0, n)
    rank, of = dist.get_rank(), processes()
    return slice(n * rank // of, n * (rank + 1) // of)


def share(n: int) -> float:
    """The part of a batch of n that this process computes, 1 where there is one alone."""
    own = rows(n)
    return (own.stop - own.start) / n


def total(value: Tensor) -> Tensor:
    """The sum of a tensor over all processes; gradients go back to each."""
    return all_reduce(value.clone()) if processes() > 1 else value


def rolled(values: Tensor) -> Tensor:
    """Rows (n, ...) of this process to the row before each in the whole batch."""
    if processes() == 1:
        return values.roll(1, 0)
    rank, of = dist.get_rank(), processes()
    shape = of, *[1] * (values.dim() - 1)
    place = torch.zeros(shape, dtype=values.dtype, device=values.device)
    place[rank] = 1
    last = total(place * values[-1:])  # [of, ...]: the last row of each process
    return torch.cat([last[rank - 1][None], values[:-1]])


def sum_gradients(weights: list[Tensor]) -> None:
    """Of all processes, in one message."""
    if processes() == 1:
        return
    flat = torch.cat([weight.grad.flatten() for weight in weights])
    dist.all_reduce(flat)
    parts = flat.split([weight.numel() for weight in weights])
    for weight, part in zip(weights, parts, strict=True):
        weight.grad.copy_(part.view_as(weight))


def mean_terms(terms: dict[str, float], part: float, device: torch.device) -> dict[str, float]:
    """Means over this process's rows, which are such a part of the batch, to means over all."""
    if processes() == 1:
        return terms
    values = torch.tensor(list(terms.values()), dtype=torch.float64) * part
    values = values.float().to(device) if device.type != "cpu" else values
    dist.all_reduce(values)
    return dict(zip(terms, values.tolist()))


@contextmanager
def batch_statistics(detector: nn.Module) -> Iterator[None]:
    """Inside, BatchNorm1d is over the batch of all processes: SyncBatchNorm is for GPUs alone."""
    norms = [m for m in detector.modules() if type(m) is nn.BatchNorm1d]
    for norm in norms if processes() > 1 else []:
        norm.__class__ = _SharedBatchNorm
    try:
        yield
    finally:
        for norm in norms:
            norm.__class__ = nn.BatchNorm1d


class _SharedBatchNorm(nn.BatchNorm1d):
    def forward(self, values: Tensor) -> Tensor:
        if not self.training:
            return super().forward(values)
        x = values if values.dtype == torch.float64 else values.float()
        across = (0,) if x.dim() == 2 else (0, 2)
        shape = (1, -1) if x.dim() == 2 else (1, -1, 1)
        n = total(torch.tensor(float(x.numel() // x.shape[1]), dtype=x.dtype, device=x.device))
        mean = total(x.sum(across)) / n
        off = x - mean.view(shape)
        variance = total(off.square().sum(across)) / n
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * n / (n - 1), self.momentum)
        normal = off * torch.rsqrt(variance + self.eps).view(shape)
        return (normal * self.weight.view(shape) + self.bias.view(shape)).to(values.dtype)
