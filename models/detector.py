"""What a detector is: trained on normal beats alone, then score(beats), higher is more abnormal."""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from models import evenly
from preprocess.beats import WINDOW, Beats

BEATS_AT_ONCE = 128  # that a function of tensors is given: with more a day needs 100 MB more
MAPPED = 512  # calibration beats whose error maps give the unit


class Detector(nn.Module):
    """Required of a subclass: `score` and `error_map`. All else has a default that does nothing.

    A checkpoint is the options and state_dict(), and rebuilds the detector with no flag: weights,
    the unit of the input, memory and calibration are all parameters or buffers.
    """

    image: str | None = "complex"  # of preprocess.spectrogram, what it reads; None: the trace alone
    contexts: tuple[str, ...] = ("none",)  # of models.CONTEXTS, what its score can use
    # Training beats that prepare and finish are given; None: as many as the training loop keeps.
    most_normals: int | None = None
    shares_batches = False  # whether training_step computes its process's rows alone (torchrun)

    def __init__(self, opt: Mapping):
        """opt: the options that the checkpoint keeps (seed, lr, w_adv, shared_patients, ...)."""
        super().__init__()
        self.opt = dict(opt)
        self.register_buffer("error_unit", None)

    # --- required -------------------------------------------------------------------------------

    def score(self, beats: Beats, context: str = "none") -> np.ndarray:
        """Beats to (n,) float64, higher is more abnormal. With a context, beats must be whole
        recordings, each in the order of time."""
        raise NotImplementedError

    def scores(self, beats: Beats, contexts: Collection[str]) -> dict[str, np.ndarray]:
        """{context: score}, where what several contexts share may be worked out once."""
        return {context: self.score(beats, context) for context in contexts}

    def reads_image(self, context: str) -> bool:
        """Whether `score` with this context, `errors` or what a normal beat would be read
        Beats.image, so that it must be made; else it may be None."""
        return self.image is not None

    def error_map(self, beats: Beats) -> np.ndarray:
        """Beats to how far each pixel or sample is from normal, in the shape of what it reads
        and in whatever unit the method has."""
        raise NotImplementedError

    def selection_score(self, beats: Beats) -> np.ndarray:
        """The scores by which `--select paper` chooses an epoch: `score`, unless the published
        work chose by others. May move running statistics, as published validation does."""
        return self.score(beats)

    # --- training: in this order ----------------------------------------------------------------

    def prepare(self, normals: Beats) -> None:
        """Called once, before the first step, with training beats: the input's unit, say."""

    def optimizers(self) -> dict[str, Optimizer]:
        """By name, the same at each call, made after prepare; the checkpoint keeps their states."""
        return {}

    def begin_step(self, progress: float) -> None:
        """Called before each step with the share of training that is done, 0 to 1. What it sets,
        a learning rate say, depends on that alone, so that a resumed run goes on unchanged."""

    def training_step(self, beats: Beats) -> dict[str, float]:
        """One step on a batch of normal beats; returns the terms of its losses by name."""
        raise NotImplementedError(f"{type(self).__name__} has nothing to train by steps")

    def finish(self, normals: Beats, calibration: Beats) -> None:
        """Called once after training, with training beats and normal beats beside them:
        memory and calibration."""

    @property
    def crosses_patients(self) -> bool:
        """Whether fit_context leaves each patient out in turn, so that those that calibrate are
        among its recordings too."""
        return False

    def fit_context(
        self, recordings: Iterable[tuple[Beats, np.ndarray]], calibration_scores: np.ndarray
    ) -> dict[str, np.ndarray] | None:
        """Called after finish where contexts has "record".

        recordings: (Beats, normal (n,) bool) of the training patients, one after another, each
        whole and in order of time; of beats that are not `normal` nothing is known.
        calibration_scores: (m,), without context, of the normal beats that calibrate.
        Where patients are crossed, returns {context: scores} of those `normal` beats, one recording
        after another, by what was fitted without their patient.
        """

    # --- where in the beat ----------------------------------------------------------------------

    def fit_error_map(self, normals: Beats, calibration: Beats) -> None:
        """Called after finish, with such beats as it had, but none drifted: what `errors`
        needs beside the score. Here, how large the errors of normal beats are."""
        errors = self.error_map(calibration[evenly(len(calibration), MAPPED)])
        self.error_unit = torch.tensor([errors.mean(), errors.std() + 1e-9], device=self.device)

    @property
    def has_error_map(self) -> bool:
        """Whether fit_error_map was called, so that errors have a unit."""
        return self.error_unit is not None

    def errors(self, beats: Beats) -> tuple[np.ndarray, np.ndarray]:
        """Beats to their error_map in standard deviations above the mean of normal beats, and to
        the error at each sample of the trace (n, WINDOW): here, the map's largest there."""
        mean, deviation = (0.0, 1.0) if self.error_unit is None else self.error_unit.tolist()
        error = np.maximum((self.error_map(beats) - mean) / deviation, 0)
        over_time = error.reshape(len(error), -1, error.shape[-1]).max(1)  # [n, columns]
        return error, over_time[:, np.arange(WINDOW) * error.shape[-1] // WINDOW]

    def segments(self, over_time: np.ndarray) -> list[list[tuple[float, float]]]:
        """Errors over time (n, WINDOW) to the segments held for abnormal, (start_s, end_s) from R
        each, of every beat: here, none."""
        return [[] for _ in range(len(over_time))]

    # --- when a beat comes ----------------------------------------------------------------------

    def rhythm_log_odds(self, samples: np.ndarray) -> np.ndarray | None:
        """R peaks (n,) of one recording, in order, to log odds (n,) that each does not come as a
        normal beat would, whatever its shape; None where the detector does not know."""
        return None

    # --- what a normal beat would be ------------------------------------------------------------

    def generate(self, beats: Beats) -> np.ndarray | None:
        """Beats to their normal versions, in the shape of what it reads; None if nothing."""
        return None

    def normal_versions(self, beats: Beats, references_mv: np.ndarray) -> np.ndarray | None:
        """Beats of one recording, and beats of it that are presumed normal (k, WINDOW) in mV, to
        their normal versions (n, WINDOW) in mV; None where the detector uses no references."""
        return None

    # --- computing, and coming back ---------------------------------------------------------------

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
        parts = []
        try:
            with torch.inference_mode():
                for start in range(0, len(arrays[0]), BEATS_AT_ONCE):
                    chunk = slice(start, start + BEATS_AT_ONCE)
                    given = (torch.as_tensor(array[chunk]).to(self.device) for array in arrays)
                    parts.append(function(*given).cpu().float().numpy())
        finally:
            self.train(was_training)
        return np.concatenate(parts)

    def restore(self, state: dict[str, Tensor]) -> None:
        """Load a state_dict. Its buffers may have other sizes than a new module's: how many beats a
        memory holds, for instance, is known only after training."""
        for name, value in state.items():
            owner, _, leaf = name.rpartition(".")
            buffers = self.get_submodule(owner)._buffers
            if leaf in buffers and (buffers[leaf] is None or buffers[leaf].shape != value.shape):
                buffers[leaf] = torch.empty_like(value, device=self.device)
        self.load_state_dict(state)
