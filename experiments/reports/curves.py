"""Scores of all beats as curves and as distributions by class, and the losses of a training."""

import math

import numpy as np
from matplotlib.ticker import FixedLocator, MaxNLocator
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

from experiments.reports.style import (
    BLACK,
    BLUE,
    CHANCE,
    CLASS_COLOURS,
    CLASS_DASHES,
    GREY,
    GROUP_NAMES,
    SMALL,
    VERMILION,
    WIDTH_IN,
    draw_note,
    new_figure,
    save,
)
from preprocess.classes import CLASSES

HISTOGRAM_BINS = 90


def draw_curves(labels, scores, path, title, class_masks=None, threshold=None):
    """ROC and precision-recall curve, side by side. Returns the path.

    labels: (n,) true for abnormal; scores: (n,); threshold: marks the operating point;
    class_masks: {"S": (n,) true for beats of class S, ...}, each drawn against all normal beats.
    """
    labels, scores = np.asarray(labels, bool), np.asarray(scores, float)
    figure = new_figure(WIDTH_IN, 5.2)
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


def draw_distributions(scores, classes, threshold, path, false_alarm_target=None):
    """Scores of each class and of all abnormal beats, a row each on one axis. Returns the path.

    scores: (n,); classes: (n,) of "N", "S", "V", "F", "Q";
    threshold: a beat above it raises an alarm, or None;
    false_alarm_target: the rate on held-out normal beats for which it was set, for its label.
    """
    scores, classes = np.asarray(scores, float), np.asarray(classes)
    groups = {name: scores[classes == name] for name in CLASSES} | {
        "abnormal": scores[classes != "N"]
    }
    stretch = ScoreAxis(groups["N"] if len(groups["N"]) else scores)
    limits = stretch.limits(scores, threshold)
    figure = new_figure(WIDTH_IN, 6.6)
    figure.suptitle("Scores by class", x=0.012, ha="left", fontsize=12, fontweight="bold")
    rows = figure.subplots(
        len(groups),
        1,
        sharex=True,
        gridspec_kw={"left": 0.23, "right": 0.985, "bottom": 0.13, "top": 0.88, "hspace": 0.18},
    )
    for axes, (name, values) in zip(rows, groups.items()):
        draw_histogram(axes, stretch, limits, groups["N"], name="N", outline=True)
        draw_histogram(axes, stretch, limits, values, name)
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


class ScoreAxis:
    """A score axis on which the bulk of the normal beats and far outliers can both be read,
    whatever the scores' unit.

    Positions are the inverse hyperbolic sine, linear near and logarithmic far, of the distance to
    the normals' median in interquartile ranges.
    """

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
        """Positions that leave out one beat in a thousand at each end (counted in the outermost
        bins), with the threshold in view."""
        positions = self.forward(scores[np.isfinite(scores)])
        ends = np.percentile(positions, [0.1, 99.9]) if len(positions) else np.array([-1.0, 1.0])
        if threshold is not None:
            ends = np.append(ends, self.forward(threshold))
        margin = 0.03 * np.ptp(ends) or 1.0
        return ends.min() - margin, ends.max() + margin


def draw_histogram(axes, stretch, limits, values, name, outline=False):
    """Share of the group's beats in each bin, scaled to its tallest bin: shapes are compared,
    counts are in the label."""
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return
    edges = np.linspace(*limits, HISTOGRAM_BINS + 1)
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
        return f"{name}: {GROUP_NAMES[name]}\nno beats"
    meaning = "abnormal" if name == "abnormal" else f"{name}: {GROUP_NAMES[name]}"
    label = f"{meaning}\nn {len(values)}"
    if threshold is None:
        return label
    word = "false alarms" if name == "N" else "found"
    return f"{label}, {100 * np.mean(values > threshold):.1f} % {word}"


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
    """Rising scores to round numbers near them, and their text: no more digits than tell
    neighbours apart."""
    gaps = np.diff(scores)
    nearest = np.minimum(np.r_[gaps, gaps[-1]], np.r_[gaps[0], gaps])
    digits = [-math.floor(math.log10(gap)) for gap in nearest]
    ticks = [round(score, n) for score, n in zip(scores, digits)]
    return ticks, [f"{tick:.{max(n, 0)}f}" for tick, n in zip(ticks, digits)]


def draw_training(log, path):
    """train_log.csv as small lines, one plot a column. log: `epoch` and numeric columns."""
    numeric = log.select_dtypes("number").dropna(axis="columns", how="all")
    columns = [name for name in numeric if name != "epoch"]
    if len(log) == 0 or not columns:
        return draw_note(
            path, "Training", "nothing was trained by steps: this method has no training curve"
        )
    epochs = numeric["epoch"] if "epoch" in numeric else np.arange(1, len(log) + 1)
    n_across = min(4, len(columns))
    n_down = math.ceil(len(columns) / n_across)
    figure = new_figure(WIDTH_IN, 0.6 + 2.0 * n_down)
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
