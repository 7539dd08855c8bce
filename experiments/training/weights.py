"""Weights to hand on, as safetensors: tensors and plain text, in which nothing can be run.

The tensors of a checkpoint's state are the file's tensors; each other field is JSON in its
metadata, under the field's name. Numbers keep every digit.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save

from preprocess.files import whole_file

ENDING = ".safetensors"
PREFIX = "checkpoint."  # of a field's name in the metadata
DIGEST = "sha256"  # of tensors and fields, there too
FRAMEWORK = {"format": "pt"}  # what model hubs look for


def write(fields: Mapping[str, Any], path: str | Path) -> None:
    """The fields of a Checkpoint to a file, written whole."""
    # Of its own memory each: what two names share would be refused.
    state = {name: value.detach().cpu().clone() for name, value in fields["state"].items()}
    state = {name: value.contiguous() for name, value in state.items()}
    metadata = FRAMEWORK | {
        PREFIX + name: json.dumps(value, allow_nan=False)
        for name, value in fields.items()
        if name != "state"
    }
    metadata[DIGEST] = _digest(state, metadata)
    with whole_file(path) as part:
        part.write_bytes(save(state, metadata))


def read(path: str | Path) -> dict[str, Any]:
    """The fields of the Checkpoint that a file holds; tensors on the processor. Raises an error of
    any kind where it holds none."""
    with safe_open(path, "pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata()
    if metadata[DIGEST] != _digest(state, metadata):
        raise ValueError("it was changed or is damaged")
    fields = {
        name.removeprefix(PREFIX): json.loads(text)
        for name, text in metadata.items()
        if name.startswith(PREFIX)
    }
    return fields | {"state": state}


def _digest(tensors: Mapping[str, Any], metadata: Mapping[str, str]) -> str:
    """Of all that a file holds: the format has no checksum of its own."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].reshape(-1).view(torch.uint8).numpy().tobytes())
    for name in sorted(metadata.keys() - {DIGEST}):
        found.update(f"{name}={metadata[name]}\n".encode())
    return found.hexdigest()
