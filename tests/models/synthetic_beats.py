"""Small synthetic beats, normal and abnormal, and a training loop of a few lines, for the tests of
the methods."""

import io

import numpy as np
import torch

from options import TRAINING_OF_OTHERS
from preprocess import spectrogram
from preprocess.beats import BEFORE, WINDOW, Beats

# P, QRS, T: place from the R peak, width in samples, mV.
WAVES = ((-60, 12, 0.15), (0, 8, 1.2), (90, 18, 0.3))
INJECTED = slice(40, 70)  # samples of the bump that makes a beat abnormal, before its P wave


def normal_beats(n, seed=0):
    """n Beats of three Gaussians with jitter and noise, at about 75 a minute."""
    rng = np.random.default_rng(seed)
    time = np.arange(WINDOW) - BEFORE
    beat_mv = 0.01 * rng.standard_normal((n, WINDOW))
    for place, width, height in WAVES:
        spread = ((place, 2), (width, 0.5), (height, height / 20))
        at, wide, high = (rng.normal(mean, deviation, (n, 1)) for mean, deviation in spread)
        beat_mv += high * np.exp(-(((time - at) / wide) ** 2) / 2)
    return _beats(beat_mv, rng.normal(0.8, 0.02, (n, 3)))


def abnormal_beats(n, seed=1):
    """The same kind of beats, early and with a bump of 0.6 mV at INJECTED."""
    beats = normal_beats(n, seed)
    beat_mv, rr_s = beats.beat_mv.copy(), beats.rr_s * [0.7, 1.0, 1.0]
    beat_mv[:, INJECTED] += 0.6 * np.hanning(INJECTED.stop - INJECTED.start)
    return _beats(beat_mv, rr_s)


def _beats(beat_mv, rr_s):
    beat_mv, n = beat_mv.astype(np.float32), len(beat_mv)
    image = spectrogram.images(beat_mv).numpy()
    return Beats(image, beat_mv, np.full(n, "100"), np.arange(n) * 288, rr_s.astype(np.float32))


def trained(cls, beats, **options):
    """A detector of a class, trained and finished as the program does it; options are added to
    those of a detector without steps."""
    torch.manual_seed(0)
    detector = cls({**TRAINING_OF_OTHERS, "seed": 0, "w_adv": 1.0, **options})
    detector.prepare(beats)
    detector.optimizers()
    for epoch in range(detector.opt["niter"]):
        detector.train()
        detector.begin_step(epoch / detector.opt["niter"])
        order = np.random.default_rng(epoch).permutation(len(beats))
        for rows in np.array_split(order, len(beats) // detector.opt["batchsize"]):
            detector.training_step(beats[rows])
    detector.finish(beats, beats)
    return detector


def reloaded(detector):
    """The detector after a journey through a file that holds nothing but tensors."""
    file = io.BytesIO()
    torch.save(detector.state_dict(), file)
    file.seek(0)
    other = type(detector)(detector.opt)
    other.restore(torch.load(file, weights_only=True))
    return other
