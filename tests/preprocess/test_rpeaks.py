"""R peaks are found where annotators set their marks, by both detectors."""

import numpy as np

from preprocess import records, rpeaks
from preprocess.classes import CLASS_OF
from preprocess.constants import AFTER, PEAK_TOLERANCE
from preprocess.filters import bandpass


def train_of_beats(n_beats=30, rr=300):
    """(n,) mV and the samples of its narrow R waves of 1 mV."""
    samples, t = 400 + rr * np.arange(n_beats), np.arange(-15, 16)
    signal = np.zeros(samples[-1] + 400, np.float32)
    signal[samples[:, None] + t] = np.exp(-0.5 * (t / 5) ** 2)
    return signal, samples


def test_r_peaks_are_found_at_the_r_wave():
    signal, samples = train_of_beats()
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(signal))
    peaks = rpeaks.detect_r_peaks(signal + noise)
    # on the first beat the detector still learns
    assert (rpeaks.distance_to_nearest(samples[1:], peaks) <= 2).all()


def test_distance_where_no_peak_was_found_is_large():
    distance = rpeaks.distance_to_nearest(np.array([10, 500]), np.zeros(0, int))
    assert (distance > PEAK_TOLERANCE).all()


def found_in(signal):
    filtered, envelope = bandpass(signal), rpeaks.qrs_envelope(signal)
    return rpeaks.find_r_peaks(filtered, envelope, np.ones(len(signal), bool))


def test_r_peaks_up_or_down_are_found_at_the_wave_and_t_waves_are_not():
    samples, signal = 400 + 300 * np.arange(40), np.zeros(13_000)
    t = np.arange(-40, 41)
    for i, sample in enumerate(samples):
        signal[sample + t] += (1 if i % 4 else -1.2) * np.exp(-0.5 * (t / 5) ** 2)
        signal[sample + 110 + t] += 0.3 * np.exp(-0.5 * (t / 18) ** 2)
    found = found_in(signal + 0.01 * np.random.default_rng(0).standard_normal(len(signal)))
    found = found[found < len(signal) - AFTER]  # later ones have no whole window
    assert len(found) == 40 and np.abs(found - samples).max() <= 2


def test_r_peaks_of_real_records(mitdb):
    """Two hard ones, against what the published detectors reach on all: 0.99."""
    from experiments.agreement import match

    for name in ("203", "208"):
        recording = records.read(mitdb / name)
        truth = recording.samples[np.isin(recording.symbols, list(CLASS_OF))]
        found = found_in(recording.signal_mv)
        assert len(match(truth, found, 54)) > 0.985 * max(len(truth), len(found))
