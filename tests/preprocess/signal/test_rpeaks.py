"""R peaks are found where annotators set their marks, by both detectors."""

import numpy as np

from preprocess.classes import CLASS_OF
from preprocess.constants import AFTER, FS_HZ, PEAK_TOLERANCE
from preprocess.readers import wfdb as records
from preprocess.signal import rpeaks
from preprocess.signal.filters import bandpass


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


def whole_in(signal):
    """R peaks that have a whole window."""
    found = found_in(signal)
    return found[found < len(signal) - AFTER]


def test_r_peaks_up_or_down_are_found_at_the_wave_and_t_waves_are_not():
    samples, signal = 400 + 300 * np.arange(40), np.zeros(13_000)
    t = np.arange(-40, 41)
    for i, sample in enumerate(samples):
        signal[sample + t] += (1 if i % 4 else -1.2) * np.exp(-0.5 * (t / 5) ** 2)
        signal[sample + 110 + t] += 0.3 * np.exp(-0.5 * (t / 18) ** 2)
    found = whole_in(signal + 0.01 * np.random.default_rng(0).standard_normal(len(signal)))
    assert len(found) == 40 and np.abs(found - samples).max() <= 2


def waves(tops, n):
    """(n,) mV with a little noise and waves {sample: (height in mV, width in samples)}."""
    signal, t = 0.01 * np.random.default_rng(0).standard_normal(n), np.arange(-60, 61)
    for sample, (height, width) in tops.items():
        signal[sample + t] += height * np.exp(-0.5 * (t / width) ** 2)
    return signal


def test_a_weak_beat_close_after_another_is_found_a_t_wave_at_its_place_is_not():
    samples, usual = 400 + 300 * np.arange(40), (1.0, 5)
    single = {sample: usual for sample in samples}
    close = samples[20] + round(0.33 * FS_HZ)
    found = whole_in(waves(single | {close: (0.5, 5)}, 13_000))
    assert np.abs(found - close).min() <= 2 and len(found) == len(samples) + 1
    # the same after every beat is what every beat has
    with_t = single | {sample + round(0.33 * FS_HZ): (0.5, 5) for sample in samples}
    assert len(whole_in(waves(with_t, 13_000))) == len(samples)


def test_a_qrs_in_two_parts_is_one_beat_and_the_fastest_tachycardia_is_many():
    samples, usual = 400 + 300 * np.arange(40), (1.0, 5)
    split = {samples[20]: (1.5, 5), samples[20] + round(0.23 * FS_HZ): (1.1, 5)}
    found = whole_in(waves({sample: usual for sample in samples} | split, 13_000))
    assert len(found) == len(samples)
    fast = samples[20] + round(0.24 * FS_HZ) * np.arange(12)
    before = {sample: usual for sample in samples[:20]}
    found = whole_in(waves(before | {sample: (1.0, 6) for sample in fast}, 8_000))
    assert len(found) == 20 + len(fast)


def test_r_peaks_of_real_records(mitdb):
    """Two hard ones, against what the published detectors reach on all: 0.99."""
    from experiments.agreement import match

    for name in ("203", "208"):
        recording = records.read(mitdb / name)
        truth = recording.samples[np.isin(recording.symbols, list(CLASS_OF))]
        found = found_in(recording.signal_mv)
        assert len(match(truth, found, 54)) > 0.985 * max(len(truth), len(found))
