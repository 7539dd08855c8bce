"""Where to compute, in which precision, and in how many threads."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from threadpoolctl import threadpool_limits

from models.parallel import launched
from preprocess import BadInput


def find_device(name: str) -> torch.device:
    """A device named as in --device. Raises BadInput where this machine has none of that name."""
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(kind for kind, is_there in there.items() if is_there)
    if not there.get(name):
        raise BadInput(f"--device {name}: this machine has none; use --device auto")
    if name == "cuda" and launched() > 1:  # one GPU a process
        return torch.device(name, int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    return torch.device(name)


def autocast(amp: str, device: torch.device) -> AbstractContextManager:
    """Mixed precision as asked for by --amp; auto is bfloat16 where the processor computes in it,
    so that one machine always chooses alike, else full precision."""
    if amp == "auto":
        amp = "bfloat16" if _has_bfloat16(device) else "off"
    return torch.autocast(device.type, torch.bfloat16) if amp == "bfloat16" else nullcontext()


def _has_bfloat16(device):
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return False


@contextmanager
def one_thread_a_step() -> Iterator[None]:
    """Inside, torch and numpy compute each step in one thread: the same bytes on any number of
    processors, alone or beside others."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
