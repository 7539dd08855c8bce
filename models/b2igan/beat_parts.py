"""What the GAN says of a beat's own window: the parts of its score, on one scale."""

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from models.b2igan.memory import Memory

NEIGHBOURS = 5  # remembered normal beats that a distance is the mean of
# The log odds of being synthetic run to tens either way. Softplus of a third of them is 0 for what
# is clearly real and keeps its order among the rest; the floor keeps its logarithm finite.
SYNTHETIC_SLOPE, SYNTHETIC_FLOOR = 0.3, 0.01


class BeatParts(nn.Module):
    """latent      distance to the nearest normal latents (models.b2igan.memory)
    features    the same for the discriminator's features
    synthetic   how much likelier the discriminator holds the beat for synthetic than for real

    Where the tested patients are among those trained on, all three count and distances are in local
    units. For unseen patients only the latent does: what the discriminator knows are its own
    patients, and on others it is worse than nothing (on DS1, leaving patients out: features 0.76,
    synthetic 0.61, latent 0.91).
    """

    def __init__(self, shared_patients: bool):
        super().__init__()
        self.names = ("latent", "features", "synthetic") if shared_patients else ("latent",)
        self.latents = Memory(NEIGHBOURS, local=shared_patients)
        self.features = Memory(NEIGHBOURS, local=shared_patients)
        self.register_buffer("mean", torch.zeros(len(self.names)))
        self.register_buffer("std", torch.ones(len(self.names)))

    def forward(self, latent: Tensor, features: Tensor | None, classes: Tensor | None) -> Tensor:
        """Latents (n, 48) and, unless the latent is the only part, the discriminator's features
        (n, 64) and class logits (n, 2 k), to the logarithm of each part (n, parts)."""
        parts = [self.latents(latent)]
        if "synthetic" in self.names:
            real, synthetic = classes.chunk(2, 1)  # [n, k] each
            log_odds = synthetic.logsumexp(1) - real.logsumexp(1)
            parts += [
                self.features(features),
                softplus(SYNTHETIC_SLOPE * log_odds) + SYNTHETIC_FLOOR,
            ]
        return torch.stack(parts, 1).log()

    def calibrate(self, parts: Tensor) -> None:
        """parts: (n, parts), as forward gives them, of normal beats that nothing was trained on."""
        self.mean.copy_(parts.mean(0))
        self.std.copy_(parts.std(0))

    def standard(self, parts: Tensor) -> Tensor:
        """The same, in standard deviations of the normal beats that it was calibrated on."""
        return (parts - self.mean) / self.std
