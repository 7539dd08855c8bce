"""Parts are left out for good, and all together they are the score itself."""

import numpy as np
import pandas as pd

from experiments import ablation
from experiments.training import checkpoint
from experiments.training.protocols import split
from experiments.training.scoring import score_rows


def test_all_parts_together_are_the_score(data, weights):
    detector, rows = checkpoint.load(weights).detector(), split(data.index, "beatgan")
    detector.opt["without"] = []
    expected = score_rows(detector, data, rows.test, "record")
    parts = detector.standard_parts(data.beats(np.arange(len(data.index))))
    np.testing.assert_allclose(
        ablation.rescored(detector, parts, data, rows), expected, rtol=1e-4, atol=1e-4
    )


def test_what_is_left_out_has_no_say(data, weights):
    detector, rows = checkpoint.load(weights).detector(), split(data.index, "beatgan")
    parts = detector.standard_parts(data.beats(np.arange(len(data.index))))
    detector.opt["without"] = ["latent"]
    first = ablation.rescored(detector, parts, data, rows)
    parts[:, 0] = np.random.default_rng(0).random(len(parts))
    np.testing.assert_array_equal(ablation.rescored(detector, parts, data, rows), first)


def test_command_writes_a_row_for_each_choice(dataroot, weights, tmp_path):
    flags = {"--checkpoint": weights, "--dataroot": dataroot, "--outf": tmp_path, "--device": "cpu"}
    ablation.main([str(word) for pair in flags.items() for word in pair])
    table = pd.read_csv(tmp_path / "ablation_beatgan.csv").set_index("parts")["auc"]
    assert {"all", "without timing", "timing alone", "no GAN"} <= set(table.index)
    assert table["all"] > table["timing alone"] and table.between(0, 1).all()
