"""How every picture looks and is written. Headless: no window, no pyplot state.

The figure library is loaded when something is drawn: pages need colours and scale alone.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from preprocess.classes import CLASS_NAMES
from preprocess.files import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Standard deviations of calibration normals: one colour scale for every beat ever drawn.
ERROR_SCALE = (0.0, 8.0)
CONTOUR_SD = 4.0  # level of the contour on an error map
ERROR_COLOURS = "inferno"  # dark is normal; lightness rises steadily, so it reads the same in grey

DPI = 110
WIDTH_IN = 11.0  # of a page of pictures
IMAGE_COLOURS = "cividis"
# Okabe M, Ito K. Color universal design, 2008: told apart with any kind of colour vision. Each
# class also differs in lightness or line style, for print in grey.
BLACK, GREY, BLUE, VERMILION = "#000000", "#666666", "#0072B2", "#D55E00"
CLASS_COLOURS = {
    "N": GREY,
    "S": "#E69F00",
    "V": "#0072B2",
    "F": "#009E73",
    "Q": "#CC79A7",
    "abnormal": BLACK,
}
CLASS_DASHES = {"S": (5, 1.5), "V": (1.5, 1), "F": (5, 1, 1, 1), "Q": (3, 1, 1, 1, 1, 1)}
GROUP_NAMES = CLASS_NAMES | {"abnormal": "all abnormal beats"}
EMPTY = "#d9d9d9"  # where an image has no data
SMALL = 8  # points


def new_figure(width_in: float, height_in: float, heading: str = "") -> Figure:
    """An empty figure; its heading stands in the upper left corner."""
    from matplotlib.figure import Figure

    figure = Figure((width_in, height_in), dpi=DPI, facecolor="white")
    at = {"x": 0.012, "y": 1 - 0.12 / height_in, "ha": "left", "va": "top"}
    figure.suptitle(heading, fontsize=12, fontweight="bold", parse_math=False, **at)
    return figure


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all. Returns the path."""
    from PIL import Image

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    with whole_file(path) as part, Image.open(drawn) as image:
        image.convert("RGB").save(part, format="png")  # without transparency: smaller
    return Path(path)
