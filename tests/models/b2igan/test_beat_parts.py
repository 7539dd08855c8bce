"""Parts of the score of a beat's window: which there are, and on what scale."""

import numpy as np
import torch

from models.b2igan.beat_parts import BeatParts


def fitted(shared_patients):
    generator = torch.Generator().manual_seed(0)
    parts = BeatParts(shared_patients)
    parts.latents.fit(torch.randn(400, 6, generator=generator), np.arange(0, 400, 10))
    parts.features.fit(torch.randn(400, 6, generator=generator), np.arange(0, 400, 10))
    return parts


def test_each_part_rises_with_what_it_measures():
    parts = fitted(True)
    latent = features = torch.zeros(2, 6)
    certain = torch.tensor([[9.0, 0, 0, 0], [0, 0, 9.0, 0]])  # real, and synthetic
    far = torch.tensor([[0.0] * 6, [9.0] * 6])
    for which, given in enumerate(
        [(far, features, certain[:1].expand(2, -1)), (latent, far, certain[:1].expand(2, -1))]
    ):
        first, second = parts(*given)
        assert second[which] > first[which] + 0.5
        rest = [i for i in range(3) if i != which]
        torch.testing.assert_close(first[rest], second[rest])
    first, second = parts(latent, features, certain)
    assert second[2] > first[2] + 0.5
