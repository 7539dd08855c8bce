"""A torch module that computes in chunks and can be restored: every detector is one."""

from collections.abc import Callable
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn

from models import evenly, parallel

__all__ = ["ChunkedModule", "evenly"]

BEATS_AT_ONCE = 512


class ChunkedModule(nn.Module):
    """A module whose functions are applied to any number of beats, a chunk at a time."""

    @property
    def device(self) -> torch.device:
        tensors = chain(self.parameters(), self.buffers())
        return next((tensor.device for tensor in tensors), torch.device("cpu"))

    def in_chunks(self, function: Callable[..., Tensor], *arrays: np.ndarray) -> np.ndarray:
        """Apply a function of tensors chunk by chunk; what it gives is joined, as float32.

        Without gradients and in eval mode; train mode is put back afterwards.
        """
        was_training = self.training
        self.eval()
        parts, starts = [], range(0, len(arrays[0]), BEATS_AT_ONCE)
        # Where processes train together each computes some of the chunks, and has all.
        together = 1 < parallel.processes() <= len(starts)
        try:
            with torch.inference_mode():
                for start in starts[parallel.rows(len(starts))] if together else starts:
                    chunk = slice(start, start + BEATS_AT_ONCE)
                    given = (torch.as_tensor(array[chunk]).to(self.device) for array in arrays)
                    parts.append(function(*given).cpu().float().numpy())
        finally:
            self.train(was_training)
        return np.concatenate(sum(parallel.gathered(parts), []) if together else parts)

    def restore(self, state: dict[str, Tensor]) -> None:
        """Load a state_dict, whose buffers may be larger or smaller than a new module's.

        How many beats a memory holds, for instance, is known only after training.
        """
        for name, value in state.items():
            owner, _, leaf = name.rpartition(".")
            buffers = self.get_submodule(owner)._buffers
            if leaf in buffers and (buffers[leaf] is None or buffers[leaf].shape != value.shape):
                buffers[leaf] = torch.empty_like(value, device=self.device)
        self.load_state_dict(state)
