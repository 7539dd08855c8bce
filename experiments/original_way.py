"""The original work's way from signal to image, a beat at a time, for experiments.bench."""

import numpy as np

from preprocess import spectrogram
from preprocess.constants import AFTER, BEFORE
from preprocess.filters import bandpass


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
