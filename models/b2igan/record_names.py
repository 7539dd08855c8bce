"""Names of records as a tensor, so that a checkpoint holds them beside the weights."""

import numpy as np
import torch
from torch import Tensor


def encode(names: list[str]) -> Tensor:
    """Names to their characters (n, longest), filled up with zeros."""
    if not names:
        return torch.zeros(0, 0, dtype=torch.int32)
    array = np.array(names)
    return torch.from_numpy(array.view(np.int32).reshape(len(names), -1).copy())


def decode(characters: Tensor) -> list[str]:
    """The names that `encode` was given."""
    if not len(characters):
        return []
    array = np.ascontiguousarray(characters.cpu().numpy())
    return array.view(f"U{array.shape[1]}")[:, 0].tolist()
