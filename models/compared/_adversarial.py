"""The discriminator of the 1-D networks and the losses that it gives."""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from models.compared._layers import encoder


class Discriminator(nn.Module):
    """(n, 1, 1, 320) to logit (n,), high where the beat is real, and features (n, channels, 1,
    10)."""

    def __init__(self, widths: tuple[int, ...], batch_norm: bool = True):
        super().__init__()
        *features, head = encoder(1, widths, batch_norm)
        self.features, self.head = nn.Sequential(*features), head

    def forward(self, beat: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(beat)
        return self.head(features).flatten(), features


def discriminator_loss(
    discriminator: nn.Module, real: Tensor, fake: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """Binary cross-entropy on real against generated, both (n, 1, height, width); no gradient
    reaches the generator."""
    on_real, on_fake = discriminator(real)[0], discriminator(fake.detach())[0]
    real_loss = binary_cross_entropy_with_logits(on_real, torch.ones_like(on_real))
    fake_loss = binary_cross_entropy_with_logits(on_fake, torch.zeros_like(on_fake))
    loss = real_loss + fake_loss
    return loss, {"d_loss": loss.item()}


def feature_matching(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Mean squared difference of the features of real and generated beats; gradients reach the
    generated ones only."""
    with torch.no_grad():
        wanted = discriminator(real)[1]
    return mse_loss(discriminator(fake)[1], wanted)
