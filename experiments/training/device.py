"""Where to compute, in which precision, and in how many threads."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from threadpoolctl import threadpool_limits

from models import MODELS
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
    if not there[name]:
        raise BadInput(f"--device {name}: this machine has none; use --device auto")
    if name == "cuda" and launched() > 1:  # one GPU a process
        return torch.device(name, int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    return torch.device(name)


def launched() -> int:
    """Processes that torchrun has started of this program, 1 without it."""
    return int(os.environ.get("WORLD_SIZE", 1)) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def speaks() -> bool:
    """Whether this process, of those that torchrun has started, is the one that writes and says."""
    return launched() == 1 or int(os.environ["RANK"]) == 0


def check_halves(model: str, device: str) -> None:
    """Raises BadInput where a training cannot be the same to the byte in one process and in two."""
    if launched() > 2:
        raise BadInput(f"--halves is for one process or two, not for {launched()}: leave it out")
    if not MODELS[model].shares_batches:
        raise BadInput(f"--halves: --model {model} trains in one process alone: leave it out")
    if find_device(device).type != "cpu":
        raise BadInput("--halves is for processors: give --device cpu with it")


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
