"""Pictures of a comparison are drawn from its table, with gaps or without."""

import numpy as np
import pandas as pd

from experiments.reports.comparison import draw_best, draw_comparison


def test_methods_of_two_protocols_are_drawn(tmp_path, assert_is_modest_png):
    row = {
        "context": "none",
        "select": "last",
        "auc": 0.9,
        "ap": 0.8,
        "auc_sd": 0.01,
        "ap_sd": None,
    }
    table = pd.DataFrame(
        [
            row | {"protocol": "one", "model": "a", "published_auc": 0.95, "published_ap": 0.9},
            row | {"protocol": "one", "model": "b", "published_auc": None, "published_ap": None},
            row | {"protocol": "two", "model": "a", "published_auc": None, "published_ap": None},
        ]
    )
    assert_is_modest_png(draw_comparison(table, tmp_path / "comparison.png"))


def test_best_methods_are_drawn_beside_each_other(tmp_path, assert_is_modest_png):
    rng, classes = np.random.default_rng(0), np.repeat(list("NSVF"), [200, 20, 30, 5])
    methods = {name: (rng.gamma(2, 1, len(classes)), classes) for name in ("a", "b")}
    assert_is_modest_png(draw_best(methods, tmp_path / "best.png"))
