"""The scale of errors: one for all, known without a figure library."""

import subprocess
import sys
from pathlib import Path

import pytest

from experiments.reports.scale import CONTOUR_SD, ERROR_SCALE


def test_the_contour_lies_on_the_scale():
    assert ERROR_SCALE[0] < CONTOUR_SD < ERROR_SCALE[1]


@pytest.mark.parametrize("module", ["reports.scale", "reports.pages", "training.evaluation"])
def test_what_draws_nothing_loads_no_figure_library(module):
    code = f"import sys, experiments.{module}; sys.exit('matplotlib' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3]).returncode == 0
    )
