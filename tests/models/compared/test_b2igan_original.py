"""The original network has the original size, and learns."""

import numpy as np
import torch

from models.compared.b2igan_original import B2IGANOriginal
from preprocess import spectrogram
from preprocess.spectrogram import SETTINGS

OPTIONS = B2IGANOriginal.defaults | {"w_adv": 1.0, "seed": 0}


def test_networks_have_the_original_size():
    detector = B2IGANOriginal(OPTIONS)
    count = lambda module: sum(p.numel() for p in module.parameters())
    assert count(detector.generator) == 8_084_288
    assert count(detector.discriminator) == 2_812_800


def test_it_learns(data):
    torch.manual_seed(0)
    beats = data.beats(np.flatnonzero(data.index["class"] == "N")[:8])
    beats.image = spectrogram.images(beats.beat_mv, B2IGANOriginal.image).numpy()
    detector = B2IGANOriginal(OPTIONS | {"lr": 1e-3})
    losses = [detector.training_step(beats) for _ in range(6)]
    assert losses[-1]["g_rec"] < losses[0]["g_rec"]
    detector.finish(beats, beats)
    assert detector.score(beats).shape == (8,)
    assert detector.error_map(beats).shape == (8, *SETTINGS[B2IGANOriginal.image].shape)
