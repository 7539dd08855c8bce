"""The original work's way, for comparison: from signal to image a beat at a time, and its step of
training with every operation that it has."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss
from torch.optim import Optimizer

from preprocess import spectrogram
from preprocess.constants import AFTER, BEFORE
from preprocess.signal.filters import bandpass


def original_windows(signal_mv: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Each beat cut by itself, from a signal filtered as ours is: (n,), (k,) to (k, 320)."""
    filtered = bandpass(signal_mv)
    return np.stack([filtered[peak - BEFORE : peak + AFTER] for peak in peaks])


def original_image(beat_mv: np.ndarray) -> np.ndarray:
    """librosa 0.8's stft and amplitude_to_db of one beat, then the area resize: (320,) to
    (128, 128)."""
    n_fft, hann = spectrogram.N_FFT, spectrogram.HANN
    padded = np.pad(beat_mv, n_fft // 2, mode="reflect")
    window = np.zeros(n_fft)
    start = (n_fft - hann) // 2
    window[start : start + hann] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(hann) / hann)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[:: spectrogram.DECIBEL_HOP]
    power = np.abs(np.fft.rfft(frames * window, axis=1).T)  # [129, 161]
    decibel = 20 * np.log10(np.maximum(power, 1e-5))
    decibel = np.maximum(decibel, decibel.max() - spectrogram.DECIBEL_RANGE_DB)
    decibel = decibel[:, spectrogram.DECIBEL_COLUMNS]  # [129, 140]
    rows, columns = (spectrogram.area_weights(n, spectrogram.DECIBEL_SIZE) for n in decibel.shape)
    return rows @ decibel @ columns.T


def original_step(
    generator: nn.Module,
    discriminator: nn.Module,
    optimizers: Mapping[str, Optimizer],
    real: Tensor,
    w_adv: float,
) -> dict[str, float]:
    """The original's step, operation by operation, on real (n, 1, 128, 128) in [-1, 1].

    The generator runs for each update, and every loss sends gradients to all it depends on.
    Returns its losses, as `training_step` does.
    """
    optimizers["discriminator"].zero_grad()
    on_real, _ = discriminator(real)
    on_fake, _ = discriminator(generator(real))
    real_loss = binary_cross_entropy_with_logits(on_real, torch.ones_like(on_real))
    fake_loss = binary_cross_entropy_with_logits(on_fake, torch.zeros_like(on_fake))
    d_loss = real_loss + fake_loss
    d_loss.backward()
    optimizers["discriminator"].step()

    optimizers["generator"].zero_grad()
    fake = generator(real)
    _, of_fake = discriminator(fake)
    _, of_real = discriminator(real)
    feature_matching, reconstruction = mse_loss(of_fake, of_real), mse_loss(fake, real)
    (reconstruction + w_adv * feature_matching).backward()
    optimizers["generator"].step()
    return {
        "d_loss": d_loss.item(),
        "g_rec": reconstruction.item(),
        "g_adv": feature_matching.item(),
    }
