"""The networks of a B2I-GAN as one graph of tensors, for ONNX.

ONNX Runtime computes those of its outputs that are asked for. Its four groups of inputs and outputs
do not depend on each other, and each has a batch of its own size:

    image (n, 2, 32, 32), as stored                 -> parts (n, k): of the beat's own window
    rhythm (n, 22): placed features                 -> rhythm_odds (n,)
    trace (n, 160), references (n, 12, 160)         -> synthetic (n,), normal (n, 160)
    flagged_mv, median_mv (n, 320)                  -> over_time (n, 320), over_map (n, 32, 32)
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from models.b2igan import memory
from models.b2igan.conditional import POINTS
from models.b2igan.references import REFERENCES
from models.b2igan.rhythm_features import N_RHYTHM
from preprocess import spectrogram
from preprocess.constants import WINDOW

INPUTS = {  # name: its shape without the batch
    "image": spectrogram.COMPLEX.shape,
    "rhythm": (N_RHYTHM,),
    "trace": (POINTS,),
    "references": (REFERENCES, POINTS),
    "flagged_mv": (WINDOW,),
    "median_mv": (WINDOW,),
}
GRAPH_OUTPUTS = ("parts", "rhythm_odds", "synthetic", "normal", "over_time", "over_map")
BATCH_OF = {  # whose batch is of one size
    "beats": ("image", "parts"),
    "peaks": ("rhythm", "rhythm_odds"),
    "traces": ("trace", "references", "synthetic", "normal"),
    "flagged": ("flagged_mv", "median_mv", "over_time", "over_map"),
}


class Graph(nn.Module):
    """detector: a B2IGAN for unseen patients, finished, on the processor, in eval mode."""

    def __init__(self, detector: nn.Module):
        super().__init__()
        self.detector = detector

    def forward(
        self,
        image: Tensor,
        rhythm: Tensor,
        trace: Tensor,
        references: Tensor,
        flagged_mv: Tensor,
        median_mv: Tensor,
    ) -> tuple[Tensor, ...]:
        detector, context = self.detector, self.detector.context
        parts = detector.beat_parts.standard(detector._log_parts(image))
        odds = torch.stack([net(rhythm)[:, 0] for net in context.rhythm.nets]).mean(0)
        normal = context.patient.generator(trace, references)
        synthetic = context.patient.discriminator(trace, references, normal)[0]
        over_time, over_map = detector.localiser(detector._localiser_input(flagged_mv, median_mv))
        return parts, odds, synthetic, normal, over_time, over_map


@contextmanager
def traceable() -> Iterator[None]:
    """Inside, nearest points are found by what a graph can hold for a batch of any size."""
    kept = memory.nearest
    memory.nearest = _nearest
    try:
        yield
    finally:
        memory.nearest = kept


def _nearest(points: Tensor, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """As models.b2igan.memory.nearest."""
    squared = points.square().sum(1) - 2 * queries @ points.T
    index = squared.topk(min(k, len(points)), 1, largest=False)[1]
    return (points[index] - queries[:, None]).square().sum(2).sqrt(), index
