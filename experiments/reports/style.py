"""How every picture looks and is written. Headless: no window, no pyplot state."""

import io
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from preprocess.classes import CLASS_NAMES
from preprocess.files import whole_file

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
CHANCE = {"color": GREY, "linewidth": 1, "linestyle": ":"}
SMALL = 8  # points


def new_figure(width_in: float, height_in: float) -> Figure:
    return Figure((width_in, height_in), dpi=DPI, facecolor="white")


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all. Returns the path."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    with whole_file(path) as part, Image.open(drawn) as image:
        image.convert("RGB").save(part, format="png")  # without transparency: smaller
    return Path(path)


def draw_note(path: Path, heading: str, sentence: str) -> Path:
    """A picture that says why there is none. Returns the path."""
    page = new_figure(WIDTH_IN, 1.2)
    page.text(0.012, 0.9, heading, va="top", fontsize=12, fontweight="bold", parse_math=False)
    page.text(0.012, 0.4, sentence, va="top", fontsize=10, color=GREY, parse_math=False)
    return save(page, path)
