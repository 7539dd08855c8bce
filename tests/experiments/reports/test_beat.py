"""A beat is drawn so that its error reads the same in every picture."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from experiments.reports import beat as drawing
from experiments.reports.beat import Panel
from experiments.reports.style import ERROR_SCALE
from preprocess import spectrogram


def beat(height_mv=1.0, at_s=0.0):
    return height_mv * np.exp(-(((drawing.SAMPLES_S - at_s) / 0.012) ** 2))


def panel(error, setting="complex", **changes):
    shape = spectrogram.SETTINGS[setting].shape[1:]
    rising = np.linspace(0, 1, shape[0])[::-1, None] * np.ones(shape)
    values = {
        "title": "V, record 200",
        "beat_mv": beat(),
        "generated_mv": beat(0.9),
        "image": rising,
        "generated": rising / 2,
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


@pytest.mark.parametrize("setting", spectrogram.SETTINGS)
def test_every_axes_is_labelled_in_seconds_hertz_and_millivolts(setting):
    _, axes = drawn(panel(flat_error(0, setting), setting))
    assert "mV" in axes["trace"].get_ylabel()
    for name in ("real", "generated", "error"):
        assert "Hz" in axes[name].get_ylabel() and "(s)" in axes[name].get_xlabel()
        assert axes[name].get_xlim() == axes["trace"].get_xlim()
        assert axes[name].get_ylim()[1] == pytest.approx(spectrogram.axes(setting)[1][-1], rel=0.05)


def test_strip_and_segments_stand_where_the_error_is():
    error = flat_error(0)
    error[5, 9] = 6.0
    _, axes = drawn(panel(error, segments=[(-0.2, -0.1), (0.0, 0.3)]))
    assert np.argmax(axes["strip"].collections[0].get_array()) == 9
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes["trace"].patches]
    assert np.allclose(spans, [(-0.2, -0.1), (0.0, 0.3)])


def test_a_flat_beat_is_not_blown_up():
    _, axes = drawn(panel(flat_error(0), beat_mv=beat(0.01), generated_mv=None))
    assert np.ptp(axes["trace"].get_ylim()) >= drawing.SMALLEST_SPAN_MV


def test_a_method_on_traces_has_an_error_trace_instead_of_a_map():
    _, axes = drawn(panel(np.linspace(0, 20, 320), image=None, generated=None))
    assert set(axes) == {"trace", "strip", "error"}
    assert axes["error"].get_ylim() == ERROR_SCALE


@pytest.mark.parametrize(
    "panels",
    [
        [panel(flat_error(1)), panel(flat_error(9), title="$odd _title^", segments=[])],
        [panel(np.ones(320), image=None, generated=None, generated_mv=None)],
    ],
    ids=["images", "traces"],
)
def test_panels_are_drawn_below_each_other_with_one_key(tmp_path, monkeypatch, panels):
    figures = []
    monkeypatch.setattr(drawing, "save", lambda figure, path: figures.append(figure))
    drawing.draw_panels(panels, tmp_path, "Beats")
    titles = [axes.get_title(loc="left") for axes in figures[0].axes]
    assert [title for title in titles if title] == [panel.title for panel in panels]
    assert len(figures[0].legends) == 1
