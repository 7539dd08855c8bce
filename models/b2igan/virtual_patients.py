"""Virtual patients: two people's beats mixed, bent and filtered alike, so that few become many.

What a network is to learn is how a beat may differ from its own patient's normal beats, not what
the few patients that it is trained on look like. So all beats of a virtual patient, references
among them, undergo the same mixture, polarity, gain along the window, time warp and filter.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.b2igan.own_recording import nearest_references
from preprocess.constants import BEFORE, FS_HZ, WINDOW
from preprocess.synthetic import read_at

SINGLE = 0.4  # share of virtual patients that are one person's, unmixed
UPSIDE_DOWN = 0.15  # share with the polarity turned
GAIN, GAIN_KNOTS = 0.25, 8  # standard deviation of the logarithm of the gain, at so many times
WARP = 0.12  # largest share of its distance from R that a sample is moved by
FILTERED = 0.5  # share whose high or low frequencies are weakened
NOISY = 0.5  # share of the beats with noise of their own, as large as NOISE_HEIGHTS at most
NOISE_HEIGHTS = (0.005, 0.12)
WANDER_HEIGHTS = 0.06  # of the baseline under each beat, standard deviation
BEAT_GAIN = 0.06  # of each beat beside its references, standard deviation of the logarithm
OFF_SAMPLES = 1.5  # of the alignment, standard deviation


class Person(NamedTuple):
    """Normal beats of one recording: traces (n, WINDOW), and rows of each one's references."""

    traces: Tensor  # of all beats of the recording
    normal: Tensor  # (m,) rows that are normal
    references: Tensor  # (n, k) rows


def person(traces: np.ndarray, normal: np.ndarray, reference: np.ndarray) -> Person:
    """traces: (n, WINDOW), normal: (n,) bool; reference: rows of the beats presumed normal."""
    near = nearest_references(traces, reference)
    rows = np.flatnonzero(normal)
    return Person(torch.as_tensor(traces), torch.as_tensor(rows), torch.as_tensor(near))


def draw(people: list[Person], patients: int, beats: int) -> Tensor:
    """Beats of virtual patients, each followed by its references: (patients * beats,
    1 + k, WINDOW)."""
    drawn = []
    for _ in range(patients):
        first, second = (_beats(people, beats) for _ in range(2))  # [beats, 1 + k, WINDOW]
        share = 1.0 if torch.rand(()) < SINGLE else float(torch.rand(()))
        drawn.append(torch.lerp(second, first, share))
    return _changed(torch.stack(drawn)).flatten(0, 1)


def varied(beats: Tensor) -> Tensor:
    """(n, WINDOW) with what differs from beat to beat in any patient: noise, baseline, size, and
    how well beats are lined up."""
    n = len(beats)
    time = torch.linspace(-1, 1, WINDOW)
    slope, bend = torch.randn(2, n, 1)
    wander = WANDER_HEIGHTS * (slope * time + bend * (time**2 - 1 / 3))
    low, high = NOISE_HEIGHTS
    size = low * (high / low) ** torch.rand(n, 1) * (torch.rand(n, 1) < NOISY)
    beats = beats * torch.exp(BEAT_GAIN * torch.randn(n, 1)) + wander
    moved = read_at(beats, torch.arange(WINDOW) + OFF_SAMPLES * torch.randn(n, 1))
    return moved + size * _noise(n)


def _noise(n: int) -> Tensor:
    """(n, WINDOW) of unit variance, each of a band of its own, as muscles and electrodes make."""
    hz = torch.fft.rfftfreq(WINDOW, 1 / FS_HZ)
    corner_hz = 4 * 10 ** torch.rand(n, 1)
    spectrum = torch.fft.rfft(torch.randn(n, WINDOW)) * (1 / (1 + (hz / corner_hz) ** 2))
    noise = torch.fft.irfft(spectrum, n=WINDOW)
    return noise / noise.std(1, keepdim=True)


def _beats(people: list[Person], n: int) -> Tensor:
    """Normal beats of someone, each followed by its references: (n, 1 + k, WINDOW)."""
    someone = people[int(torch.randint(len(people), ()))]
    rows = someone.normal[torch.randint(len(someone.normal), (n,))]
    both = torch.cat([rows[:, None], someone.references[rows]], 1)  # [n, 1 + k]
    return someone.traces[both]


def _changed(beats: Tensor) -> Tensor:
    """(patients, beats, 1 + k, WINDOW): each patient's all in the same way."""
    n = len(beats)
    # polarity and gain along the window
    sign = torch.where(torch.rand(n, 1) < UPSIDE_DOWN, -1.0, 1.0)
    knots = torch.exp(GAIN * torch.randn(n, 1, GAIN_KNOTS))
    gain = torch.nn.functional.interpolate(
        knots, WINDOW, mode="linear", align_corners=True
    )  # [n, 1, WINDOW]
    beats = beats * (sign[:, :, None] * gain)[:, None]
    # time, about R: a little longer or shorter, and more so on one side
    off = torch.arange(WINDOW) - BEFORE
    before, after = WARP * (2 * torch.rand(2, n, 1) - 1)
    stretch = torch.where(off < 0, before, after)  # [n, WINDOW]
    where = BEFORE + off * (1 + stretch)
    flat = beats.flatten(1, 2)  # [n, beats * (1 + k), WINDOW]
    flat = read_at(flat, where[:, None])
    # filter
    some = torch.rand(n) < FILTERED
    hz = torch.fft.rfftfreq(WINDOW, 1 / FS_HZ)
    high_pass = 1 - torch.exp(-((hz / (0.2 + 1.5 * torch.rand(n, 1))) ** 2))
    low_pass = torch.exp(-((hz / (18 + 40 * torch.rand(n, 1))) ** 2))
    response = (high_pass * low_pass)[some][:, None]
    flat[some] = torch.fft.irfft(torch.fft.rfft(flat[some]) * response, n=WINDOW)
    return flat.view_as(beats)
