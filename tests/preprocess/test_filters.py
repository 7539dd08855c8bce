"""The band-pass takes the wander away and moves nothing."""

import numpy as np

from preprocess.filters import bandpass


def test_bandpass_keeps_a_wave_where_it_is_and_takes_wander_away():
    samples, t = 400 + 300 * np.arange(30), np.arange(-15, 16)
    signal = np.zeros(samples[-1] + 400, np.float32)
    signal[samples[:, None] + t] = np.exp(-0.5 * (t / 5) ** 2)
    wander = 2 * np.sin(2 * np.pi * 0.1 * np.arange(len(signal)) / 360)
    filtered = bandpass(signal + wander)
    for sample in samples[3:-3]:
        assert abs(filtered[sample - 20 : sample + 20].argmax() - 20) <= 1
    assert np.abs(filtered[samples[5] + 100 : samples[5] + 150]).max() < 0.25
