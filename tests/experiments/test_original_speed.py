"""The speed of each way is measured, and the quicker one has less to do."""

from experiments import original_speed
from models.compared import b2igan_original


def test_three_ways_are_timed(monkeypatch, capsys):
    monkeypatch.setattr(b2igan_original, "WIDTHS", (2, 4, 8, 16, 32))
    monkeypatch.setattr(original_speed, "MATRIX", 64)
    result = original_speed.main(["--steps", "1", "--batchsize", "4"])
    assert len(result["beats_per_s"]) == len(result["beats_per_cpu_s"]) == 3
    assert min(result["beats_per_s"].values()) > 0 and result["gflop_a_beat"] > 0
    assert "as published, float32" in capsys.readouterr().out
