"""Random processes with a given spectrum, and everything in a recording that is not heart."""

import numpy as np

from preprocess.constants import FS_HZ


def shaped_noise(rng, n, fs_hz, amplitude):
    """(n,) Gaussian noise of mean 0 and variance 1 with a given amplitude spectrum.

    amplitude: function of the frequencies in Hz.
    """
    spectrum = np.fft.rfft(rng.standard_normal(n)) * amplitude(np.fft.rfftfreq(n, 1 / fs_hz))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, n)
    return noise / noise.std()


def bump(centre_hz, width_hz):
    """Gaussian power around `centre_hz`, as an amplitude."""
    return lambda f: np.exp(-0.25 * ((f - centre_hz) / width_hz) ** 2)


def recording_noise(rng, subject, breathing, n):
    """(n, 2) mV of everything that is not heart: per lead, except that breathing sways both."""
    noise_mv, t_s = np.empty((n, 2)), np.arange(n) / FS_HZ
    for lead in (0, 1):
        # Each of unit variance: [n]
        wander = shaped_noise(rng, n, FS_HZ, lambda f: (f < 0.5) / (f + 0.03))
        muscle = shaped_noise(
            rng, n, FS_HZ, lambda f: (f > 8) * (f + 1) ** -0.5 * np.exp(-((f / 110) ** 2))
        )
        bursts = np.exp(0.7 * shaped_noise(rng, n, FS_HZ, bump(0, 0.03)))
        # of electrodes: overlaps P and T
        motion = shaped_noise(rng, n, FS_HZ, lambda f: (f > 0.3) / (1 + (f / 2) ** 2))

        # In mV; the last term is mains.
        level = subject.noise * rng.uniform(0.8, 1.2)
        noise_mv[:, lead] = (
            0.06 * level * wander
            + 0.03 * subject.noise * breathing
            + 0.011 * level * bursts * muscle
            + 0.012 * level * bursts[::-1] * motion
            + rng.uniform(0.001, 0.008) * np.sin(2 * np.pi * 60 * t_s)
        )

        # An electrode moves, every five minutes or so: a jump that decays.
        n_jumps = rng.poisson(subject.noise * n / FS_HZ / 300)
        for start_s in rng.uniform(0, n / FS_HZ, n_jumps):
            after_s = np.maximum(t_s - start_s, 0)
            noise_mv[:, lead] += rng.normal(0, 0.3) * np.exp(-after_s / 1.5) * (after_s > 0)
    return noise_mv
