"""Parts are left out one by one, and all together they are the score itself."""

import pandas as pd
import pytest

from experiments import ablation
from experiments.training import checkpoint
from experiments.training.metrics import detection
from experiments.training.protocols import split
from experiments.training.scoring import score_rows


def test_command_writes_a_row_for_each_choice(data, dataroot, weights, tmp_path):
    flags = {"--checkpoint": weights, "--dataroot": dataroot, "--outf": tmp_path, "--device": "cpu"}
    ablation.main([str(word) for pair in flags.items() for word in pair])
    table = pd.read_csv(tmp_path / "ablation_beatgan.csv").set_index("parts")["auc"]
    assert {"all", "without timing", "timing alone", "no GAN"} <= set(table.index)
    assert table["all"] > table["timing alone"] and table.between(0, 1).all()
    detector, rows = checkpoint.load(weights).detector(), split(data.index, "beatgan")
    scores = score_rows(detector, data, rows.test, "record")
    found = detection(scores, rows.classes[rows.test], threshold=0.0)
    assert table["all"] == pytest.approx(found["auc"], abs=2e-4)
