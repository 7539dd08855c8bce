"""Every picture of an evaluation, and the page that holds them. Headless: no window, no pyplot state."""

import base64
import io
import json
import math
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, Undefined
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import FixedLocator, MaxNLocator, MultipleLocator, NullLocator
from PIL import Image
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

from preprocess import spectrogram
from preprocess.beats import BEFORE, WINDOW
from preprocess.files import whole_file
from preprocess.records import FS_HZ

ERROR_SCALE = (
    0.0,
    8.0,
)  # standard deviations of held-out normal beats: one colour scale for every beat ever drawn
CONTOUR_SD = 4.0  # level of the contour on an error map, unless the caller has a calibrated one
DPI = 110
ERROR_COLOURS = "inferno"  # dark is normal; lightness rises steadily, so it reads the same in grey
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

BEAT_S = (np.arange(WINDOW) - BEFORE) / FS_HZ  # time of each sample of a window, from its R peak
BEAT_SPAN_S = (BEAT_S[0] - 0.5 / FS_HZ, BEAT_S[-1] + 0.5 / FS_HZ)
SMALLEST_SPAN_MV = (
    1.5  # of a trace's axis: a flat beat must not be blown up into one that looks wild
)
EMPTY = "#d9d9d9"  # where an image has no data
MARK = {"facecolor": "#D55E0038", "edgecolor": "#D55E00", "linewidth": 0.6}
DASHED_BLUE = {"color": BLUE, "linewidth": 1.2, "linestyle": (0, (3.5, 1.5))}
DASHED_LEVEL = {"color": VERMILION, "linewidth": 1.0, "linestyle": "--"}
CHANCE = {"color": GREY, "linewidth": 1, "linestyle": ":"}
SMALL = 8  # points


@dataclass
class Panel:
    """One beat as it is drawn.

    beat_mv: (320,); generated_mv: (320,), what a normal beat would look like there, or None;
    image, generated: (F, T) magnitudes of the real and the generated image, or None;
    error: (F, T) or (320,) in standard deviations of held-out normal beats;
    setting: the image's name in preprocess.spectrogram.SETTINGS; marks: (start, end) of marked spans in s from R.
    """

    title: str
    beat_mv: np.ndarray
    generated_mv: np.ndarray | None
    image: np.ndarray | None
    generated: np.ndarray | None
    error: np.ndarray
    setting: str
    marks: list = field(default_factory=list)


# ---------------------------------------------------------------------------------------------------- one beat


def beat_axes(figure, cell, panel):
    """Axes for draw_beat inside one cell of a grid: {"trace", "strip", "error"}, and "real", "generated" if drawn."""
    pictures = [
        name
        for name, image in (("real", panel.image), ("generated", panel.generated))
        if image is not None
    ]
    columns = cell.subgridspec(
        1, 2 + len(pictures), width_ratios=[1.55] + [1] * (1 + len(pictures)), wspace=0.28
    )
    trace_and_strip = columns[0].subgridspec(2, 1, height_ratios=[8, 1], hspace=0.12)
    axes = {"trace": figure.add_subplot(trace_and_strip[0])}
    axes["strip"] = figure.add_subplot(trace_and_strip[1], sharex=axes["trace"])
    for column, name in enumerate([*pictures, "error"], start=1):
        axes[name] = figure.add_subplot(columns[column])
    return axes


def draw_beat(axes, panel, level_sd=CONTOUR_SD):
    """The drawing of a beat, wherever one is shown: evaluation, screening report, --explain.

    axes: as from beat_axes. The error is on the absolute ERROR_SCALE; real and generated image share one scale.
    """
    error = np.asarray(panel.error, float)
    _draw_trace(axes["trace"], panel)
    _draw_strip(axes["strip"], error, panel)
    _draw_images(axes, panel)
    if error.ndim == 2:
        _draw_error_map(axes["error"], error, panel.setting, level_sd)
    else:
        _draw_error_trace(axes["error"], error, level_sd)


def project_on_time(error):
    """(F, T) or (320,) error to its largest value at each time: (T,) or (320,)."""
    return error.max(0) if error.ndim == 2 else error


def _draw_trace(axes, panel):
    for start_s, end_s in panel.marks:
        axes.axvspan(start_s, end_s, zorder=0, **MARK)
    traces = [panel.beat_mv] if panel.generated_mv is None else [panel.beat_mv, panel.generated_mv]
    axes.plot(BEAT_S, panel.beat_mv, color=BLACK, linewidth=1.2)
    if panel.generated_mv is not None:
        axes.plot(BEAT_S, panel.generated_mv, **DASHED_BLUE)
    axes.set_ylim(_limits_mv(np.concatenate(traces)))
    _rule_like_ecg_paper(axes)
    axes.tick_params(labelbottom=False, bottom=False, labelsize=SMALL)
    axes.set_ylabel("lead (mV)", fontsize=SMALL)
    axes.set_title(panel.title, loc="left", fontsize=9, fontweight="bold", pad=15, parse_math=False)


def _limits_mv(values_mv):
    low, high = float(np.nanmin(values_mv)), float(np.nanmax(values_mv))
    span = max(1.12 * (high - low), SMALLEST_SPAN_MV)
    return (low + high - span) / 2, (low + high + span) / 2


def _rule_like_ecg_paper(axes):
    """Large squares of 0.2 s x 0.5 mV and small ones of 0.04 s x 0.1 mV, the latter while they can be told apart."""
    low, high = axes.get_ylim()
    axes.xaxis.set_major_locator(MultipleLocator(0.2))
    axes.xaxis.set_minor_locator(MultipleLocator(0.04))
    axes.yaxis.set_major_locator(MultipleLocator(0.5) if high - low < 4 else MaxNLocator(5))
    axes.yaxis.set_minor_locator(MultipleLocator(0.1) if high - low < 4 else NullLocator())
    axes.grid(True, which="major", color="#c8b0b0", linewidth=0.5)
    axes.grid(True, which="minor", color="#eee2e2", linewidth=0.3)
    axes.tick_params(which="minor", length=0)
    axes.set_axisbelow(True)


def _draw_strip(axes, error, panel):
    times_s = _times_s(error, panel.setting)
    _picture(
        axes,
        project_on_time(error)[None],
        _edges(times_s),
        [0, 1],
        ERROR_COLOURS,
        Normalize(*ERROR_SCALE),
    )
    axes.set_yticks([])
    axes.set_ylabel("error", rotation=0, ha="right", va="center", fontsize=SMALL)
    _label_time(axes)


def _times_s(error, setting):
    return spectrogram.axes(setting)[0] if error.ndim == 2 else BEAT_S


def _draw_images(axes, panel):
    shown = {
        name: np.asarray(image, float)
        for name, image in (("real", panel.image), ("generated", panel.generated))
        if image is not None
    }
    if not shown:
        return
    norm = Normalize(
        min(image.min() for image in shown.values()), max(image.max() for image in shown.values())
    )
    times_s, freqs_hz = spectrogram.axes(panel.setting)
    for name, image in shown.items():
        _picture(axes[name], image, _edges(times_s), _edges(freqs_hz), IMAGE_COLOURS, norm)
        axes[name].set_title(
            {"real": "this beat's image", "generated": "generated normal image"}[name],
            fontsize=SMALL,
        )
        _label_time(axes[name])
        _label_frequency(axes[name])


def _draw_error_map(axes, error, setting, level_sd):
    times_s, freqs_hz = spectrogram.axes(setting)
    _picture(axes, error, _edges(times_s), _edges(freqs_hz), ERROR_COLOURS, Normalize(*ERROR_SCALE))
    if error.max() > level_sd:  # matplotlib warns about a contour that is nowhere
        axes.contour(times_s, freqs_hz, error, levels=[level_sd], colors="white", linewidths=1.0)
    axes.set_title("error map", fontsize=SMALL)
    _label_time(axes)
    _label_frequency(axes)


def _draw_error_trace(axes, error, level_sd):
    axes.fill_between(BEAT_S, np.clip(error, *ERROR_SCALE), color=GREY, alpha=0.6, linewidth=0)
    axes.axhline(level_sd, **DASHED_LEVEL)
    axes.set(xlim=BEAT_SPAN_S, ylim=ERROR_SCALE)
    axes.set_title("error", fontsize=SMALL)
    axes.set_ylabel("standard deviations", fontsize=SMALL)
    _label_time(axes)


def _picture(axes, image, time_edges_s, row_edges, colours, norm):
    """Cells between these edges, on the whole beat's time axis so that columns stand under their part of the trace."""
    axes.pcolormesh(time_edges_s, row_edges, image, cmap=colours, norm=norm, rasterized=True)
    axes.set_facecolor(EMPTY)


def _edges(centres):
    middle = (centres[1:] + centres[:-1]) / 2
    return np.r_[2 * centres[0] - middle[0], middle, 2 * centres[-1] - middle[-1]]


def _label_time(axes):
    axes.set_xlim(BEAT_SPAN_S)
    axes.xaxis.set_major_locator(MultipleLocator(0.2))
    axes.tick_params(labelsize=SMALL)
    axes.tick_params(axis="x", which="minor", length=0)
    axes.set_xlabel("time from R peak (s)", fontsize=SMALL)


def _label_frequency(axes):
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 3, 5, 6, 10]))
    axes.set_ylabel("frequency (Hz)", fontsize=SMALL, labelpad=1)


# -------------------------------------------------------------------------------------------------- many beats

WIDTH_IN, ROW_IN, GAP_IN, HEAD_IN, FOOT_IN = 11.0, 1.4, 0.78, 0.85, 1.35


def draw_panels(panels, path, heading, level_sd=CONTOUR_SD):
    """Several beats, one a row, with one colour bar for all. Returns the path."""
    if not panels:
        return _draw_note(path, heading, "no beat to show")
    height_in = HEAD_IN + len(panels) * ROW_IN + (len(panels) - 1) * GAP_IN + FOOT_IN
    figure = _figure(WIDTH_IN, height_in)
    figure.text(
        0.012,
        1 - 0.12 / height_in,
        heading,
        va="top",
        fontsize=12,
        fontweight="bold",
        parse_math=False,
    )
    rows = figure.add_gridspec(
        len(panels),
        1,
        left=0.065,
        right=0.985,
        top=1 - HEAD_IN / height_in,
        bottom=FOOT_IN / height_in,
        hspace=GAP_IN / ROW_IN,
    )
    for number, panel in enumerate(panels):
        axes = beat_axes(figure, rows[number], panel)
        draw_beat(axes, panel, level_sd)
        if number < len(panels) - 1:
            _drop_time_labels(axes)
    _draw_key(figure, panels, height_in, level_sd)
    return save(figure, path)


def _drop_time_labels(axes):
    for name in set(axes) - {"trace"}:
        axes[name].set_xlabel("")


def _draw_key(figure, panels, height_in, level_sd):
    """Under the rows: what each line means, and the one colour bar of all error strips and maps."""
    has_map = any(np.ndim(panel.error) == 2 for panel in panels)
    keys = [Line2D([], [], color=BLACK, linewidth=1.2, label="recorded beat")]
    if any(panel.generated_mv is not None for panel in panels):
        keys.append(Line2D([], [], label="what a normal beat would look like here", **DASHED_BLUE))
    keys.append(Patch(label="span marked abnormal", **MARK))
    if has_map:
        around = [
            Stroke(linewidth=7, foreground="#420a68"),
            Normal(),
        ]  # white is invisible on paper
        keys.append(
            Line2D(
                [],
                [],
                color="white",
                linewidth=1.2,
                path_effects=around,
                solid_capstyle="butt",
                label=f"contour of the map: error of {level_sd:g}",
            )
        )
    else:
        keys.append(Line2D([], [], label=f"error of {level_sd:g}", **DASHED_LEVEL))
    figure.legend(
        handles=keys,
        loc="lower left",
        bbox_to_anchor=(0.055, 0.1 / height_in),
        frameon=False,
        fontsize=SMALL,
        borderaxespad=0,
        handlelength=2.6,
    )
    bar_axes = figure.add_axes((0.42, 0.56 / height_in, 0.565, 0.13 / height_in))
    bar = figure.colorbar(
        ScalarMappable(Normalize(*ERROR_SCALE), ERROR_COLOURS),
        cax=bar_axes,
        orientation="horizontal",
        extend="max",
    )
    bar.ax.axvline(level_sd, color="white", linewidth=1.5)
    bar.ax.tick_params(labelsize=SMALL)
    note = (
        "\nimages: STFT magnitude, dark is weak and bright is strong, one scale a row"
        if any(panel.image is not None for panel in panels)
        else ""
    )
    bar.set_label(
        f"error (standard deviations of held-out normal beats), one scale for every beat{note}",
        fontsize=SMALL,
    )


# ------------------------------------------------------------------------------------------- scores of all beats


def draw_curves(labels, scores, path, title, class_masks=None, threshold=None):
    """ROC and precision-recall curve, side by side. Returns the path.

    labels: (n,) true for abnormal; scores: (n,); class_masks: {"S": (n,) true for beats of class S, ...}, each drawn
    against all normal beats; threshold: marks the operating point.
    """
    labels, scores = np.asarray(labels, bool), np.asarray(scores, float)
    figure = _figure(WIDTH_IN, 5.2)
    figure.suptitle(title, x=0.012, ha="left", fontsize=12, fontweight="bold", parse_math=False)
    roc, precision_recall = figure.subplots(
        1,
        2,
        gridspec_kw={"left": 0.06, "right": 0.985, "bottom": 0.12, "top": 0.87, "wspace": 0.18},
    )
    _draw_pair(
        roc,
        precision_recall,
        labels,
        scores,
        "all",
        {"color": BLACK, "linewidth": 2.2, "zorder": 3},
    )
    for name, mask in (class_masks or {}).items():
        mask = np.asarray(mask, bool) & labels
        if mask.any():
            style = {
                "color": CLASS_COLOURS.get(name, GREY),
                "linewidth": 1.1,
                "alpha": 0.75,
                "dashes": CLASS_DASHES.get(name, (4, 2)),
            }
            _draw_pair(
                roc, precision_recall, labels[mask | ~labels], scores[mask | ~labels], name, style
            )
    roc.plot([0, 1], [0, 1], label="chance: AUC 0.5", **CHANCE)
    precision_recall.axhline(labels.mean(), label="chance, all abnormal beats", **CHANCE)
    if threshold is not None:
        _draw_operating_point(roc, precision_recall, labels, scores > threshold)
    _finish_curves(
        roc,
        "false-alarm rate (share of normal beats)",
        "sensitivity (share of abnormal beats)",
        "ROC",
        "lower right",
    )
    _finish_curves(
        precision_recall,
        "sensitivity (recall)",
        "positive predictive value (precision)",
        "Precision and recall",
        "lower left",
    )
    return save(figure, path)


def _draw_pair(roc, precision_recall, labels, scores, name, style):
    if labels.all() or not labels.any():
        return
    false_alarms, found, _ = roc_curve(labels, scores)
    roc.plot(
        false_alarms,
        found,
        label=f"{name}: AUC {auc(false_alarms, found):.4f} (n {labels.sum()})",
        **style,
    )
    precision, recall, _ = precision_recall_curve(labels, scores, drop_intermediate=True)
    precision_recall.plot(
        recall,
        precision,
        drawstyle="steps-post",
        label=f"{name}: AP {average_precision_score(labels, scores):.4f} "
        f"(chance {labels.mean():.4f})",
        **style,
    )


def _draw_operating_point(roc, precision_recall, labels, alarms):
    sensitivity = alarms[labels].mean() if labels.any() else np.nan
    style = {
        "marker": "o",
        "color": "white",
        "markeredgecolor": VERMILION,
        "markeredgewidth": 2,
        "markersize": 8,
        "linestyle": "none",
        "zorder": 4,
        "label": "at the alarm threshold",
    }
    roc.plot(alarms[~labels].mean() if (~labels).any() else np.nan, sensitivity, **style)
    precision_recall.plot(sensitivity, labels[alarms].mean() if alarms.any() else np.nan, **style)


def _finish_curves(axes, x_label, y_label, title, legend_at):
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=x_label, ylabel=y_label)
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(True, color="#dddddd", linewidth=0.5)
    axes.legend(
        loc=legend_at,
        fontsize=SMALL,
        framealpha=0.9,
        handlelength=3.2,
        alignment="left",
        title="each class against all normal beats",
        title_fontsize=SMALL,
    )


BINS = 90


def draw_distributions(scores, classes, threshold, path, false_alarm_target=None):
    """Scores of N, S, V, F, Q and of all abnormal beats, one row each over the same axis. Returns the path.

    scores: (n,); classes: (n,) of "N", "S", "V", "F", "Q"; threshold: a beat above it raises an alarm, or None;
    false_alarm_target: the rate on held-out normal beats for which the threshold was set, for its label.
    """
    scores, classes = np.asarray(scores, float), np.asarray(classes)
    groups = {name: scores[classes == name] for name in "N" + ABNORMAL} | {
        "abnormal": scores[classes != "N"]
    }
    stretch = Stretch(groups["N"] if len(groups["N"]) else scores)
    limits = stretch.limits(scores, threshold)
    figure = _figure(WIDTH_IN, 6.6)
    figure.suptitle("Scores by class", x=0.012, ha="left", fontsize=12, fontweight="bold")
    rows = figure.subplots(
        len(groups),
        1,
        sharex=True,
        gridspec_kw={"left": 0.23, "right": 0.985, "bottom": 0.13, "top": 0.88, "hspace": 0.18},
    )
    for axes, (name, values) in zip(rows, groups.items()):
        _draw_histogram(axes, stretch, limits, groups["N"], name="N", outline=True)
        _draw_histogram(axes, stretch, limits, values, name)
        _draw_threshold_line(axes, stretch, threshold)
        axes.set_ylabel(
            _group_label(name, values, threshold),
            rotation=0,
            ha="right",
            va="center",
            fontsize=8.5,
            linespacing=1.4,
        )
    _explain_threshold(rows[0], threshold, false_alarm_target)
    _label_scores(rows[-1], stretch, limits)
    return save(figure, path)


class Stretch:
    """A score axis on which both the bulk of the normal beats and far outliers can be read, whatever the scores' unit:
    inverse hyperbolic sine of the distance to the normals' median in interquartile ranges (linear near, log far)."""

    def __init__(self, normals):
        normals = normals[np.isfinite(normals)]
        low, self.middle, high = (
            np.percentile(normals, [25, 50, 75]) if len(normals) else (0.0, 0.0, 1.0)
        )
        self.width = (high - low) / 2 or float(np.std(normals)) or 1.0

    def forward(self, scores):
        return np.arcsinh((np.asarray(scores, float) - self.middle) / self.width)

    def back(self, positions):
        return np.sinh(positions) * self.width + self.middle

    def limits(self, scores, threshold=None):
        """Positions that leave out one beat in a thousand at each end (counted in the outermost bins), with the
        threshold in view."""
        positions = self.forward(scores[np.isfinite(scores)])
        ends = np.percentile(positions, [0.1, 99.9]) if len(positions) else np.array([-1.0, 1.0])
        if threshold is not None:
            ends = np.append(ends, self.forward(threshold))
        margin = 0.03 * np.ptp(ends) or 1.0
        return ends.min() - margin, ends.max() + margin


def _draw_histogram(axes, stretch, limits, values, name, outline=False):
    """Share of the group's beats in each bin, scaled to its tallest bin: shapes are compared, counts are in the label."""
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return
    edges = np.linspace(*limits, BINS + 1)
    counts, _ = np.histogram(np.clip(stretch.forward(values), edges[0], edges[-1]), edges)
    if outline:
        axes.stairs(counts / counts.max(), edges, color=GREY, linewidth=0.8)
    else:
        axes.stairs(counts / counts.max(), edges, color=CLASS_COLOURS[name], fill=True, alpha=0.75)


def _draw_threshold_line(axes, stretch, threshold):
    axes.set(ylim=(0, 1.08), yticks=[])
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    if threshold is not None:
        axes.axvline(stretch.forward(threshold), color=VERMILION, linewidth=1.3, linestyle="--")


def _group_label(name, values, threshold):
    if len(values) == 0:
        return f"{name}: {CLASS_NAMES[name]}\nno beats"
    lines = (
        f"{name}: {CLASS_NAMES[name]}\nn {len(values)}"
        if name != "abnormal"
        else f"abnormal\nn {len(values)}"
    )
    if threshold is None:
        return lines
    return (
        lines
        + f", {100 * np.mean(values > threshold):.1f} % {'false alarms' if name == 'N' else 'found'}"
    )


def _explain_threshold(axes, threshold, false_alarm_target):
    if threshold is None:
        return
    origin = (
        ""
        if false_alarm_target is None
        else f", set so that {100 * false_alarm_target:g} % of held-out normal beats lie above it"
    )
    axes.set_title(
        f"dashed line: alarm threshold {threshold:.6g}{origin}; a beat right of it raises an alarm",
        loc="left",
        fontsize=8.5,
        color="#a04000",
        pad=8,
    )


def _label_scores(axes, stretch, limits):
    ticks, labels = _round_ticks(stretch.back(np.linspace(*limits, 9)[1:-1]))
    axes.set_xlim(limits)
    axes.xaxis.set_major_locator(FixedLocator(stretch.forward(ticks)))
    axes.set_xticklabels(labels)
    axes.set_xlabel(
        "anomaly score (no unit; linear around the normal beats' median, logarithmic far from it)\n"
        "height: share of the class's beats, each row scaled to its tallest bin; grey outline: N"
    )


def _round_ticks(scores):
    """Rising scores to round numbers near them, and their text: no more digits than tell neighbours apart."""
    gaps = np.diff(scores)
    nearest = np.minimum(np.r_[gaps, gaps[-1]], np.r_[gaps[0], gaps])
    digits = [-math.floor(math.log10(gap)) for gap in nearest]
    ticks = [round(score, n) for score, n in zip(scores, digits)]
    return ticks, [f"{tick:.{max(n, 0)}f}" for tick, n in zip(ticks, digits)]


# ---------------------------------------------------------------------------------------------------- training


def draw_comparison(table, path):
    """AUC and AP of every method, a panel for each protocol, published figures beside. Returns the path.

    table: as from experiments.compare: protocol, model, context, auc, ap, auc_sd, ap_sd, published_auc, published_ap.
    """
    protocols = list(dict.fromkeys(table["protocol"]))
    heights = [table["protocol"].eq(p).sum() + 1 for p in protocols]
    figure = _figure(10, 1.2 + 0.27 * sum(heights))
    cells = figure.subplots(len(protocols), 2, squeeze=False, height_ratios=heights)
    for row, protocol in zip(cells, protocols):
        methods = table[table["protocol"] == protocol].sort_values("auc", ignore_index=True)
        for axes, measure in zip(row, ("auc", "ap")):
            _draw_measure(axes, methods, measure)
            axes.set_title(f"protocol {protocol}", loc="left", fontsize=10)
        row[1].set_yticklabels([])
    for axes, label in zip(cells[-1], ("area under the ROC curve", "average precision")):
        axes.set_xlabel(f"{label}\nmean ± standard deviation over folds and seeds", fontsize=9)
    handles = [
        Line2D([], [], color=BLUE, marker="o", label="measured here"),
        Line2D(
            [],
            [],
            color=VERMILION,
            marker="D",
            markerfacecolor="none",
            linestyle="",
            label="published",
        ),
    ]
    cells[0][0].legend(handles=handles, loc="best", fontsize=8)
    figure.tight_layout(h_pad=1.5)
    return save(figure, path)


def _draw_measure(axes, methods, measure):
    names = [
        model
        + (f" ({context})" if context != "none" else "")
        + (" (labels choose)" if select == "paper" else "")
        for model, context, select in zip(methods["model"], methods["context"], methods["select"])
    ]
    axes.errorbar(
        methods[measure],
        methods.index,
        xerr=methods[f"{measure}_sd"].fillna(0),
        fmt="o",
        color=BLUE,
        capsize=3,
    )
    axes.plot(
        methods[f"published_{measure}"].astype(float),
        methods.index,
        "D",
        color=VERMILION,
        markerfacecolor="none",
    )
    for y, value in zip(methods.index, methods[measure]):
        axes.annotate(
            f"{value:.3f}", (value, y), (0, 5), textcoords="offset points", ha="center", fontsize=7
        )
    axes.set_yticks(methods.index, names)
    axes.set_ylim(-0.7, len(methods) - 0.1)
    axes.grid(axis="x", color=EMPTY, linewidth=0.6)


def draw_best(methods, path):
    """Scores of normal beats against those of S, V and F, a column for each method. Returns the path.

    methods: {name: (scores (n,), classes (n,))}.
    """
    figure = _figure(3.6 * len(methods), 4.6)
    cells = figure.subplots(3, len(methods), squeeze=False)
    for column, (name, (scores, classes)) in zip(cells.T, methods.items()):
        stretch = Stretch(scores[classes == "N"])
        limits = stretch.limits(scores)
        for axes, of in zip(column, "SVF"):
            _draw_histogram(axes, stretch, limits, scores[classes == "N"], "N")
            _draw_histogram(axes, stretch, limits, scores[classes == of], of)
            axes.set(xlim=limits, xticks=[], yticks=[])
            axes.set_ylabel(of, rotation=0, ha="right", va="center")
        column[0].set_title(name.replace(", ", "\n", 1), fontsize=9)
        column[-1].set_xlabel("anomaly score, higher is more abnormal", fontsize=8)
    handles = [
        Patch(color=CLASS_COLOURS[name], label=f"{name}: {CLASS_NAMES[name]}") for name in "NSVF"
    ]
    figure.legend(handles=handles, loc="lower center", ncols=4, fontsize=8)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    return save(figure, path)


def draw_training(log, path):
    """train_log.csv as small lines, one plot a column. log: DataFrame with `epoch` and numeric columns."""
    numeric = log.select_dtypes("number").dropna(axis="columns", how="all")
    columns = [name for name in numeric if name != "epoch"]
    if len(log) == 0 or not columns:
        return _draw_note(
            path, "Training", "nothing was trained by steps: this method has no training curve"
        )
    epochs = numeric["epoch"] if "epoch" in numeric else np.arange(1, len(log) + 1)
    n_across = min(4, len(columns))
    n_down = math.ceil(len(columns) / n_across)
    figure = _figure(WIDTH_IN, 0.6 + 2.0 * n_down)
    figure.suptitle(
        "Training, on normal beats only", x=0.012, ha="left", fontsize=12, fontweight="bold"
    )
    grid = figure.subplots(n_down, n_across, squeeze=False).ravel()
    for axes, name in zip(grid, columns):
        axes.plot(epochs, numeric[name], color=BLUE, linewidth=1.3, marker="o", markersize=3)
        axes.set_title(name, fontsize=9, loc="left", parse_math=False)
        axes.set(xlabel="epoch", ylabel=_unit_of(name))
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.grid(True, color="#dddddd", linewidth=0.5)
    for axes in grid[len(columns) :]:
        axes.remove()
    figure.tight_layout(rect=(0.005, 0, 1, 1 - 0.1 / figure.get_figheight()))
    return save(figure, path)


def _unit_of(column):
    """Unit in a column's name (beats_per_s, time_s, rate_hz), else a loss, which has none."""
    for ending, unit in (
        ("_per_s", "per second"),
        ("/s", "per second"),
        ("_s", "seconds"),
        ("seconds", "seconds"),
        ("_hz", "Hz"),
        ("_mv", "mV"),
    ):
        if column.endswith(ending):
            return unit
    return "value (no unit)"


# ------------------------------------------------------------------------------------------------------- files


def save(figure, path):
    """Write a figure as PNG, under a temporary name first: nothing half-written is ever found. Returns the path."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    with whole_file(path) as part, Image.open(drawn) as image:
        image.convert("RGB").save(part, format="png")  # without transparency: smaller
    return Path(path)


def embed(path):
    """A PNG file as the address of an image inside a page, so that the page stays whole wherever it is sent."""
    return "data:image/png;base64," + base64.b64encode(Path(path).read_bytes()).decode()


def _figure(width_in, height_in):
    return Figure((width_in, height_in), dpi=DPI, facecolor="white")


def _draw_note(path, heading, sentence):
    figure = _figure(WIDTH_IN, 1.2)
    figure.text(0.012, 0.9, heading, va="top", fontsize=12, fontweight="bold", parse_math=False)
    figure.text(0.012, 0.4, sentence, va="top", fontsize=10, color=GREY, parse_math=False)
    return save(figure, path)


# ---------------------------------------------------------------------------------------------------- overview

TEMPLATES = (Path(__file__).parent / "templates", Path(__file__).parents[1] / "screening/templates")
DASH = "\u2013"
# (method, AUC, AP) as published for the split that the `beatgan` protocol follows. Each chose its epoch with labelled
# abnormal beats. Zhou et al., BeatGAN, IJCAI 2019; the B2I-GAN row is the original work's, one fold.
PUBLISHED = {
    "b2igan-seed": ("B2I-GAN, one fold", 0.9460, 0.9058),
    "beatgan-augmented": ("BeatGAN with augmentation", 0.9475, 0.9143),
    "beatgan": ("BeatGAN", 0.9447, 0.9108),
    "ganomaly": ("Ganomaly", 0.9083, 0.8701),
    "autoencoder": ("Autoencoder", 0.8944, 0.8415),
    "anogan": ("AnoGAN", 0.8642, 0.8035),
}
PROTOCOLS = {
    "beatgan": "a fifth of all patients' normal beats is tested, with every abnormal beat: the same patients are in "
    "training and test",
    "interpatient": "tested on patients that were never seen in training",
    "patient": "tested on patients whose labelled normal beats of the first 5 minutes were seen in training",
}
CONTEXTS = {
    "none": "a score uses the beat's own window and nothing else",
    "rhythm": "a score uses the beat's window and the RR intervals around it",
    "record": "a score uses the beat, the RR intervals and the whole recording's own unlabelled beats",
}


def write_overview(path, metrics, figures, settings):
    """The page to open first: one HTML file that needs nothing else. Returns the path.

    metrics: as in metrics.json; what is missing or None is printed as a dash. figures: (title, caption, PNG path) each;
    settings: dict, printed at the end.
    """
    page = (
        _environment()
        .get_template("evaluation.html")
        .render(
            m=metrics,
            classes=_class_rows(metrics),
            confusion=_confusion(metrics),
            settings=_flat(settings),
            published=PUBLISHED.values() if _is_comparable(metrics) else (),
            protocols=PROTOCOLS,
            contexts=CONTEXTS,
            figures=[(title, caption, embed(png)) for title, caption, png in figures],
        )
    )
    with whole_file(path) as part:
        part.write_text(page, encoding="utf-8")
    return Path(path)


def _environment():
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "fixed": fixed,
        "percent": percent,
        "count": count,
        "interval": interval,
        "dash": dash,
        "significant": significant,
    }
    return environment


def is_missing(value):
    return (
        value is None
        or isinstance(value, Undefined)
        or (isinstance(value, Real) and not math.isfinite(value))
    )


def fixed(value, digits=4):
    return DASH if is_missing(value) else f"{float(value):.{digits}f}"


def percent(value, digits=1):
    return DASH if is_missing(value) else f"{100 * float(value):.{digits}f}\u202f%"


def count(value):
    return DASH if is_missing(value) else f"{round(float(value)):,}".replace(",", "\u202f")


def significant(value):
    return DASH if is_missing(value) else f"{float(value):.5g}"


def interval(limits, digits=4):
    if is_missing(limits) or len(limits) != 2 or any(is_missing(limit) for limit in limits):
        return DASH
    return f"{fixed(limits[0], digits)} to {fixed(limits[1], digits)}"


def dash(value):
    return DASH if is_missing(value) or value == "" else value


def _is_comparable(metrics):
    """Published figures are set beside a run on the same records and split only."""
    sources = metrics.get("source"), metrics.get("trained_on") or "mitdb"
    return sources == ("mitdb", "mitdb") and metrics.get("protocol") == "beatgan"


def _class_rows(metrics):
    def of(key, name):
        return (metrics.get(key) or {}).get(name)

    return [
        {
            "name": name,
            "meaning": CLASS_NAMES[name],
            "n": of("per_class_n", name),
            "auc": of("per_class_auc", name),
            "ap": of("per_class_ap", name),
            "sensitivity": of("per_class_sensitivity", name),
        }
        for name in ABNORMAL
    ]


def _confusion(metrics):
    """Beats by truth and alarm at the threshold, from the rates and counts; None where one is missing."""

    def split(n, rate):
        n, rate = metrics.get(n), metrics.get(rate)
        if is_missing(n) or is_missing(rate):
            return None, None
        return round(n * rate), n - round(n * rate)

    true_alarms, missed = split("n_abnormal", "sensitivity")
    false_alarms, left_alone = split("n_normal", "false_alarm_rate")
    return {
        "true_alarms": true_alarms,
        "missed": missed,
        "false_alarms": false_alarms,
        "left_alone": left_alone,
    }


def _flat(settings, prefix=""):
    """Nested settings to (dotted name, text) rows."""
    rows = []
    for name, value in (settings or {}).items():
        if isinstance(value, dict):
            rows += _flat(value, f"{prefix}{name}.")
        else:
            rows.append(
                (
                    f"{prefix}{name}",
                    value if isinstance(value, str) else json.dumps(value, default=str),
                )
            )
    return rows
