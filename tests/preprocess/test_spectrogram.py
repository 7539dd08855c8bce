"""The decibel image equals the original computation; the complex image keeps the beat."""

import numpy as np
import pytest
import torch
from scipy.signal import get_window

from preprocess import spectrogram
from preprocess.beats import WINDOW


@pytest.fixture
def beats_mv():
    """(6, WINDOW) beat-like traces with noise, one of them very quiet."""
    rng, t = np.random.default_rng(0), np.arange(WINDOW)
    shape = np.exp(-0.5 * ((t - 140) / 6) ** 2) + 0.3 * np.exp(-0.5 * ((t - 230) / 22) ** 2)
    beats = shape * rng.uniform(0.5, 3, (6, 1)) + 0.02 * rng.standard_normal((6, WINDOW))
    beats[-1] *= 1e-3
    return beats.astype(np.float32)


def decibel_image_one_by_one(beat):
    """The original computation, sample by sample.

    librosa's stft and amplitude_to_db, then OpenCV's area resize.
    """
    window = np.zeros(256)
    window[96:160] = get_window("hann", 64, fftbins=True)
    padded = np.pad(beat.astype(np.float64), 128, mode="reflect")
    columns = [
        np.abs(np.fft.rfft(padded[2 * i : 2 * i + 256] * window)) for i in range(WINDOW // 2 + 1)
    ]
    decibel = 20 * np.log10(np.maximum(1e-5, np.stack(columns, 1)))
    decibel = np.maximum(decibel, decibel.max() - 80)[:, 10:150]
    return resize_by_area(resize_by_area(decibel, 128).T, 128).T


def resize_by_area(image, size):
    """Rows of an image averaged to `size` rows; integrates the piecewise constant image."""
    cumulative = np.concatenate([np.zeros((1, image.shape[1])), image.cumsum(0)])
    edges = np.linspace(0, len(image), size + 1)
    at_edges = np.stack(
        [np.interp(edges, np.arange(len(image) + 1), column) for column in cumulative.T], 1
    )
    return np.diff(at_edges, axis=0) * size / len(image)


def test_decibel_image_equals_the_original_computation(beats_mv):
    ours = spectrogram.images(beats_mv, "decibel").numpy()
    theirs = np.stack([decibel_image_one_by_one(beat) for beat in beats_mv])
    assert ours.shape == (6, 1, 128, 128)
    # dB, of a range of 80: float32 against float64
    np.testing.assert_allclose(ours[:, 0], theirs, atol=0.05)


def test_complex_image_gives_the_beat_back(beats_mv):
    smooth = np.stack([np.convolve(beat, np.hanning(17) / 8, "same") for beat in beats_mv])
    smooth = smooth.astype(np.float32)
    back = spectrogram.invert(spectrogram.images(smooth), torch.from_numpy(smooth)).numpy()
    error = np.sqrt(np.square(back - smooth).mean(1) / np.square(smooth).mean(1))
    assert (error[:-1] < 0.05).all()


def test_a_tone_lights_up_its_own_row():
    times_s, freqs_hz = spectrogram.axes("complex")
    tone = np.sin(2 * np.pi * 20 * np.arange(WINDOW) / 360)[None].astype(np.float32)
    loudest = spectrogram.magnitude(spectrogram.images(tone).numpy())[0].mean(1).argmax()
    assert abs(freqs_hz[loudest] - 20) < 1.5


def test_a_click_lights_up_its_own_column():
    times_s, _ = spectrogram.axes("complex")
    click = np.zeros((1, WINDOW), np.float32)
    click[0, 140:144] = 1  # at the R peak: 0 s
    loudest = spectrogram.magnitude(spectrogram.images(click).numpy())[0].sum(0).argmax()
    assert abs(times_s[loudest]) < 0.03


@pytest.mark.parametrize("name", spectrogram.SETTINGS)
def test_axes_fit_the_image(name, beats_mv):
    times_s, freqs_hz = spectrogram.axes(name)
    channels = spectrogram.SETTINGS[name].shape[0]
    assert spectrogram.images(beats_mv, name).shape[1:] == (channels, len(freqs_hz), len(times_s))
    assert -0.39 <= times_s.min() < 0 < times_s.max() <= 0.5


@pytest.mark.parametrize("name", spectrogram.SETTINGS)
def test_stored_images_are_the_images_rounded_to_half_whatever_the_chunks(name, beats_mv):
    many = np.concatenate([beats_mv] * 50)
    expected = spectrogram.images(beats_mv, name).half().float().numpy()
    stored = spectrogram.stored_images(many, name)
    assert stored.dtype == np.float32 and stored.shape == (300, *spectrogram.SETTINGS[name].shape)
    np.testing.assert_allclose(stored[-6:], expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(stored, stored.astype(np.float16))
