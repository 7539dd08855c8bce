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

from preprocess.files import whole_file

ENDING = ".safetensors"
DIGEST = "sha256"  # of tensors and fields, in the metadata
FRAMEWORK = {"format": "pt"}  # what model hubs look for


def write(fields: Mapping[str, Any], path: str | Path) -> None:
    """The fields of a Checkpoint to a file, written whole."""
    from safetensors.torch import save

    # Of its own memory each: what two names share would be refused.
    tensors = {name: value.detach().cpu().clone() for name, value in fields["state"].items()}
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    text = {
        name: json.dumps(value, allow_nan=False)
        for name, value in fields.items()
        if name != "state"
    }
    metadata = FRAMEWORK | {f"checkpoint.{name}": text[name] for name in text}
    metadata[DIGEST] = _digest(tensors, metadata)
    with whole_file(path) as part:
        part.write_bytes(save(tensors, metadata))


def read(path: str | Path) -> dict[str, Any]:
    """The fields of the Checkpoint that a file holds; tensors on the processor. Raises ValueError
    or OSError where it holds none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}
            metadata = file.metadata() or {}
            if metadata.get(DIGEST) != _digest(state, metadata):
                raise ValueError(f"{path} is not as it was written")
            return fields_of(metadata) | {"state": state}
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _digest(tensors: Mapping[str, Any], metadata: Mapping[str, str]) -> str:
    """Of all that a file holds: the format has no checksum of its own."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].reshape(-1).view(torch.uint8).numpy().tobytes())
    for name in sorted(metadata.keys() - {DIGEST}):
        found.update(f"{name}={metadata[name]}\n".encode())
    return found.hexdigest()


def fields_of(metadata: Mapping[str, str] | None) -> dict[str, Any]:
    """Metadata of a file to the fields of a Checkpoint, but for its state."""
    prefix = "checkpoint."
    return {
        name.removeprefix(prefix): json.loads(text)
        for name, text in (metadata or {}).items()
        if name.startswith(prefix)
    }
