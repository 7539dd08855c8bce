"""A network that compares a beat with its own patient's: for patients it has never met."""

import numpy as np
import pytest
import torch
from ecg_recording import recording_with_wide_beats
from sklearn.metrics import roc_auc_score

from models.b2igan.conditional import POINTS, Generator
from models.b2igan.own_recording import aligned
from models.b2igan.patient_gan import PatientGAN
from models.b2igan.virtual_patients import draw, person
from preprocess.constants import WINDOW


@pytest.fixture(scope="module")
def trained():
    network, people = PatientGAN(), []
    for seed in range(3):
        recording, wide = recording_with_wide_beats(200, 0.1, seed=seed)
        people.append((recording.beat_mv, ~wide, np.flatnonzero(~wide)[:80]))
    network.fit(people, seed=0, steps=40)
    return network


def test_an_unseen_patients_wide_beats_score_high(trained):
    recording, wide = recording_with_wide_beats(200, 0.2, seed=9)
    scores = trained.score(recording.beat_mv, np.flatnonzero(~wide)[:80])
    assert roc_auc_score(wide, scores) > 0.95


def test_scores_do_not_depend_on_size_nor_on_the_other_beats(trained):
    recording, wide = recording_with_wide_beats(200, 0.2, seed=9)
    reference = np.flatnonzero(~wide)[:80]
    scores = trained.score(recording.beat_mv, reference)
    np.testing.assert_allclose(trained.score(3 * recording.beat_mv, reference), scores, atol=0.02)


def test_training_again_gives_the_same_weights():
    recording, wide = recording_with_wide_beats(60, 0.1)
    found = []
    for _ in range(2):
        network = PatientGAN()
        network.fit([(recording.beat_mv, ~wide, np.flatnonzero(~wide))], seed=3, steps=2)
        found.append(network.score(recording.beat_mv, np.flatnonzero(~wide)))
    np.testing.assert_array_equal(*found)


def test_the_normal_version_is_between_the_references():
    torch.manual_seed(0)
    references = torch.randn(5, 12, POINTS)
    version = Generator().eval()(torch.randn(5, POINTS), references)
    assert (version <= references.amax(1) + 1e-5).all()
    assert (version >= references.amin(1) - 1e-5).all()


def test_the_normal_version_of_a_wide_beat_is_a_usual_one(trained):
    recording, wide = recording_with_wide_beats(200, 0.2, seed=9)
    beats_mv = 1.7 * recording.beat_mv + 0.4  # in mV, as they were recorded
    normal_mv = trained.normal_versions(beats_mv[wide], beats_mv[~wide][:80])
    usual_mv = beats_mv[~wide].mean(0)
    level = lambda x: x - np.median(x, -1, keepdims=True)
    off = np.abs(level(normal_mv) - level(usual_mv)).mean()
    assert off < 0.25 * np.abs(level(beats_mv[wide]) - level(usual_mv)).mean()


@pytest.mark.parametrize("references", [1, 2, 5])
def test_few_references_are_enough(trained, references):
    recording, _ = recording_with_wide_beats(20, 0)
    scores = trained.score(recording.beat_mv, np.arange(references))
    assert scores.shape == (20,) and np.isfinite(scores).all()


def test_a_virtual_patients_references_are_changed_as_its_beats_are():
    torch.manual_seed(0)
    recording, _ = recording_with_wide_beats(80, 0)
    someone = person(aligned(recording.beat_mv), np.ones(80, bool), np.arange(80))
    drawn = draw([someone], patients=6, beats=4)
    assert drawn.shape == (24, 13, WINDOW) and torch.isfinite(drawn).all()
    within = (drawn[:, 0] - drawn[:, 1:].mean(1)).abs().mean()
    between = (drawn[:4, 0] - drawn[4:8, 0]).abs().mean()
    assert within < between / 2
