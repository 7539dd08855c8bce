"""Synthetic anomalies: normal beats, and normal rhythms, made wrong. No label of any abnormal beat is involved.

Positions and lengths are in samples of a beat's window; its R peak is at BEFORE. Every change is faded in over some tens
of milliseconds, so that no edge gives it away. In the spirit of CutPaste (Li et al., CVPR 2021), with the changes that
hearts make: beats too early, P waves moved or lost, wide QRS complexes, odd ST segments and T waves.
"""

import math

import torch

from preprocess.constants import BEFORE, FS_HZ, WINDOW

P_STARTS, P_ENDS = (55, 75), (112, 126)  # 0.18 to 0.24 s, and 0.04 to 0.08 s, before R


def synthetic(beats_mv):
    """(n, WINDOW) normal beats to (n, WINDOW) anomalies made from them, in equal shares of each way."""
    others = beats_mv[torch.randperm(len(beats_mv), device=beats_mv.device)]
    result = torch.empty_like(beats_mv)
    ways = (premature, p_changed, p_changed, widened, rescaled, pasted, mixed)
    for way, rows in zip(
        ways, torch.randperm(len(beats_mv), device=beats_mv.device).tensor_split(len(ways))
    ):
        result[rows] = way(beats_mv[rows], others[rows])
    return result


def premature(beats, _):
    """The beat's own T wave moved in front of its QRS, as if the R peak before had been 0.26 to 0.65 s earlier; its P wave
    shifted, scaled, inverted or gone."""
    t, rr, p = _time(beats), _uniform(beats, 95, 235), p_wave(beats)
    end, always = _uniform(beats, 100, 126), torch.full_like(beats[:, :1], -50.0)
    earlier = _at(beats, t + rr)
    joined = earlier + (_at(beats, end) - _at(earlier, end)) * (t / end).clamp(0, 1) ** _uniform(
        beats, 0, 2
    )
    known = _fade(
        t, always, WINDOW - rr - 6, 12
    )  # where the window holds what came that long after its own R peak
    front = joined * known + (beats - p) * (1 - known)
    front = front + _at(p, t - _uniform(beats, -35, 35)) * _uniform(beats, -1, 1.6) * _chance(
        beats, 0.7
    )
    mask = _fade(t, always, end, 12)
    return beats * (1 - mask) + front * mask


def p_changed(beats, _):
    """The P wave shifted by 22 to 125 ms, scaled, inverted or gone."""
    p, shift = p_wave(beats), _uniform(beats, 8, 45) * _sign(beats)
    return (
        beats - p + _at(p, _time(beats) - shift) * _uniform(beats, -1.2, 1.6) * _chance(beats, 0.75)
    )


def widened(beats, _):
    """The QRS widened (three in four) or narrowed by a factor of 1.3 to 2.7, smoothly around R."""
    narrow = torch.where(_chance(beats, 0.75) > 0, -1.0, 1.0)
    rate = torch.exp(_uniform(beats, 0.25, 1) * narrow)
    s = _time(beats) - BEFORE
    return _at(
        beats, BEFORE + s * (1 + (rate - 1) * torch.exp(-((s / _uniform(beats, 15, 50)) ** 2)))
    )


def rescaled(beats, _):
    """70 to 360 ms shrunk, inverted or enlarged about the line between its ends."""
    start, end = _span(beats, 25, 130)
    factor = torch.where(
        _chance(beats, 0.5) > 0, _uniform(beats, -1.5, 0.5), _uniform(beats, 1.6, 3)
    )
    return beats + _fade(_time(beats), start, end, 10) * (factor - 1) * (
        beats - _bridge(beats, start, end)
    )


def pasted(beats, others):
    """80 to 500 ms of another beat, half of them moved by up to 70 ms, tilted so that both ends meet."""
    start, end = _span(beats, 30, 180)
    others = _at(others, _time(beats) - _uniform(beats, -25, 25) * _chance(beats, 0.5))
    piece = others - _bridge(others, start, end) + _bridge(beats, start, end)
    return beats + _fade(_time(beats), start, end, 14) * (piece - beats)


def mixed(beats, others):
    """A blend of two beats, as in a fusion beat."""
    return torch.lerp(beats, others, _uniform(beats, 0.25, 0.75))


def disturbed(beats):
    """50 to 300 ms disturbed by noise of one band, from a slow shift (2 Hz) to trembling (40 Hz), of 0.06 to 0.4 mV. Not
    one of the ways of `synthetic`: hearts do not do this."""
    hz = torch.fft.rfftfreq(WINDOW, 1 / FS_HZ, device=beats.device)
    centre_hz = 2 * 20 ** _uniform(beats, 0, 1)
    band = torch.exp(-(((hz - centre_hz) / (0.4 * centre_hz + 1)) ** 2))
    noise = torch.fft.irfft(torch.fft.rfft(torch.randn_like(beats)) * band, n=WINDOW)
    size_mv = 0.06 * 10 ** _uniform(beats, 0, 0.8)
    return beats + size_mv * noise / noise.std(1, keepdim=True) * _fade(
        _time(beats), *_span(beats, 20, 110), 14
    )


def ectopic(beats, others):
    """Too early, and with the QRS and T wave of another beat or widened, 0.67 to 1.8 times as large, three in ten upside
    down. Not one of the ways of `synthetic`, whose discriminator it would teach no more."""
    front, t = premature(beats, others), _time(beats)
    start = _uniform(beats, BEFORE - 40, BEFORE - 18)
    rest = torch.where(
        _chance(beats, 0.5) > 0, _at(others, t - _uniform(beats, -6, 6)), widened(beats, others)
    )
    rest = (
        rest
        * torch.exp(_uniform(beats, -0.4, 0.6))
        * torch.where(_chance(beats, 0.3) > 0, -1.0, 1.0)
    )
    rest = rest + _at(front, start) - _at(rest, start)
    return torch.lerp(front, rest, _fade(t, start, torch.full_like(start, WINDOW + 80), 14))


def p_wave(beats):
    """(n, WINDOW): what stands above the line between the P wave's ends, 0 elsewhere."""
    start, end = _uniform(beats, *P_STARTS), _uniform(beats, *P_ENDS)
    return (beats - _bridge(beats, start, end)) * _fade(_time(beats), start + 4, end - 4, 8)


def _time(beats):
    return torch.arange(WINDOW, dtype=beats.dtype, device=beats.device)[None]


def _uniform(beats, low, high):
    """(n, 1) draws, one for each beat."""
    return torch.rand(len(beats), 1, device=beats.device) * (high - low) + low


def _chance(beats, p):
    """(n, 1) ones with probability p, else zeros."""
    return (torch.rand(len(beats), 1, device=beats.device) < p).to(beats.dtype)


def _sign(beats):
    return torch.where(_chance(beats, 0.5) > 0, 1.0, -1.0)


def _span(beats, shortest, longest):
    """Start and end (n, 1) of a stretch somewhere in the window."""
    length = _uniform(beats, shortest, longest)
    start = _uniform(beats, 0, 1) * (WINDOW - length)
    return start, start + length


def _at(beats, where):
    """(n, WINDOW) read at fractional positions (n, m), held at the ends."""
    where = where.expand(len(beats), -1).clamp(0, WINDOW - 1.001)
    low = where.floor().long()
    return torch.lerp(beats.gather(1, low), beats.gather(1, low + 1), where - low)


def _fade(t, start, end, edge):
    """(n, WINDOW): 1 between start and end (n, 1), 0 outside, cosine edges of `edge` samples centred on them."""
    ramp = ((t - start) / edge + 0.5).clamp(0, 1) * ((end - t) / edge + 0.5).clamp(0, 1)
    return 0.5 - 0.5 * torch.cos(math.pi * ramp)


def _bridge(beats, start, end):
    """(n, WINDOW): the straight line from the beat's value at start to that at end, held level outside."""
    at_start, at_end = _at(beats, start), _at(beats, end)
    return at_start + (at_end - at_start) * ((_time(beats) - start) / (end - start)).clamp(0, 1)
