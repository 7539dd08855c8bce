"""A beat is drawn so that its error reads the same in every picture."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from experiments.reports import beat as drawing
from experiments.reports.beat import Panel
from preprocess import spectrogram
from preprocess.beats import TIMES_S


def beat(height_mv=1.0, at_s=0.0):
    return height_mv * np.exp(-(((TIMES_S - at_s) / 0.012) ** 2))


def panel(error, setting="complex", **changes):
    shape = spectrogram.SETTINGS[setting].shape[1:]
    rising = np.linspace(0, 1, shape[0])[::-1, None] * np.ones(shape)
    values = {
        "title": "V, record 200",
        "beat_mv": beat(),
        "generated_mv": beat(0.9),
        "images": {"real": rising, "generated": rising / 2},
        "error": error,
        "setting": setting,
        "segments": [(-0.05, 0.1)],
    }
    return Panel(**values | changes)


def flat_error(level_sd, setting="complex"):
    return np.full(spectrogram.SETTINGS[setting].shape[1:], float(level_sd))


def drawn(one_panel):
    figure = Figure((11, 2))
    axes = drawing.beat_axes(figure, figure.add_gridspec(1, 1)[0], one_panel)
    drawing.draw_beat(axes, one_panel)
    return figure, axes


def pixels(figure, axes):
    """(height, width, 3) of what an axes shows, its frame left out."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = axes.get_window_extent()
    picture = np.asarray(canvas.buffer_rgba())[::-1, :, :3]
    return picture[int(box.y0) + 3 : int(box.y1) - 3, int(box.x0) + 3 : int(box.x1) - 3]


def test_normal_beat_is_dark_and_without_contour():
    figure, axes = drawn(panel(flat_error(1.0), segments=[]))
    for name in ("error", "strip"):
        assert pixels(figure, axes[name]).max() < 80, name


def test_abnormal_place_is_bright_and_ringed_where_it_is():
    error = flat_error(0.5)
    error[:10, 20:26] = 7.0
    figure, axes = drawn(panel(error))
    shown = pixels(figure, axes["error"]).astype(int).sum(2)
    height, width = shown.shape  # row 0 is the lowest frequency
    assert shown[height // 6, int(width * 23 / 32)] > 300
    assert shown[height // 2 :, :].max() < 100 and shown[:, : width // 2].max() < 100
    assert len(axes["error"].collections) == 2  # the map and its contour


def test_error_has_the_same_colour_in_every_panel():
    """A beat's colours must not depend on its own largest error, nor on its neighbours'."""
    quiet, loud = flat_error(2.0), flat_error(2.0)
    loud[:, 16:] = 50.0
    colours = []
    for error in (quiet, loud):
        figure, axes = drawn(panel(error))
        shown = pixels(figure, axes["error"])
        colours.append(shown[shown.shape[0] // 2, shown.shape[1] // 4])
    assert np.array_equal(*colours)


def test_real_and_generated_image_share_one_scale():
    _, axes = drawn(panel(flat_error(0)))
    real, generated = (axes[name].collections[0].norm for name in ("real", "generated"))
    assert (real.vmin, real.vmax) == (generated.vmin, generated.vmax) == (0.0, 1.0)
