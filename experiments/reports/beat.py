"""One beat as it is drawn in every picture, and pages of several beats."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, MultipleLocator, NullLocator

from experiments.reports import style
from models.detector import Detector
from preprocess import spectrogram
from preprocess.beats import TIMES_S, Beats
from preprocess.constants import FS_HZ

BEAT_SPAN_S = (TIMES_S[0] - 0.5 / FS_HZ, TIMES_S[-1] + 0.5 / FS_HZ)
# Of a trace's axis: a flat beat must not be blown up into one that looks wild.
SMALLEST_SPAN_MV = 1.5
SHADED = {"facecolor": "#D55E0038", "edgecolor": style.VERMILION, "linewidth": 0.6}
IMAGE_TITLES = {
    "real": "this beat's image",
    "generated": "generated normal image",
    "error": "error map",
}
DASHED_BLUE = {"color": style.BLUE, "linewidth": 1.2, "linestyle": (0, (3.5, 1.5))}
# Heights of a page of beats: a row, the gap between two, what stands above and below them all.
ROW_IN, GAP_IN, HEAD_IN, FOOT_IN = 1.4, 0.78, 0.85, 1.35


@dataclass
class Panel:
    """One beat as it is drawn.

    beat_mv: (320,); generated_mv: (320,), what a normal beat would look like there, or None;
    images: {"real", "generated": (F, T) magnitudes} of those that there are;
    error: (F, T) or (320,) in standard deviations of held-out normal beats;
    setting: the image's name in preprocess.spectrogram.SETTINGS;
    segments: (start, end) of each that is held for abnormal, in s from R.
    """

    title: str
    beat_mv: np.ndarray
    generated_mv: np.ndarray | None
    images: dict[str, np.ndarray]
    error: np.ndarray
    setting: str
    segments: list = field(default_factory=list)


def panels(detector: Detector, beats: Beats, titles: list[str]) -> list[Panel]:
    """What draw_beat needs of each beat: trace, images, the error map and its segments."""
    (errors, over_time), generated = detector.errors(beats), detector.generate(beats)
    drawn = {"real": beats.image, "generated": generated} if detector.image else {}
    drawn = {
        name: spectrogram.magnitude(np.asarray(image, float), detector.image)
        for name, image in drawn.items()
        if image is not None
    }
    traces_mv = spectrogram.traces_of(generated, beats.beat_mv, detector.image)
    return [
        Panel(
            title=title,
            beat_mv=beats.beat_mv[i],
            generated_mv=None if traces_mv is None else traces_mv[i],
            images={name: image[i] for name, image in drawn.items()},
            error=errors[i].max(0) if errors[i].ndim == 3 else errors[i],
            setting=detector.image or "complex",
            segments=segments,
        )
        for i, (title, segments) in enumerate(zip(titles, detector.segments(over_time)))
    ]


def beat_axes(figure, cell, panel):
    """Axes for draw_beat inside one cell of a grid: {"trace", "strip"}, and "real", "generated" and
    "error" of what is an image."""
    names = [*panel.images, *["error"] * (panel.error.ndim == 2)]
    columns = cell.subgridspec(
        1, 1 + len(names), width_ratios=[1.55] + [1] * len(names), wspace=0.28
    )
    trace_and_strip = columns[0].subgridspec(2, 1, height_ratios=[8, 1], hspace=0.12)
    axes = {"trace": figure.add_subplot(trace_and_strip[0])}
    axes["strip"] = figure.add_subplot(trace_and_strip[1], sharex=axes["trace"])
    for column, name in enumerate(names, start=1):
        axes[name] = figure.add_subplot(columns[column])
    return axes


def draw_beat(axes, panel):
    """The drawing of a beat, in every picture: of an evaluation, of a study, of --explain.

    axes: as from beat_axes. The error is on the absolute ERROR_SCALE; real and generated image
    share one scale.
    """
    error, scale = np.asarray(panel.error, float), Normalize(*style.ERROR_SCALE)
    over_time, times_s = error, TIMES_S
    _draw_trace(axes["trace"], panel)
    if panel.images:
        every = np.stack([*panel.images.values()])
        norm = Normalize(every.min(), every.max())
        for name, image in panel.images.items():
            _draw_image(axes[name], name, image, panel.setting, style.IMAGE_COLOURS, norm)
    if error.ndim == 2:
        over_time, (times_s, freqs_hz) = error.max(0), spectrogram.axes(panel.setting)
        _draw_image(axes["error"], "error", error, panel.setting, style.ERROR_COLOURS, scale)
        if error.max() > style.CONTOUR_SD:  # matplotlib warns about a contour that is nowhere
            line = {"levels": [style.CONTOUR_SD], "colors": "white", "linewidths": 1.0}
            axes["error"].contour(times_s, freqs_hz, error, **line)
    strip = axes["strip"]
    _picture(strip, np.stack([over_time] * 2), times_s, [0, 1], style.ERROR_COLOURS, scale)
    strip.set_yticks([])
    strip.set_ylabel("error", rotation=0, ha="right", va="center", fontsize=style.SMALL)


def _draw_trace(axes, panel):
    for start_s, end_s in panel.segments:
        axes.axvspan(start_s, end_s, zorder=0, **SHADED)
    traces = [panel.beat_mv] if panel.generated_mv is None else [panel.beat_mv, panel.generated_mv]
    axes.plot(TIMES_S, panel.beat_mv, color=style.BLACK, linewidth=1.2)
    if panel.generated_mv is not None:
        axes.plot(TIMES_S, panel.generated_mv, **DASHED_BLUE)
    low, high = np.nanmin(traces), np.nanmax(traces)
    reach = max(1.12 * (high - low), SMALLEST_SPAN_MV) / 2
    axes.set_ylim((low + high) / 2 - reach, (low + high) / 2 + reach)
    _rule_like_ecg_paper(axes)
    axes.tick_params(labelbottom=False, bottom=False, labelsize=style.SMALL)
    axes.set_ylabel("lead (mV)", fontsize=style.SMALL)
    axes.set_title(panel.title, loc="left", fontsize=9, fontweight="bold", pad=15, parse_math=False)


def _rule_like_ecg_paper(axes):
    """Large squares of 0.2 s x 0.5 mV and small ones of 0.04 s x 0.1 mV, the latter while they can
    be told apart."""
    low, high = axes.get_ylim()
    axes.xaxis.set_major_locator(MultipleLocator(0.2))
    axes.xaxis.set_minor_locator(MultipleLocator(0.04))
    axes.yaxis.set_major_locator(MultipleLocator(0.5) if high - low < 4 else MaxNLocator(5))
    axes.yaxis.set_minor_locator(MultipleLocator(0.1) if high - low < 4 else NullLocator())
    axes.grid(True, which="major", color="#c8b0b0", linewidth=0.5)
    axes.grid(True, which="minor", color="#eee2e2", linewidth=0.3)
    axes.tick_params(which="minor", length=0)
    axes.set_axisbelow(True)


def _draw_image(axes, name, image, setting, colours, norm):
    """An image of a setting of preprocess.spectrogram, or an error map of its shape."""
    _picture(axes, image, *spectrogram.axes(setting), colours, norm)
    axes.set_title(IMAGE_TITLES[name], fontsize=style.SMALL)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 3, 5, 6, 10]))
    axes.set_ylabel("frequency (Hz)", fontsize=style.SMALL, labelpad=1)


def _picture(axes, image, times_s, rows, colours, norm):
    """An image whose columns and rows have these centres, on the whole beat's time axis so that
    columns stand under their part of the trace."""
    axes.pcolormesh(times_s, rows, image, cmap=colours, norm=norm, shading="nearest")
    axes.set_facecolor(style.EMPTY)
    axes.set_xlim(BEAT_SPAN_S)
    axes.xaxis.set_major_locator(MultipleLocator(0.2))
    axes.tick_params(labelsize=style.SMALL)
    axes.tick_params(axis="x", which="minor", length=0)
    axes.set_xlabel("time from R peak (s)", fontsize=style.SMALL)


def draw_panels(panels: list[Panel], path: Path, heading: str) -> Path:
    """One beat or more, one a row, with one colour bar for all. Returns the path."""
    height_in = HEAD_IN + len(panels) * ROW_IN + (len(panels) - 1) * GAP_IN + FOOT_IN
    figure = style.new_figure(style.WIDTH_IN, height_in, heading)
    top, bottom = 1 - HEAD_IN / height_in, FOOT_IN / height_in
    margins = {"left": 0.065, "right": 0.985, "top": top, "bottom": bottom}
    rows = figure.add_gridspec(len(panels), 1, hspace=GAP_IN / ROW_IN, **margins)
    for row, panel in zip(rows, panels):
        axes = beat_axes(figure, row, panel)
        draw_beat(axes, panel)
        if panel is not panels[-1]:  # the lowest row has the labels of the time axes
            for name in set(axes) - {"trace"}:
                axes[name].set_xlabel("")
    _draw_key(figure, height_in)
    return style.save(figure, path)


def _draw_key(figure, height_in):
    """Under the rows: what each line means, and the one colour bar of all error strips and maps."""
    contour = f"contour: error of {style.CONTOUR_SD:g}"
    keys = [
        Line2D([], [], color=style.BLACK, linewidth=1.2, label="recorded beat"),
        Line2D([], [], label="what a normal beat would look like here", **DASHED_BLUE),
        Patch(label="segment held for abnormal", **SHADED),
        Patch(label=contour, facecolor="#420a68", edgecolor="white"),
    ]
    place = {"loc": "lower left", "bbox_to_anchor": (0.055, 0.1 / height_in), "borderaxespad": 0}
    figure.legend(handles=keys, frameon=False, fontsize=style.SMALL, handlelength=2.6, **place)
    bar_axes = figure.add_axes((0.42, 0.56 / height_in, 0.565, 0.13 / height_in))
    colours = ScalarMappable(Normalize(*style.ERROR_SCALE), style.ERROR_COLOURS)
    bar = figure.colorbar(colours, cax=bar_axes, orientation="horizontal", extend="max")
    bar.ax.axvline(style.CONTOUR_SD, color="white", linewidth=1.5)
    bar.ax.tick_params(labelsize=style.SMALL)
    bar.set_label(
        "error (standard deviations of held-out normal beats), one scale for every beat\n"
        "images: STFT magnitude, dark is weak and bright is strong, one scale a row",
        fontsize=style.SMALL,
    )
