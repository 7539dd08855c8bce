"""The search ends nearer to the beat than it began."""

import torch
from synthetic_beats import normal_beats

from models.compared import anogan
from models.compared.anogan import AnoGAN


def test_search_lowers_the_loss(monkeypatch):
    monkeypatch.setattr(AnoGAN, "widths", (8, 8, 8, 8, 8))
    monkeypatch.setattr(anogan, "STARTS", 64)
    torch.manual_seed(0)
    detector, beats = AnoGAN(AnoGAN.defaults).eval(), normal_beats(12)
    detector.finish(beats, beats)
    monkeypatch.setattr(anogan, "STEPS", 0)
    start = detector.score(beats)
    monkeypatch.setattr(anogan, "STEPS", 15)
    assert (detector.score(beats) < start).mean() > 0.8
