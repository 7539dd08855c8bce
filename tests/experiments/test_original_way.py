"""The original's way gives what the product gives, one beat at a time."""

import numpy as np

from experiments.original_way import original_image, original_windows
from preprocess import spectrogram
from preprocess.beats import windows
from preprocess.signal.filters import bandpass


def test_the_original_loop_makes_the_same_image():
    beat = np.random.default_rng(0).standard_normal(320).astype(np.float32).cumsum()
    ours = spectrogram.images(beat[None], "decibel")[0, 0].numpy()
    np.testing.assert_allclose(original_image(beat), ours, atol=0.05)


def test_the_original_loop_cuts_the_same_windows():
    signal_mv, peaks = np.random.default_rng(0).standard_normal(2000), np.array([200, 700, 1500])
    ours = windows(bandpass(signal_mv), peaks)
    np.testing.assert_array_equal(original_windows(signal_mv, peaks), ours)
