"""Published figures are of methods that there are, or of their variants."""

from experiments.reports.published import PUBLISHED
from models import MODELS


def test_published_figures_stand_beside_detectors_of_the_same_name():
    assert set(PUBLISHED) - {"beatgan-augmented"} <= set(MODELS)
    for method, auc, ap in PUBLISHED.values():
        assert method and 0.5 < auc < 1 and 0.5 < ap < 1
