"""Generator and discriminator of the conditional GAN: given a beat and beats of the same patient.

    the beat, its references --generator--> its normal version in this patient
    the beat, its references, its normal version --discriminator--> synthetic? generated?

References are beats of the same recording that are presumed normal. Traces have every two samples
of a beat averaged and are in heights of the recording's QRS.
"""

import torch
from torch import Tensor, nn

from models.b2igan.networks import convolution
from preprocess.constants import WINDOW

POINTS = WINDOW // 2  # of a trace, 5.6 ms apart
PATCH, WIDTH, KEY = 8, 32, 32  # points and filters of a patch, size of what is compared
SPREAD_LEAST = 0.03  # heights of the QRS: noise of a lead, added to the spread of the references
RATIO_MOST, RATIO_SCALE = 20, 5  # of a difference to that spread
N_TRACES = 6  # traces that the discriminator is shown
DROPOUT = 0.2


def halved(traces: Tensor) -> Tensor:
    """(..., WINDOW) to (..., POINTS): means of two samples."""
    return traces.unflatten(-1, (-1, 2)).mean(-1)


class Generator(nn.Module):
    """The normal version of a beat: its references, each weighted by how alike it is.

    How alike two beats are is learnt (attention): a beat with an abnormal P wave or QRS should be
    found like the references that it would look like without. What comes out is a weighted mean of
    the patient's own normal beats, so an anomaly cannot be rebuilt.
    """

    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Unflatten(1, (-1, PATCH)),  # [n, 20, 8]
            nn.Linear(PATCH, WIDTH),
            nn.LeakyReLU(0.1),
            nn.Flatten(),  # [n, 640]
            nn.Linear(WIDTH * POINTS // PATCH, KEY),
        )
        self.log_sharpness = nn.Parameter(torch.zeros(()))

    def forward(self, beat: Tensor, references: Tensor) -> Tensor:
        """(n, POINTS) and (n, k, POINTS) to the normal version (n, POINTS)."""
        keys = self.embed(references.flatten(0, 1)).unflatten(0, references.shape[:2])
        query = self.embed(beat)  # [n, 32]
        distance = (keys - query[:, None]).square().mean(2)  # [n, k]
        weight = torch.softmax(-self.log_sharpness.exp() * distance, 1)
        return (weight[:, None] @ references)[:, 0]


class Discriminator(nn.Module):
    """A beat beside its references and its normal version: is it synthetic? is it generated?"""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            convolution(N_TRACES, 48, 9, 4),  # [n, 48, 40]
            convolution(48, 64, 5, 2),  # [n, 64, 20]
            convolution(64, 64, 3, 2),  # [n, 64, 10]
            nn.Flatten(),
            nn.Dropout(DROPOUT),
            nn.Linear(640, 96),
            nn.LeakyReLU(0.1),
        )
        self.synthetic = nn.Linear(96, 1)
        self.generated = nn.Linear(96, 1)

    def forward(self, beat: Tensor, references: Tensor, normal: Tensor) -> tuple[Tensor, Tensor]:
        """(n, POINTS), (n, k, POINTS), (n, POINTS) to two logits (n,) each."""
        found = self.trunk(discriminator_input(beat, references, normal))
        return self.synthetic(found)[:, 0], self.generated(found)[:, 0]


def discriminator_input(beat: Tensor, references: Tensor, normal: Tensor) -> Tensor:
    """(n, N_TRACES, POINTS): the beat, its normal version and how it departs from that, from the
    mean of its references, and from that in units of their spread."""
    mean = references.mean(1)
    spread = (references - mean[:, None]).square().mean(1).sqrt() + SPREAD_LEAST
    off = beat - normal
    ratio = ((beat - mean).abs() / spread).clamp_max(RATIO_MOST) / RATIO_SCALE
    return torch.stack([beat, normal, off, beat - mean, spread, ratio], 1)
