"""Scores come from averaged weights, which follow those in training; where these begin."""

import torch
from synthetic_beats import normal_beats

from models.compared.beatgan import HORIZON, BeatGAN, towards
from options import TRAINING_OF_OTHERS


def test_the_average_forgets_what_is_old():
    average = torch.zeros(())
    for step in range(1, 1001):  # a value that rises from 0 to 1
        average = towards(average, torch.tensor(step / 1000), torch.tensor(step))
    assert 0.5 < average < 1
    assert towards(torch.zeros(()), torch.ones(()), torch.tensor(0)) == 1
    assert towards(torch.zeros(()), torch.ones(()), torch.tensor(HORIZON)) == 0.5


def test_scores_read_the_average(monkeypatch):
    monkeypatch.setattr(BeatGAN, "widths", (8, 8, 8, 8, 8))
    detector, beats = BeatGAN(TRAINING_OF_OTHERS | {"w_adv": 1.0}), normal_beats(32)
    detector.begin_step(0.0)
    detector.training_step(beats)
    before = detector.score(beats)
    for weight in detector.encoder.parameters():
        weight.data.zero_()
    assert (detector.score(beats) == before).all()
