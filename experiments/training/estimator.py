"""A detector as an outlier detector of scikit-learn: arrays of beats in, who is unlike them out."""

from types import SimpleNamespace

import numpy as np
import torch
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch.nn.functional import interpolate

import options
from experiments.training.device import autocast, find_device
from experiments.training.loop import MOST_NORMALS, complete_options, train_epoch
from models import MODELS, evenly
from preprocess import spectrogram
from preprocess.beats import WINDOW, Beats

ASIDE = 10  # every tenth beat trains nothing: it calibrates the detector and its threshold


class BeatOutliers(OutlierMixin, BaseEstimator):
    """Any detector of `models.MODELS` that scores a beat by itself.

    X: (n, m) beats in mV, each from 0.39 s before to 0.5 s after its R peak; 320 samples at 360 Hz,
    others are read at 320 places. As everywhere in scikit-learn, predict gives -1 for outliers and
    decision_function is below 0 there. PyOD's names are set too, with its signs:
    decision_scores_, threshold_, labels_.

    contamination: share of such beats that are held for outliers, up to a half; niter: epochs, None
    for the detector's own. Some detectors want more beats than others: they say so.
    """

    def __init__(self, model="b2igan", contamination=0.05, niter=None, random_state=0):
        self.model = model
        self.contamination = contamination
        self.niter = niter
        self.random_state = random_state

    def fit(self, X, y=None):
        """X: (n, m) beats, taken for normal whatever y says."""
        if self.model not in MODELS or "none" not in MODELS[self.model].contexts:
            names = sorted(name for name in MODELS if "none" in MODELS[name].contexts)
            raise ValueError(f"model {self.model} is none of {', '.join(names)}")
        if not 0 < self.contamination <= 0.5:
            raise ValueError(f"contamination {self.contamination} is not between 0 and 0.5")
        X = validate_data(self, X, dtype=np.float32, ensure_min_samples=3, ensure_min_features=2)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        opt = options.parse("main", ["--model", self.model, "--protocol", "interpatient"])
        opt.seed, opt.niter = seed, self.niter
        kept, device = complete_options(opt), find_device(opt.device)
        beats = _beats(X, MODELS[self.model].image)
        calibrating = np.arange(len(X)) % ASIDE == 0
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.detector_ = MODELS[self.model](kept).to(device)
            training, most = np.flatnonzero(~calibrating), self.detector_.most_normals
            some = beats[training[evenly(len(training), most or MOST_NORMALS)]]
            self.detector_.prepare(some)
            data = SimpleNamespace(beats=lambda rows, _: beats[rows])
            precision = autocast(opt.amp, device)
            for epoch in range(kept["niter"]):
                train_epoch(self.detector_, data, training, epoch, kept, precision)
            self.detector_.eval().finish(some, beats[calibrating])
        self.decision_scores_ = self.detector_.score(beats, "none")
        self.offset_ = -np.quantile(self.decision_scores_[calibrating], 1 - self.contamination)
        self.threshold_ = -self.offset_
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(int)
        return self

    def score_samples(self, X):
        """(n, m) to (n,), lower is more abnormal: the detector's score with the other sign."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        return -self.detector_.score(_beats(X, self.detector_.image), "none")

    def decision_function(self, X):
        """(n, m) to (n,): below 0 for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """(n, m) to (n,): -1 for outliers, else 1."""
        return np.where(self.decision_function(X) < 0, -1, 1)


def _beats(X, image):
    """Windows (n, m) as Beats of one recording of which nothing else is known."""
    n, traces = len(X), torch.tensor(X)[:, None]
    beat_mv = interpolate(traces, WINDOW, mode="linear", align_corners=True)[:, 0].numpy()
    images = None if image is None else spectrogram.stored_images(beat_mv, image)
    return Beats(images, beat_mv, np.full(n, ""), np.arange(n), np.ones((n, 3), np.float32))
