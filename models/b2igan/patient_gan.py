"""The conditional GAN: is a beat synthetic, beside normal beats of the same patient?

Its networks (models.b2igan.conditional) are given a beat together with its references, beats of the
same recording that are presumed normal, so that they serve patients they were not trained on.
Trained on virtual patients (models.b2igan.virtual_patients) and synthetic anomalies of their beats
(preprocess.synthetic). No label of any abnormal beat is involved.
"""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus
from torch.optim import AdamW
from tqdm import tqdm

from models.b2igan import virtual_patients
from models.b2igan.conditional import Discriminator, Generator, halved
from models.b2igan.own_recording import (
    Placement,
    aligned,
    as_recorded,
    nearest_references,
    placement,
)
from models.steps import one_cycle, set_rate, start_anew
from preprocess.synthetic import ectopic, synthetic

STEPS, STEPS_LEAST = 800, 40
BEATS_PER_STEP = 30  # normal beats to each step, where there are few: a small data set needs fewer
PATIENTS, BEATS_OF_EACH = 16, 16  # virtual patients in a step, and beats of each
LEARNING_RATE, BETAS, WEIGHT_DECAY = 3e-3, (0.9, 0.99), 1e-2
ECTOPIC = 0.2  # share of the anomalies that are early beats of another shape
W_RECONSTRUCTION = 1.0  # of the normal version, beside the class loss
ADV_WEIGHT = 0.1  # at --w_adv 1, beside the class loss

SCORED_AT_ONCE = 1024  # beats scored at a time


class PatientGAN(nn.Module):
    """Scores beats against reference beats of their own recording, and makes normal versions."""

    def __init__(self):
        super().__init__()
        self.generator, self.discriminator = Generator(), Discriminator()

    # --- training -------------------------------------------------------------------------------

    def fit(
        self,
        recordings: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]],
        seed: int,
        w_adv: float = 1.0,
        steps: int | None = None,
    ) -> None:
        """recordings: [(beats (n, WINDOW) in mV, normal (n,) bool, rows of references), ...]."""
        people = [
            virtual_patients.person(aligned(beats_mv), normal, reference)
            for beats_mv, normal, reference in recordings
            if normal.any()
        ]
        n_normal = sum(len(someone.normal) for someone in people)
        steps = steps or int(np.clip(n_normal / BEATS_PER_STEP, STEPS_LEAST, STEPS))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            device = next(self.parameters()).device
            self.cpu().apply(start_anew)  # where virtual patients are drawn
            optimizers = [
                AdamW(network.parameters(), LEARNING_RATE, BETAS, weight_decay=WEIGHT_DECAY)
                for network in (self.generator, self.discriminator)
            ]
            self.train()
            for step in tqdm(range(steps), desc="GAN of patients", unit="step", leave=False):
                set_rate(optimizers, LEARNING_RATE * one_cycle(step / steps))
                loss = self._loss(virtual_patients.draw(people, PATIENTS, BEATS_OF_EACH), w_adv)
                for optimizer in optimizers:
                    optimizer.zero_grad(set_to_none=True)
                loss.backward()
                for optimizer in optimizers:
                    optimizer.step()
        self.eval().to(device)

    def _loss(self, drawn: Tensor, w_adv: float) -> Tensor:
        """Normal beats, each followed by its references, (n, 1 + k, WINDOW), to the loss. n real
        and n synthetic beats go through the networks, one after another."""
        beat, references = drawn[:, 0], halved(drawn[:, 1:])
        real = halved(virtual_patients.varied(beat))  # [n, POINTS]
        corrupted = halved(virtual_patients.varied(corrupt(beat)))
        both, twice = torch.cat([real, corrupted]), references.repeat(2, 1, 1)
        is_synthetic = torch.arange(len(both)) >= len(real)

        # Reconstruction: what should come out is the normal beat, of a synthetic one too.
        normal = self.generator(both, twice)  # [2 n, POINTS]
        reconstruction = (normal - halved(beat).repeat(2, 1)).abs().mean()
        # Classification: is it synthetic?
        synthetic_logit, real_logit = self.discriminator(both, twice, normal)
        class_loss = binary_cross_entropy_with_logits(synthetic_logit, is_synthetic.float())
        loss = class_loss + W_RECONSTRUCTION * reconstruction
        # Adversarial: is it generated? The gradient changes its sign on its way to the generator,
        # so that one step trains both networks against each other.
        if w_adv:
            adversary_input = _ReversedGradient.apply(normal[: len(real)])
            generated_logit = self.discriminator(adversary_input, references, adversary_input)[1]
            adv_loss = softplus(real_logit[: len(real)]).mean() + softplus(-generated_logit).mean()
            loss = loss + w_adv * ADV_WEIGHT * adv_loss
        return loss

    # --- scoring --------------------------------------------------------------------------------

    def score(self, beats_mv: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Beats of one recording (n, WINDOW) in mV and rows of its references to the log odds (n,)
        of being synthetic."""
        traces = aligned(beats_mv)
        return self._in_chunks(self._logit, traces, nearest_references(traces, reference))

    def normal_versions(self, beats_mv: np.ndarray, references_mv: np.ndarray) -> np.ndarray:
        """Beats (n, WINDOW) and references (k, WINDOW) of one recording, in mV, to the normal
        version of each beat (n, WINDOW) in mV."""
        both_mv, n = np.concatenate([beats_mv, references_mv]), len(beats_mv)
        where = placement(both_mv)
        traces = aligned(both_mv, where)
        near = nearest_references(traces, np.arange(n, len(both_mv)))
        versions = self._in_chunks(self.generator, traces, near)[:n]
        of_beats = Placement(where.level_mv[:n], where.shift[:n], where.height_mv)
        return as_recorded(versions, of_beats)

    def _logit(self, beat: Tensor, references: Tensor) -> Tensor:
        return self.discriminator(beat, references, self.generator(beat, references))[0]

    def _in_chunks(
        self, function: Callable[[Tensor, Tensor], Tensor], traces: np.ndarray, near: np.ndarray
    ) -> np.ndarray:
        """A function of beats (n, POINTS) and references (n, k, POINTS), of aligned beats
        (n, WINDOW) and the rows of each one's references (n, k)."""
        points = halved(torch.as_tensor(traces, device=next(self.parameters()).device))
        near = torch.as_tensor(near, device=points.device)
        with torch.inference_mode():
            parts = [
                function(points[rows], points[near[rows]])
                for rows in torch.arange(len(points)).split(SCORED_AT_ONCE)
            ]
        return torch.cat(parts).cpu().numpy().astype(float)


def corrupt(beats: Tensor) -> Tensor:
    """Normal beats (n, WINDOW) to synthetic anomalies made from them."""
    result = synthetic(beats)
    early = int(len(beats) * ECTOPIC)
    result[:early] = ectopic(beats[:early], beats[torch.randperm(len(beats))[:early]])
    return result


class _ReversedGradient(torch.autograd.Function):
    """The same value, the opposite gradient (Ganin and Lempitsky, ICML 2015)."""

    @staticmethod
    def forward(_, value: Tensor) -> Tensor:
        return value.view_as(value)

    @staticmethod
    def backward(_, gradient: Tensor) -> Tensor:
        return -gradient
