"""R peaks are found where annotators set their marks, by both detectors."""

import numpy as np
import pytest

from preprocess.classes import CLASS_OF
from preprocess.constants import AFTER, FS_HZ
from preprocess.readers import wfdb as records
from preprocess.signal import rpeaks
from preprocess.signal.filters import bandpass

SAMPLES = 400 + 300 * np.arange(40)
BEATS = dict.fromkeys(SAMPLES, (1.0, 5))
LATER = round(0.33 * FS_HZ)


def waves(tops):
    """(n,) mV with a little noise and waves {sample: (height in mV, width in samples)}."""
    n, t = max(tops) + 400, np.arange(-60, 61)
    signal = 0.01 * np.random.default_rng(0).standard_normal(n)
    for sample, (height, width) in tops.items():
        signal[sample + t] += height * np.exp(-0.5 * (t / width) ** 2)
    return signal


def found_in(signal):
    """R peaks that have a whole window."""
    filtered, envelope = bandpass(signal), rpeaks.qrs_envelope(signal)
    found = rpeaks.find_r_peaks(filtered, envelope, np.ones(len(signal), bool))
    return found[found < len(signal) - AFTER]


def test_the_reference_detector_finds_r_waves():
    peaks = rpeaks.reference_r_peaks(waves(BEATS))
    # on the first beat the detector still learns
    assert (rpeaks.distance_to_nearest(SAMPLES[1:], peaks) <= 2).all()


def test_r_peaks_up_or_down_are_found_at_the_wave_and_t_waves_are_not():
    tops = {sample: (1.0 if i % 4 else -1.2, 5) for i, sample in enumerate(SAMPLES)}
    found = found_in(waves(tops | dict.fromkeys(SAMPLES + 110, (0.3, 18))))
    assert len(found) == 40 and np.abs(found - SAMPLES).max() <= 2


def test_a_beat_lost_on_one_lead_is_kept_by_the_other_and_noise_of_one_adds_none():
    lost = {sample: (0.05 if i % 5 == 4 else 1.0, 5) for i, sample in enumerate(SAMPLES)}
    first, second = waves(lost), waves(BEATS)
    noise = bandpass(np.random.default_rng(1).normal(0, 0.4, len(first)), 5, 30)
    moved = waves(BEATS | dict.fromkeys(SAMPLES[5::9] + 150, (8.0, 5)))  # an electrode, amid beats
    for other, least in ((second, 40), (second + noise, 32), (moved, 32)):
        leads_mv = np.stack([first, other])
        envelopes = np.stack([rpeaks.qrs_envelope(lead_mv) for lead_mv in leads_mv])
        envelope = rpeaks.combined_envelope(envelopes, np.ones(envelopes.shape, bool))
        found = rpeaks.find_r_peaks(bandpass(first), envelope, np.ones(len(first), bool))
        found = found[(found > SAMPLES[0] - AFTER) & (found < len(first) - AFTER)]
        assert least <= len(found) <= 40
        assert (rpeaks.distance_to_nearest(found, SAMPLES) <= round(0.06 * FS_HZ)).all()


FAST = SAMPLES[20] + round(0.24 * FS_HZ) * np.arange(12)


@pytest.mark.parametrize(
    "tops, expected",
    [
        # a weak beat close after another; after every beat the same would be a T wave
        (BEATS | {SAMPLES[20] + LATER: (0.5, 5)}, sorted([*SAMPLES, SAMPLES[20] + LATER])),
        (BEATS | dict.fromkeys(SAMPLES + LATER, (0.5, 5)), SAMPLES),
        # a QRS in two parts is one beat, and the fastest tachycardia is many
        (BEATS | {SAMPLES[20]: (1.5, 5), SAMPLES[20] + round(0.23 * FS_HZ): (1.1, 5)}, SAMPLES),
        (dict.fromkeys([*SAMPLES[:20], *FAST], (1.0, 6)), [*SAMPLES[:20], *FAST]),
    ],
)
def test_what_comes_close_after_a_beat(tops, expected):
    found = found_in(waves(tops))
    assert len(found) == len(expected) and np.abs(found - expected).max() <= 3


def test_r_peaks_of_real_records(mitdb):
    """Two hard ones, against what the published detectors reach on all: 0.99."""
    from experiments.agreement import match

    for name in ("203", "208"):
        recording = records.read(mitdb / name)
        truth = recording.samples[np.isin(recording.symbols, list(CLASS_OF))]
        found = found_in(recording.signal_mv)
        assert len(match(truth, found, 54)) > 0.985 * max(len(truth), len(found))
