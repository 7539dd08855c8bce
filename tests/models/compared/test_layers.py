"""Encoder and decoder fit together; scaling loses nothing but each beat's own extremes."""

import pytest
import torch

from models.compared._layers import PUBLISHED_WIDTHS, WIDTHS, decoder, encoder, min_max, to_mv
from preprocess.beats import WINDOW


@pytest.mark.parametrize("widths", [WIDTHS, PUBLISHED_WIDTHS])
def test_decoder_gives_the_shape_that_the_encoder_takes(widths):
    beat = torch.randn(3, 1, 1, WINDOW)
    latent = encoder(7, widths)(beat)
    assert latent.shape == (3, 7, 1, 1)
    generated = decoder(7, widths)(latent)
    assert generated.shape == beat.shape and generated.abs().max() <= 1


def test_scaling_comes_back_and_forgets_size():
    beat_mv = torch.randn(4, WINDOW)
    scaled = min_max(beat_mv)
    assert scaled.amin() == -1 and scaled.amax() == 1
    torch.testing.assert_close(to_mv(scaled, beat_mv), beat_mv)
    torch.testing.assert_close(min_max(3 * beat_mv + 1), scaled, atol=1e-5, rtol=0)
    assert torch.isfinite(min_max(torch.zeros(1, WINDOW))).all()  # a flat beat too
