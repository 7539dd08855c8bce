"""The band-pass takes the wander away and moves nothing."""

import numpy as np

from preprocess.signal.filters import bandpass, published_bandpass


def test_bandpass_keeps_a_wave_where_it_is_and_takes_wander_away():
    samples, t = 400 + 300 * np.arange(30), np.arange(-15, 16)
    signal = np.zeros(samples[-1] + 400, np.float32)
    signal[samples[:, None] + t] = np.exp(-0.5 * (t / 5) ** 2)
    wander = 2 * np.sin(2 * np.pi * 0.1 * np.arange(len(signal)) / 360)
    filtered = bandpass(signal + wander)
    for sample in samples[3:-3]:
        assert abs(filtered[sample - 20 : sample + 20].argmax() - 20) <= 1
    assert np.abs(filtered[samples[5] + 100 : samples[5] + 150]).max() < 0.25


def test_the_published_filter_passes_3_to_45_hz_and_moves_nothing():
    t = np.arange(3600) / 360
    amplitude = lambda hz: np.ptp(published_bandpass(np.sin(2 * np.pi * hz * t))[900:2700]) / 2
    assert amplitude(1.0) < 0.35 and amplitude(60.0) < 0.05
    assert abs(amplitude(15.0) - 1) < 0.02
    wave = np.exp(-0.5 * (np.arange(-1000, 1000) / 4.0) ** 2)
    assert published_bandpass(wave).argmax() == 1000
    assert published_bandpass(np.ones(330)).shape == (330,)
