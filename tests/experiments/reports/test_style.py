"""One look for all pictures, known without a figure library; pictures are written whole."""

import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from experiments.reports import style


def test_every_class_has_a_colour_and_a_name_and_the_contour_lies_on_the_scale():
    assert set(style.CLASS_COLOURS) == set(style.GROUP_NAMES)
    assert set(style.CLASS_DASHES) <= set(style.CLASS_COLOURS)
    assert style.ERROR_SCALE[0] < style.CONTOUR_SD < style.ERROR_SCALE[1]


def test_nothing_is_left_when_drawing_fails(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(RuntimeError):
        style.save(style.new_figure(1, 1), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_what_draws_nothing_loads_no_figure_library():
    modules = (
        "experiments.reports.style, experiments.reports.pages, experiments.training.evaluation"
    )
    code = f"import sys, {modules}; sys.exit('matplotlib' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3])
    assert run.returncode == 0
