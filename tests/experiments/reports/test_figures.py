"""What a reader of the figures relies on."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from experiments.reports import figures
from experiments.reports.figures import CONTOUR_SD, Panel
from preprocess import spectrogram

METRICS = {
    "model": "b2igan",
    "protocol": "beatgan",
    "fold": 0,
    "seed": 3,
    "context": "none",
    "source": "mitdb",
    "select": "last",
    "uses_anomaly_labels": False,
    "auc": 0.9712,
    "ap": 0.9501,
    "auc_ci": [0.968, 0.974],
    "ap_ci": [0.945, 0.955],
    "per_class_auc": {"S": 0.9, "V": 0.99, "F": 0.95, "Q": None},
    "n_normal": 1000,
    "n_abnormal": 500,
    "per_class_n": {"S": 200, "V": 250, "F": 50, "Q": 0},
    "threshold": 2.5,
    "false_alarm_target": 0.05,
    "false_alarm_rate": 0.048,
    "sensitivity": 0.9,
    "per_class_sensitivity": {"S": 0.8, "V": 0.98, "F": 0.9, "Q": None},
    "ppv": 0.9,
    "f1": 0.9,
    "epochs": 8,
    "train_beats": 60000,
    "parameters": 400000,
}


def beat(height_mv=1.0, at_s=0.0):
    return height_mv * np.exp(-(((figures.BEAT_S - at_s) / 0.012) ** 2))


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
        "marks": [(-0.05, 0.1)],
    }
    return Panel(**values | changes)


def flat_error(level_sd, setting="complex"):
    return np.full(spectrogram.SETTINGS[setting].shape[1:], float(level_sd))


def drawn(one_panel):
    figure = Figure((11, 2))
    axes = figures.beat_axes(figure, figure.add_gridspec(1, 1)[0], one_panel)
    figures.draw_beat(axes, one_panel)
    return figure, axes


def pixels(figure, axes):
    """(height, width, 3) of what an axes shows, its frame left out."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = axes.get_window_extent()
    picture = np.asarray(canvas.buffer_rgba())[::-1, :, :3]
    return picture[int(box.y0) + 3 : int(box.y1) - 3, int(box.x0) + 3 : int(box.x1) - 3]


def scores_of(rng, counts):
    classes = np.repeat(list(counts), list(counts.values()))
    return rng.gamma(2.0, 1.0, len(classes)) + 3 * (classes != "N"), classes


def assert_is_modest_png(path):
    with Image.open(path) as image:
        image.verify()
        assert image.format == "PNG"
    assert path.stat().st_size < 300_000
    assert not list(path.parent.glob("*.part"))


# ------------------------------------------------------------------------------------------------------- beats


def test_normal_beat_is_dark_and_without_contour():
    figure, axes = drawn(panel(flat_error(1.0), marks=[]))
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


def test_contour_stands_at_the_stated_level():
    below, above = (
        drawn(panel(flat_error(0) + np.eye(32) * level))[1]["error"]
        for level in (CONTOUR_SD - 0.1, CONTOUR_SD + 0.1)
    )
    assert len(below.collections) == 1 and len(above.collections) == 2


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


def test_strip_is_the_largest_error_at_each_time():
    error = flat_error(0)
    error[5, 9] = 6.0
    _, axes = drawn(panel(error))
    assert np.argmax(axes["strip"].collections[0].get_array()) == 9


def test_marks_are_shaded_where_they_are():
    _, axes = drawn(panel(flat_error(0), marks=[(-0.2, -0.1), (0.0, 0.3)]))
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes["trace"].patches]
    assert np.allclose(spans, [(-0.2, -0.1), (0.0, 0.3)])


def test_a_flat_beat_is_not_blown_up():
    _, axes = drawn(panel(flat_error(0), beat_mv=beat(0.01), generated_mv=None))
    assert np.ptp(axes["trace"].get_ylim()) >= figures.SMALLEST_SPAN_MV


def test_waveform_method_draws_an_error_trace_instead_of_a_map():
    _, axes = drawn(panel(np.linspace(0, 20, 320), image=None, generated=None))
    assert set(axes) == {"trace", "strip", "error"}
    assert axes["error"].get_ylim() == figures.ERROR_SCALE


@pytest.mark.parametrize(
    "panels",
    [
        [panel(flat_error(1)), panel(flat_error(9), title="$odd _title^", marks=[])],
        [panel(flat_error(1, "seed"), "seed", generated_mv=None)],
        [panel(flat_error(1), generated=None, generated_mv=None)],
        [panel(np.ones(320), image=None, generated=None)],
        [],
    ],
    ids=["two", "seed", "nothing generated", "waveform", "none"],
)
def test_panels_are_written(tmp_path, panels):
    path = figures.draw_panels(panels, tmp_path / "new" / "panels.png", "Beats")
    assert_is_modest_png(path)


# ------------------------------------------------------------------------------------------- scores of all beats


def test_curves_state_auc_and_prevalence(tmp_path, monkeypatch):
    texts = legend_texts(monkeypatch)
    labels, scores = np.r_[np.zeros(80), np.ones(20)], np.r_[np.zeros(80), np.ones(20)]
    masks = {"S": np.arange(100) >= 90, "Q": np.zeros(100, bool)}
    path = figures.draw_curves(labels, scores, tmp_path / "curves.png", "ROC", masks, threshold=0.5)
    assert_is_modest_png(path)
    assert "all: AUC 1.0000 (n 20)" in texts and "S: AUC 1.0000 (n 10)" in texts
    assert "all: AP 1.0000 (chance 0.2000)" in texts
    assert not any(text.startswith("Q:") for text in texts)


def legend_texts(monkeypatch):
    texts, real = [], figures.save

    def spy(figure, path):
        texts.extend(
            text.get_text() for axes in figure.axes for text in axes.get_legend().get_texts()
        )
        return real(figure, path)

    monkeypatch.setattr(figures, "save", spy)
    return texts


@pytest.mark.parametrize(
    "counts",
    [
        {"N": 400, "S": 30, "V": 60, "F": 9, "Q": 3},
        {"N": 400, "S": 30, "V": 60},
        {"N": 50},
        {"V": 5},
    ],
    ids=["all", "no F or Q", "only N", "no N"],
)
def test_distributions_cope_with_empty_classes(tmp_path, counts):
    scores, classes = scores_of(np.random.default_rng(0), counts)
    assert_is_modest_png(
        figures.draw_distributions(scores, classes, 4.0, tmp_path / "scores.png", 0.05)
    )


def test_distributions_do_without_a_threshold(tmp_path):
    scores, classes = scores_of(np.random.default_rng(0), {"N": 40, "V": 6})
    assert_is_modest_png(figures.draw_distributions(scores, classes, None, tmp_path / "scores.png"))


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s * 1e-6,
        lambda s: -1000 + s * 1e-4,
        lambda s: np.exp(10 * s),
        np.zeros_like,
        lambda s: np.where(s > 8, np.inf, s),
    ],
    ids=["tiny", "offset", "huge", "constant", "infinite"],
)
def test_distributions_cope_with_any_scale(tmp_path, change):
    scores, classes = scores_of(np.random.default_rng(0), {"N": 400, "S": 30, "V": 60})
    scores = change(scores)
    assert_is_modest_png(
        figures.draw_distributions(scores, classes, np.median(scores), tmp_path / "scores.png")
    )


def test_stretch_keeps_order_and_finds_its_way_back():
    stretch = figures.Stretch(np.random.default_rng(0).normal(5, 1, 300))
    scores = np.array([-1e4, 0, 4, 5, 6, 100, 1e6])
    assert (np.diff(stretch.forward(scores)) > 0).all()
    assert np.allclose(stretch.back(stretch.forward(scores)), scores)


@pytest.mark.parametrize(
    "log",
    [
        pd.DataFrame(
            {
                "epoch": [1, 2, 3],
                "loss": [3.0, 2.0, 1.0],
                "beats_per_s": [10, 11, 12],
                "note": ["a", "b", "c"],
            }
        ),
        pd.DataFrame({"epoch": [1], "loss": [3.0]}),
        pd.DataFrame({"epoch": [], "loss": []}),
        pd.DataFrame({"epoch": [1, 2], "loss": [np.nan, np.nan]}),
        pd.DataFrame({"epoch": [1, 2]} | {f"loss_{k}": [2.0, 1.0] for k in range(9)}),
    ],
    ids=["usual", "one epoch", "no epoch", "no value", "many"],
)
def test_training_copes_with_any_log(tmp_path, log):
    assert_is_modest_png(figures.draw_training(log, tmp_path / "training.png"))


# ------------------------------------------------------------------------------------------------------- files


def test_nothing_is_left_when_drawing_fails(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(RuntimeError):
        figures.draw_panels([panel(flat_error(1))], tmp_path / "panels.png", "Beats")
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_file_survives_a_failed_write(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("before")
    with pytest.raises(OSError), figures.whole_file(path) as part:
        part.write_text("half")
        raise OSError("disk full")
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


# ---------------------------------------------------------------------------------------------------- overview


def overview(tmp_path, metrics, with_figure=True, settings=None):
    figure = figures.draw_panels([], tmp_path / "beats.png", "Beats")
    listed = [("Beats", "One row a beat.", figure)] if with_figure else []
    path = figures.write_overview(
        tmp_path / "overview.html", metrics, listed, settings or {"niter": 8}
    )
    return path.read_text(encoding="utf-8")


def text_of(page):
    page = re.sub(r"(?s)<(style|head)>.*?</\1>|<[^>]+>", " ", page)
    return re.sub(r"\s+", " ", page)


def test_overview_needs_nothing_else(tmp_path):
    page = overview(tmp_path, METRICS)
    assert "data:image/png;base64," in page
    addresses = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"'\s>)]+)""", page)
    assert addresses and all(address.startswith("data:") for address in addresses)
    assert (
        "http://" not in page
        and "https://" not in page
        and "@import" not in page
        and "<script" not in page
    )
    assert not list(tmp_path.glob("*.part"))


def test_overview_says_the_result_and_what_it_is_compared_with(tmp_path):
    text = text_of(overview(tmp_path, METRICS, settings={"train": {"lr": 0.001}}))
    for expected in (
        "0.9712",
        "0.9680 to 0.9740",
        "0.9501",
        "0.9450 to 0.9550",
        "0.9447",
        "0.9108",
        "train.lr 0.001",
        "450 found",
        "50 missed",
        "48 false alarms",
        "952 rightly",
        "not a medical device",
    ):
        assert expected in text, expected
    assert "SIMULATED" not in text and "LABELLED ABNORMAL BEATS WERE USED" not in text


def test_simulated_data_and_used_labels_cannot_be_missed(tmp_path):
    page = overview(
        tmp_path, METRICS | {"source": "simulated", "uses_anomaly_labels": True, "select": "paper"}
    )
    text = text_of(page)
    assert page.count('class="banner"') == 2 and "<title>[SIMULATED]" in page
    assert text.index("SIMULATED DATA") < text.index("0.9712")
    assert "LABELLED ABNORMAL BEATS WERE USED" in text
    assert "0.9447" not in text  # no published figure beside simulated beats


def test_a_detector_trained_on_simulated_beats_is_told_apart(tmp_path):
    page = overview(tmp_path, METRICS | {"trained_on": "simulated"})
    assert (
        page.count('class="banner"') == 1
        and "TRAINED ON SIMULATED DATA" in page
        and "0.9447" not in page
    )
    assert 'banner" role' not in overview(tmp_path, METRICS | {"trained_on": "mitdb"})


@pytest.mark.parametrize("protocol", ["interpatient", "patient"])
def test_published_figures_stay_with_their_protocol(tmp_path, protocol):
    assert "0.9447" not in overview(tmp_path, METRICS | {"protocol": protocol})


def test_what_is_missing_is_a_dash(tmp_path):
    holes = {
        "auc_ci": None,
        "ap": float("nan"),
        "per_class_auc": None,
        "threshold": None,
        "per_class_sensitivity": {},
    }
    page = text_of(overview(tmp_path, METRICS | holes))
    assert "95 % interval \u2013" in page and "score is above \u2013" in page
    empty = text_of(overview(tmp_path, {}, with_figure=False))
    for text in (page, empty):
        assert "None" not in text and "nan" not in text.lower().split() and "Undefined" not in text


def test_names_are_escaped(tmp_path):
    assert "<b>x</b>" not in overview(tmp_path, METRICS | {"model": "<b>x</b>"})
