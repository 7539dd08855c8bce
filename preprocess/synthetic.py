"""Synthetic anomalies: normal beats, changed. No label of any abnormal beat is involved.

In the spirit of CutPaste (Li et al., CVPR 2021), with the changes that hearts make:
beats too early, P waves moved or lost, wide QRS complexes, odd ST segments and T waves.

Positions and lengths are in samples of a beat's window; its R peak is at BEFORE.
Every change of a part is faded in over some tens of milliseconds, so that no edge gives it away.
All draws are torch's, in the order in which they are written: one seed, one set of anomalies.
"""

import math

import torch
from torch import Tensor

from preprocess.constants import BEFORE, FS_HZ, WINDOW

# Where a P wave may start and end: 0.24 to 0.18 s, and 0.08 to 0.04 s, before R.
P_STARTS, P_ENDS = (55, 75), (112, 126)

# Edges of fades, in samples: 14 are 39 ms. P waves are narrow, shrunk segments may be.
FADE, FADE_RESCALED, FADE_PREMATURE, FADE_P = 14, 10, 12, 8
ALWAYS = -50.0  # a start so far before the window that all of it lies after


def synthetic(beats_mv: Tensor) -> Tensor:
    """(n, WINDOW) normal beats in mV to (n, WINDOW) anomalies made from them.

    Equal shares of each way of `ways`: a change of the P wave, the least visible, counts twice.
    """
    others = beats_mv[torch.randperm(len(beats_mv), device=beats_mv.device)]
    result = torch.empty_like(beats_mv)
    ways = (premature, p_changed, p_changed, widened, rescaled, pasted, mixed)
    order = torch.randperm(len(beats_mv), device=beats_mv.device)
    for way, rows in zip(ways, order.tensor_split(len(ways))):
        result[rows] = way(beats_mv[rows], others[rows])
    return result


def premature(beats: Tensor, _) -> Tensor:
    """The beat's own T wave moved before its QRS, its P wave shifted, scaled, inverted or gone.

    As if the R peak before had been 0.26 to 0.65 s earlier.
    """
    t = _time(beats)
    rr = _uniform(beats, 95, 235)
    p = p_wave(beats)
    end = _uniform(beats, 100, 126)  # [n, 1]: where the QRS begins and nothing is changed any more
    always = torch.full_like(beats[:, :1], ALWAYS)

    # The beat before, which is this one read rr later, bent so that it meets the QRS.
    earlier = read_at(beats, t + rr)  # [n, WINDOW]
    gap = read_at(beats, end) - read_at(earlier, end)  # [n, 1]
    joined = earlier + gap * (t / end).clamp(0, 1) ** _uniform(beats, 0, 2)

    # Only where the window holds what came rr after its own R peak; elsewhere without P wave.
    known = _fade(t, always, WINDOW - rr - 6, FADE_PREMATURE)
    front = joined * known + (beats - p) * (1 - known)

    moved = read_at(p, t - _uniform(beats, -35, 35))
    front = front + moved * _uniform(beats, -1, 1.6) * _chance(beats, 0.7)
    mask = _fade(t, always, end, FADE_PREMATURE)
    return beats * (1 - mask) + front * mask


def p_changed(beats: Tensor, _) -> Tensor:
    """The P wave shifted by 22 to 125 ms, scaled, inverted or gone."""
    p = p_wave(beats)
    shift = _uniform(beats, 8, 45) * torch.where(_chance(beats, 0.5) > 0, 1.0, -1.0)
    moved = read_at(p, _time(beats) - shift)
    return beats - p + moved * _uniform(beats, -1.2, 1.6) * _chance(beats, 0.75)


def widened(beats: Tensor, _) -> Tensor:
    """The QRS widened (three in four) or narrowed by a factor of 1.3 to 2.7, smoothly around R."""
    narrow = torch.where(_chance(beats, 0.75) > 0, -1.0, 1.0)
    rate = torch.exp(_uniform(beats, 0.25, 1) * narrow)  # of reading the beat: below 1 is wider
    s = _time(beats) - BEFORE
    near_r = torch.exp(-((s / _uniform(beats, 15, 50)) ** 2))  # [n, WINDOW]: 1 at R, 0 far off
    return read_at(beats, BEFORE + s * (1 + (rate - 1) * near_r))


def rescaled(beats: Tensor, _) -> Tensor:
    """70 to 360 ms shrunk, inverted or enlarged about the line between its ends."""
    start, end = _span(beats, 25, 130)
    shrunk = _chance(beats, 0.5) > 0
    factor = torch.where(shrunk, _uniform(beats, -1.5, 0.5), _uniform(beats, 1.6, 3))
    above_line = beats - _bridge(beats, start, end)
    return beats + _fade(_time(beats), start, end, FADE_RESCALED) * (factor - 1) * above_line


def pasted(beats: Tensor, others: Tensor) -> Tensor:
    """80 to 500 ms of another beat, half of them moved by up to 70 ms; tilted so that ends meet."""
    start, end = _span(beats, 30, 180)
    others = read_at(others, _time(beats) - _uniform(beats, -25, 25) * _chance(beats, 0.5))
    piece = others - _bridge(others, start, end) + _bridge(beats, start, end)
    return beats + _fade(_time(beats), start, end, FADE) * (piece - beats)


def mixed(beats: Tensor, others: Tensor) -> Tensor:
    """A blend of two beats, as in a fusion beat."""
    return torch.lerp(beats, others, _uniform(beats, 0.25, 0.75))


def disturbed(beats: Tensor) -> Tensor:
    """50 to 300 ms disturbed by noise of one band, of 0.06 to 0.4 mV.

    The band lies between a slow shift (2 Hz) and trembling (40 Hz).
    Not one of the ways of `synthetic`: hearts do not do this.
    """
    hz = torch.fft.rfftfreq(WINDOW, 1 / FS_HZ, device=beats.device)
    centre_hz = 2 * 20 ** _uniform(beats, 0, 1)
    band = torch.exp(-(((hz - centre_hz) / (0.4 * centre_hz + 1)) ** 2))
    noise = torch.fft.irfft(torch.fft.rfft(torch.randn_like(beats)) * band, n=WINDOW)
    size_mv = 0.06 * 10 ** _uniform(beats, 0, 0.8)
    start, end = _span(beats, 20, 110)
    mask = _fade(_time(beats), start, end, FADE)
    return beats + size_mv * noise / noise.std(1, keepdim=True) * mask


def ectopic(beats: Tensor, others: Tensor) -> Tensor:
    """Too early, and with the QRS and T wave of another beat, or widened.

    0.67 to 1.8 times as large, three in ten upside down.
    Not one of the ways of `synthetic`, whose discriminator it would teach no more.
    """
    front = premature(beats, others)
    t = _time(beats)
    start = _uniform(beats, BEFORE - 40, BEFORE - 18)  # of the QRS

    # Another beat's, or the own one widened: both are drawn for all, one is used.
    foreign = _chance(beats, 0.5) > 0
    shifted = read_at(others, t - _uniform(beats, -6, 6))
    rest = torch.where(foreign, shifted, widened(beats, others))
    size = torch.exp(_uniform(beats, -0.4, 0.6))
    sign = torch.where(_chance(beats, 0.3) > 0, -1.0, 1.0)
    rest = rest * size * sign

    rest = rest + read_at(front, start) - read_at(rest, start)  # meets what stands in front of it
    beyond = torch.full_like(start, WINDOW + 80)  # no fade at the window's end
    return torch.lerp(front, rest, _fade(t, start, beyond, FADE))


def p_wave(beats: Tensor) -> Tensor:
    """(n, WINDOW): what stands above the line between the P wave's ends, 0 elsewhere."""
    start, end = _uniform(beats, *P_STARTS), _uniform(beats, *P_ENDS)
    above_line = beats - _bridge(beats, start, end)
    return above_line * _fade(_time(beats), start + 4, end - 4, FADE_P)


def read_at(beats: Tensor, where: Tensor) -> Tensor:
    """(..., WINDOW) read at fractional positions (..., m), held at the ends."""
    where = where.expand(*beats.shape[:-1], -1).clamp(0, WINDOW - 1.001)
    low = where.floor().long()
    return torch.lerp(beats.gather(-1, low), beats.gather(-1, low + 1), where - low)


def _time(beats):
    """(1, WINDOW): the samples of the window."""
    return torch.arange(WINDOW, dtype=beats.dtype, device=beats.device)[None]


def _uniform(beats, low, high):
    """(n, 1) draws, one for each beat."""
    return torch.rand(len(beats), 1, device=beats.device) * (high - low) + low


def _chance(beats, p):
    """(n, 1) ones with probability p, else zeros."""
    return (torch.rand(len(beats), 1, device=beats.device) < p).to(beats.dtype)


def _span(beats, shortest, longest):
    """Start and end (n, 1) of a stretch somewhere in the window."""
    length = _uniform(beats, shortest, longest)
    start = _uniform(beats, 0, 1) * (WINDOW - length)
    return start, start + length


def _fade(t, start, end, edge):
    """(n, WINDOW): 1 between start and end (n, 1), 0 outside; cosines of `edge` samples at both."""
    ramp = ((t - start) / edge + 0.5).clamp(0, 1) * ((end - t) / edge + 0.5).clamp(0, 1)
    return 0.5 - 0.5 * torch.cos(math.pi * ramp)


def _bridge(beats, start, end):
    """(n, WINDOW): the straight line between the beat's values at start and end, level outside."""
    at_start, at_end = read_at(beats, start), read_at(beats, end)
    along = ((_time(beats) - start) / (end - start)).clamp(0, 1)
    return at_start + (at_end - at_start) * along
