"""Methods side by side: published ones are those there are, and a picture is drawn with gaps."""

import numpy as np
import pandas as pd

from experiments.reports import comparison
from models import MODELS


def test_published_figures_stand_beside_detectors_of_the_same_name():
    assert set(comparison.PUBLISHED) - {"beatgan-augmented"} <= set(MODELS)


def test_methods_of_two_protocols_are_drawn(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(comparison, "save", lambda figure, path: figures.append(figure))
    row = {"context": "none", "select": "last", "auc": 0.9, "ap": 0.8, "auc_sd": 0.01}
    row |= {"ap_sd": np.nan, "published_auc": None, "published_ap": None}
    rows = [
        {"protocol": "one", "model": "a"} | {"published_auc": 0.95, "published_ap": 0.9},
        {"protocol": "one", "model": "b"},
        {"protocol": "two", "model": "a"},
    ]
    comparison.draw_comparison(pd.DataFrame([row | each for each in rows]), tmp_path)
    names = [[tick.get_text() for tick in axes.get_yticklabels()] for axes in figures[0].axes]
    assert names == [["a", "b"], ["", ""], ["a"], [""]]
