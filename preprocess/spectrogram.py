"""Beats to STFT images, and back; the axes of an image in seconds and hertz.

Two settings:

`complex` (default)  real and imaginary part of the STFT below 45 Hz, 2 x 32 x 32, with magnitudes compressed by a power
                     law. Keeps the phase, does not lift the noise floor, and can be inverted to a trace in mV.
`seed`               the image of the original work: magnitude in dB, 1 x 128 x 128.

Both are linear in framed samples up to the last, pointwise step, so each is a matrix product over all beats at once.
"""

from dataclasses import dataclass

import numpy as np

from preprocess.beats import BEFORE, WINDOW
from preprocess.records import FS_HZ


@dataclass(frozen=True)
class Setting:
    """One way to make an image. Shapes are (channels, frequencies, times)."""

    name: str
    shape: tuple
    centres: tuple  # samples of the window at which the columns sit
    freqs_hz: tuple


N_FFT = 256
HANN = 64  # samples: 178 ms, a QRS and its slopes
HOP = 10
POWER = 1.0  # |X| -> |X| ** POWER
SEED_HOP = 2
SEED_COLUMNS = slice(10, 150)
SEED_SIZE = 128
SEED_RANGE_DB = 80.0

COMPLEX = Setting("complex", (2, 32, 32), tuple(range(HOP // 2, WINDOW, HOP)),
                  tuple(np.arange(32) * FS_HZ / N_FFT))
SEED = Setting("seed", (1, SEED_SIZE, SEED_SIZE),
               tuple(np.linspace(10 * SEED_HOP, 149 * SEED_HOP, SEED_SIZE)), tuple(np.linspace(0, 180, SEED_SIZE)))
SETTINGS = {setting.name: setting for setting in (COMPLEX, SEED)}


def axes(name):
    """Centres of an image's columns in s from the R peak, and of its rows in Hz."""
    setting = SETTINGS[name]
    return (np.asarray(setting.centres) - BEFORE) / FS_HZ, np.asarray(setting.freqs_hz)


def images(beats_mv, name="complex"):
    """(n, WINDOW) beats in mV to (n, channels, frequencies, times) float32 images."""
    return {"complex": complex_images, "seed": seed_images}[name](np.ascontiguousarray(beats_mv, np.float32))


def complex_images(beats_mv):
    """(n, WINDOW) to (n, 2, 32, 32): real and imaginary part of the power-compressed STFT, below 45 Hz.

    Each beat is first divided by the square root of its own standard deviation: half-way, on a logarithmic scale,
    between absolute millivolts and a beat scaled to unit size. Power-law compression of complex spectra as in
    Wilson et al., Exploring tradeoffs in models for low-latency speech enhancement, IWAENC 2018.
    """
    scaled = beats_mv / np.sqrt(beat_scale_mv(beats_mv))
    real, imaginary = _stft(scaled, COMPLEX.centres, len(COMPLEX.freqs_hz))
    gain = (np.square(real) + np.square(imaginary) + 1e-8) ** ((POWER - 1) / 2)
    return np.stack([real * gain, imaginary * gain], 1)


def magnitude(image, name="complex"):
    """(n, channels, F, T) images to (n, F, T) for the eye: |X| of `complex` (compressed), dB of `seed`."""
    return image[:, 0] if name == "seed" else np.hypot(image[:, 0], image[:, 1])


def beat_scale_mv(beats_mv):
    """(n, WINDOW) to (n, 1): the standard deviation of each beat in mV, kept from vanishing."""
    return np.maximum(beats_mv.std(-1, keepdims=True), 1e-3)


def invert(image, scale_mv):
    """(n, 2, 32, 32) `complex` images to (n, WINDOW) in mV, by least-squares overlap-add (Griffin and Lim 1984).

    scale_mv: (n, 1) as beat_scale_mv gave it for the beats the images came from.
    """
    gain = (np.square(image).sum(1) + 1e-8) ** ((1 / POWER - 1) / 2)
    real, imaginary = image[:, 0] * gain, image[:, 1] * gain
    cosine, sine = _fourier(image.shape[2])
    weight = np.full(image.shape[2], 2.0 / N_FFT, np.float32)
    weight[0] /= 2
    frames = np.einsum("nft,fs->nts", real * weight[:, None], cosine) \
        + np.einsum("nft,fs->nts", imaginary * weight[:, None], sine)
    hann = _hann()
    total = np.zeros((len(image), WINDOW + HANN), np.float32)
    norm = np.zeros(WINDOW + HANN, np.float32)
    for column, centre in enumerate(COMPLEX.centres):
        total[:, centre:centre + HANN] += frames[:, column] * hann
        norm[centre:centre + HANN] += hann ** 2
    inside = slice(HANN // 2, HANN // 2 + WINDOW)
    return total[:, inside] / np.maximum(norm[inside], 1e-3) * np.sqrt(scale_mv)


def seed_images(beats_mv):
    """(n, WINDOW) to (n, 1, 128, 128) in dB: librosa 0.8's stft and amplitude_to_db, then OpenCV's area resize.

    n_fft 256, Hann window of 64, hop 2, centred with reflect padding; 80 dB below the image's own maximum is the floor;
    columns 10 to 150 of 161; rows from 0 Hz upwards.
    """
    real, imaginary = _stft(beats_mv, np.arange(0, WINDOW + 1, SEED_HOP), N_FFT // 2 + 1)
    decibel = 10 * np.log10(np.maximum(np.square(real) + np.square(imaginary), 1e-10))
    decibel = np.maximum(decibel, decibel.max((1, 2), keepdims=True) - SEED_RANGE_DB)[:, :, SEED_COLUMNS]
    rows, columns = (area_weights(n, SEED_SIZE) for n in decibel.shape[1:])
    return (rows @ (decibel @ columns.T))[:, None]


def area_weights(n, size):
    """(size, n) matrix that averages n cells into `size` equal ones by overlap: OpenCV's INTER_AREA, shrinking."""
    edges = np.arange(size + 1) * n / size
    cells = np.arange(n)
    overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    return (np.maximum(overlap, 0) * size / n).astype(np.float32)


def _stft(beats_mv, centres, n_freqs):
    """(n, WINDOW) to two (n, n_freqs, n_times): phase counted from the centre of each frame; edges reflected."""
    padded = np.pad(beats_mv, ((0, 0), (HANN // 2, HANN // 2)), "reflect")
    frames = padded[:, np.asarray(centres)[:, None] + np.arange(HANN)] * _hann()
    cosine, sine = _fourier(n_freqs)
    basis = np.concatenate([cosine, sine])  # one product for both parts
    both = (frames.reshape(-1, HANN) @ basis.T).reshape(len(beats_mv), len(centres), 2, n_freqs)
    return both[:, :, 0].swapaxes(1, 2), both[:, :, 1].swapaxes(1, 2)


def _fourier(n_freqs):
    """(n_freqs, HANN) cosine and sine parts of exp(-2 pi i k t / N_FFT), t = 0 at the centre of a frame."""
    turn = 2 * np.pi * np.arange(n_freqs)[:, None] * (np.arange(HANN) - HANN // 2) / N_FFT
    return np.cos(turn).astype(np.float32), -np.sin(turn).astype(np.float32)


def _hann():
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(HANN) / HANN)).astype(np.float32)
