"""What every method of the comparison must do, whatever it is: learn normal beats, see and find
what is not normal."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from synthetic_beats import INJECTED, abnormal_beats, normal_beats, reloaded, trained

from models import MODELS
from models.compared.rhythm import Rhythm
from preprocess import BadInput
from preprocess.beats import BEFORE, WINDOW

NARROW = (8, 16, 16, 32, 32)
# How each learns most quickly here; what is not named learns with its defaults, if by steps at all.
OPTIONS = {
    "autoencoder": {"niter": 6, "batchsize": 16, "lr": 5e-3},
    "beatgan": {"niter": 8, "batchsize": 16, "lr": 5e-3},
    "beatgan-original": {"niter": 8, "batchsize": 16, "lr": 3e-3},
    "ganomaly": {"niter": 7, "batchsize": 16, "lr": 5e-3},
    "anogan": {"niter": 14, "batchsize": 32, "lr": 3e-3},
}
ELSEWHERE = ("b2igan", "b2igan-original")  # have tests of their own: these beats are too few


@pytest.fixture(scope="module", params=[name for name in MODELS if name not in ELSEWHERE])
def name(request):
    return request.param


@pytest.fixture(scope="module")
def detector(name):
    with pytest.MonkeyPatch.context() as patch:
        if hasattr(MODELS[name], "widths"):
            patch.setattr(MODELS[name], "widths", NARROW)
        yield trained(MODELS[name], normal_beats(192), **OPTIONS.get(name, {}))


def test_abnormal_beats_score_above_unseen_normal_ones(detector):
    normal, abnormal = detector.score(normal_beats(64, seed=2)), detector.score(abnormal_beats(64))
    assert normal.shape == (64,) and normal.dtype == np.float64 and np.isfinite(abnormal).all()
    assert roc_auc_score(np.repeat([0, 1], 64), np.r_[normal, abnormal]) > 0.75


def test_error_map_points_at_what_was_injected(detector):
    beats = abnormal_beats(32)
    found = detector.error_map(beats)
    assert found.shape == (beats.image if detector.image else beats.beat_mv).shape
    over_time = found.reshape(32, -1, found.shape[-1]).mean((0, 1))
    seconds = (np.arange(len(over_time)) + 0.5) * WINDOW / len(over_time)
    inside = over_time[(seconds >= INJECTED.start) & (seconds < INJECTED.stop)].mean()
    assert inside > over_time[seconds >= BEFORE].mean()


def test_errors_are_in_standard_deviations_of_normal_beats(detector):
    assert not detector.has_error_map
    detector.fit_error_map(normal_beats(64, seed=3), normal_beats(64, seed=4))
    normal = detector.errors(normal_beats(64, seed=2))[1]
    found = detector.errors(abnormal_beats(64))[1]
    detector.error_unit = None
    assert normal.shape == (64, WINDOW) and (normal >= 0).all() and normal.mean() < 1.5
    highest = [np.median(errors[:, INJECTED].max(1)) for errors in (normal, found)]
    assert highest[0] < highest[1] or isinstance(detector, Rhythm)


def test_a_file_of_tensors_rebuilds_it(detector):
    beats = abnormal_beats(16)
    again = reloaded(detector).eval().score(beats)
    np.testing.assert_array_equal(again, detector.eval().score(beats))


def test_too_few_beats_for_components_are_a_sentence():
    with pytest.raises(BadInput, match="too few for 20 principal components"):
        trained(MODELS["pca"], normal_beats(19))


@pytest.mark.parametrize("mode", [True, False])
def test_scoring_is_repeatable_and_leaves_no_trace(detector, mode):
    beats, before = normal_beats(16), {k: v.clone() for k, v in detector.state_dict().items()}
    detector.train(mode)
    np.testing.assert_array_equal(detector.score(beats), detector.score(beats))
    assert all(m.training is mode for m in detector.modules())
    assert all((v == before[k]).all() for k, v in detector.state_dict().items())
