"""How every picture looks: colours, sizes, and how it is written. Headless: no window, no pyplot state."""

import io
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from preprocess.files import whole_file

DPI = 110
IMAGE_COLOURS = "cividis"
# Okabe M, Ito K. Color universal design, 2008: told apart with any kind of colour vision. Each class also differs in
# lightness or line style, for print in grey.
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
CLASS_NAMES = {
    "N": "normal and bundle branch block",
    "S": "supraventricular ectopic",
    "V": "ventricular ectopic",
    "F": "fusion",
    "Q": "paced or unclassifiable",
    "abnormal": "all abnormal beats",
}
ABNORMAL = "SVFQ"
EMPTY = "#d9d9d9"  # where an image has no data
CHANCE = {"color": GREY, "linewidth": 1, "linestyle": ":"}
SMALL = 8  # points
WIDTH_IN = 11.0


def new_figure(width_in, height_in):
    return Figure((width_in, height_in), dpi=DPI, facecolor="white")


def save(figure, path):
    """Write a figure as PNG, under a temporary name first: nothing half-written is ever found. Returns the path."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    with whole_file(path) as part, Image.open(drawn) as image:
        image.convert("RGB").save(part, format="png")  # without transparency: smaller
    return Path(path)


def draw_note(path, heading, sentence):
    page = new_figure(WIDTH_IN, 1.2)
    page.text(0.012, 0.9, heading, va="top", fontsize=12, fontweight="bold", parse_math=False)
    page.text(0.012, 0.4, sentence, va="top", fontsize=10, color=GREY, parse_math=False)
    return save(page, path)
