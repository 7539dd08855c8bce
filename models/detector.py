"""What every detector is: trained on batches of normal beats, then score(batch), higher is more abnormal."""

from itertools import chain

import numpy as np
import torch
from torch import nn

from preprocess.beats import WINDOW

CHUNK = 512  # beats scored at once
MAPPED = 512  # held-out normal beats whose error maps give the unit


class Detector(nn.Module):
    """Base of all methods. A subclass says which `image` setting it wants and its own defaults, and fills in
    training_step (unless it has nothing to train by steps), finish, score and error_map.

    All that scoring needs is in state_dict(): weights, input normalisation, memory and calibration as buffers.
    """

    image = "complex"  # setting of preprocess.spectrogram that it reads; None when it reads beat_mv alone
    explains = "image"  # error_map has the shape of Beats.image, or of Beats.beat_mv ("beat")
    contexts = (
        "none",
    )  # what its score can use beside the beat's own window: "none", "rhythm", "record"
    most_normals = (
        None  # at most so many training beats are handed to prepare and finish; None: all
    )
    defaults = {"niter": 0, "lr": 1e-3, "batchsize": 256}

    def __init__(self, opt):
        """opt: mapping of the options in options.py (w_adv, n_aug, seed, ...), already completed by defaults."""
        super().__init__()
        self.opt = dict(opt)
        self.register_buffer("error_unit", None)

    @property
    def device(self):
        return next(
            (t.device for t in chain(self.parameters(), self.buffers())), torch.device("cpu")
        )

    def optimizers(self):
        """{name: optimizer}, the same at each call, made after prepare; they are kept in the checkpoint."""
        return {}

    def prepare(self, normals):
        """Called once, before the first epoch, with all training beats: input normalisation, for instance."""

    def training_step(self, beats):
        """One step on a batch of normal beats; returns {loss name: float}."""
        raise NotImplementedError(f"{type(self).__name__} has nothing to train by steps")

    def begin_step(self, progress):
        """Called before each step with the share of training that is done, 0 to 1: learning-rate decay, for instance.
        Must depend on progress alone, so that a resumed run goes on as if it had not been stopped."""

    def finish(self, normals, held_out):
        """Called once after training, with all training beats and the held-out normals: memory and calibration."""

    def learn_where(self, normals, held_out):
        """Called once after finish, with the same beats: what error maps and marks need beside the score. Here, how large
        the errors of normal beats are."""
        errors = self.error_map(held_out[evenly(len(held_out), MAPPED)])
        self.error_unit = torch.tensor([errors.mean(), errors.std() + 1e-9], device=self.device)

    @property
    def knows_where(self):
        """Whether learn_where was called, so that errors have a unit."""
        return self.error_unit is not None

    def fit_context(self, recordings, held_out_scores):
        """Called after finish where contexts has "record". recordings: (Beats, normal (n,) bool) of the training patients,
        one after another, each whole and in order of time; of beats that are not `normal` nothing is known.
        held_out_scores: (m,), alone, of the held-out normal beats."""

    def score(self, beats, context="none"):
        """Beats to (n,) float64, higher is more abnormal. With a context, beats must be whole recordings, each in the
        order of time."""
        raise NotImplementedError

    def error_map(self, beats):
        """Beats to an array with the shape of what it explains: how far each pixel or sample is from normal, in whatever
        unit the method has."""
        raise NotImplementedError

    def errors(self, beats):
        """Beats to their error_map, in standard deviations above the mean error of held-out normal beats, and to (n,
        WINDOW), the error at each sample of the trace: here, the map's largest."""
        mean, deviation = (0.0, 1.0) if self.error_unit is None else self.error_unit.tolist()
        error = np.maximum((self.error_map(beats) - mean) / deviation, 0)
        over_time = error.reshape(len(error), -1, error.shape[-1]).max(1)
        return error, over_time[:, np.arange(WINDOW) * error.shape[-1] // WINDOW]

    def marks(self, over_time):
        """Errors over time (n, WINDOW) to the spans held for abnormal in each: [[(start_s, end_s), ...], ...] from R."""
        return [[] for _ in range(len(over_time))]

    def generate(self, beats):
        """Beats to what the method holds for their normal version, in the shape of what it explains; None if nothing."""
        return None

    def restore(self, state):
        """Load a state_dict whose buffers (a memory, say) may be larger or smaller than those of a new detector."""
        for name, value in state.items():
            owner, _, leaf = name.rpartition(".")
            module = self.get_submodule(owner)
            if leaf in module._buffers and (
                module._buffers[leaf] is None or module._buffers[leaf].shape != value.shape
            ):
                module._buffers[leaf] = torch.empty_like(value, device=self.device)
        self.load_state_dict(state)

    def in_chunks(self, function, *arrays):
        """Apply a function of tensors chunk by chunk, without gradients and in eval mode; train mode is put back."""
        was_training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                parts = [
                    function(
                        *(torch.as_tensor(a[i : i + CHUNK]).to(self.device) for a in arrays)
                    ).cpu()
                    for i in range(0, len(arrays[0]), CHUNK)
                ]
        finally:
            self.train(was_training)
        return np.concatenate([p.float().numpy() for p in parts])


def evenly(n, most):
    """At most so many of n rows, evenly spread, as indices."""
    return np.linspace(0, n - 1, min(n, most)).astype(int)


def step(optimizer, loss):
    """One descent step."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
