"""What every method of the comparison must do, whatever it is: learn normal beats, see and find what is not normal."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from synthetic_beats import INJECTED, abnormal_beats, normal_beats, reloaded, trained

from models.anogan import AnoGAN
from models.autoencoder import AutoEncoder
from models.baselines import OCSVM, PCAReconstruction, Rhythm
from models.beatgan import BeatGAN
from models.ganomaly import Ganomaly
from models.neighbours import ImageNeighbours, Neighbours, WhitenedNeighbours
from preprocess.beats import BEFORE, WINDOW

TRAINED = {cls: {"niter": 12, "batchsize": 16, "lr": 2e-3} for cls in (AutoEncoder, BeatGAN, Ganomaly, AnoGAN)}
METHODS = {**TRAINED, **dict.fromkeys((PCAReconstruction, OCSVM, Rhythm, Neighbours, WhitenedNeighbours, ImageNeighbours), {})}


@pytest.fixture(scope="module", params=METHODS, ids=lambda cls: cls.__name__)
def detector(request):
    with pytest.MonkeyPatch.context() as patch:
        if request.param in TRAINED:
            patch.setattr(request.param, "widths", (8, 16, 16, 32, 32))
        yield trained(request.param, normal_beats(192), **METHODS[request.param])


def test_abnormal_beats_score_above_held_out_normal_ones(detector):
    normal, abnormal = detector.score(normal_beats(64, seed=2)), detector.score(abnormal_beats(64))
    assert normal.shape == (64,) and normal.dtype == np.float64 and np.isfinite(abnormal).all()
    assert roc_auc_score(np.repeat([0, 1], 64), np.r_[normal, abnormal]) > 0.95


def test_error_map_points_at_what_was_injected(detector):
    beats = abnormal_beats(32)
    found = detector.error_map(beats)
    assert found.shape == (beats.image if detector.explains == "image" else beats.beat_mv).shape
    over_time = found.reshape(32, -1, found.shape[-1]).mean((0, 1))
    seconds = (np.arange(len(over_time)) + 0.5) * WINDOW / len(over_time)
    inside = over_time[(seconds >= INJECTED.start) & (seconds < INJECTED.stop)].mean()
    assert inside > 2 * over_time[seconds >= BEFORE].mean()


def test_generated_beats_lack_what_was_injected(detector):
    beats = abnormal_beats(32)
    normal = detector.generate(beats)
    if isinstance(detector, Rhythm):
        assert normal is None
    elif detector.explains == "image":
        assert normal.shape == beats.image.shape
    else:
        peak_mv = beats.beat_mv[:, INJECTED].max(1)
        assert normal.shape == beats.beat_mv.shape
        assert np.median(normal[:, INJECTED].max(1) / peak_mv) < 0.7
        assert np.abs(normal.max(1) - beats.beat_mv.max(1)).mean() < 0.5  # in mV, on the beat's own scale


def test_a_file_of_tensors_rebuilds_it(detector):
    beats = abnormal_beats(16)
    np.testing.assert_array_equal(reloaded(detector).eval().score(beats), detector.eval().score(beats))


@pytest.mark.parametrize("mode", [True, False])
def test_scoring_is_repeatable_and_leaves_no_trace(detector, mode):
    beats, before = normal_beats(16), {k: v.clone() for k, v in detector.state_dict().items()}
    detector.train(mode)
    np.testing.assert_array_equal(detector.score(beats), detector.score(beats))
    assert detector.training is mode and all(m.training is mode for m in detector.modules())
    assert all((v == before[k]).all() for k, v in detector.state_dict().items())
    assert all(p.requires_grad for p in detector.parameters())


@pytest.mark.parametrize("cls", TRAINED)
def test_error_on_held_out_normals_falls(cls, monkeypatch):
    monkeypatch.setattr(cls, "widths", (8, 16, 16, 32, 32))
    beats, held_out = normal_beats(192), normal_beats(64, seed=2)
    before, after = (trained(cls, beats, **TRAINED[cls] | {"niter": niter}).error_map(held_out).mean()
                     for niter in (0, 12))
    assert after < before / 2
