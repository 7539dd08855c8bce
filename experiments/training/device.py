"""Where to compute, and in which precision."""

import contextlib

import torch

from preprocess import BadInput


def find_device(name):
    if name == "auto":
        name = (
            "cuda"
            if torch.cuda.is_available()
            else "mps"
            if torch.backends.mps.is_available()
            else "cpu"
        )
    if (
        name == "cuda"
        and not torch.cuda.is_available()
        or name == "mps"
        and not torch.backends.mps.is_available()
    ):
        raise BadInput(f"--device {name}: this machine has none; use --device auto")
    return torch.device(name)


def autocast(amp, device):
    """bfloat16 where the processor computes in it (so that a machine always chooses alike), else full precision."""
    if amp == "auto":
        native = {
            "cuda": lambda: torch.cuda.is_bf16_supported(including_emulation=False),
            "cpu": lambda: (
                torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
            ),
        }
        amp = "bfloat16" if native.get(device.type, lambda: False)() else "off"
    return (
        torch.autocast(device.type, torch.bfloat16)
        if amp == "bfloat16"
        else contextlib.nullcontext()
    )
