"""Scores of all beats as curves and as distributions by class, and the losses of a training."""

import math

import numpy as np
from matplotlib.ticker import MaxNLocator
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
    new_figure,
    save,
)
from preprocess.classes import ABNORMAL, CLASSES

HISTOGRAM_BINS = 90
GRID = "#dddddd"
TERMS = {  # of a log, said in a line
    "d_class": "discriminator: whose beat it is, and whether synthetic (cross-entropy)",
    "d_adv": "discriminator: real against generated; 1.39 where it cannot tell",
    "d_loss": "discriminator: real against generated",
    "d_saturated": "share of steps in which the discriminator's loss has no gradient",
    "g_rec": "generator: how far the rebuilt beat is from the real one",
    "g_adv": "generator: how well the discriminator tells its beats from real ones",
    "g_dist": "generator: latents as far apart as their images",
    "g_latent": "generator: latents of a beat and of the rebuilt one",
    "val_auc_labelled": "AUC of validation beats, by anomaly labels",
}
UNITS = {"beats_per_s": "beats a second", "seconds": "seconds"}  # of a log; losses have none


def draw_curves(classes, scores, threshold, path, heading):
    """ROC and precision-recall curve, side by side, of all abnormal beats and of each class against
    all normal beats. Returns the path.

    scores, classes: (n,), classes as in preprocess.classes; threshold: marks the operating point.
    """
    scores, abnormal = np.asarray(scores, float), classes != "N"
    figure = new_figure(WIDTH_IN, 5.2, heading)
    margins = {"left": 0.06, "right": 0.985, "bottom": 0.12, "top": 0.87, "wspace": 0.18}
    both = roc, precision_recall = figure.subplots(1, 2, gridspec_kw=margins)
    thick = {"color": BLACK, "linewidth": 2.2, "zorder": 3}
    _draw_pair(both, abnormal, scores, "all", thick)
    for name in ABNORMAL:
        kept = ~abnormal | (classes == name)
        thin = {"color": CLASS_COLOURS[name], "dashes": CLASS_DASHES[name]}
        _draw_pair(both, abnormal[kept], scores[kept], name, thin | {"linewidth": 1.1})
    roc.plot([0, 1], [0, 1], label="chance: AUC 0.5", **CHANCE)
    precision_recall.axhline(abnormal.mean(), label="chance, all abnormal beats", **CHANCE)
    _draw_operating_point(both, abnormal, scores > threshold)
    false_alarms = "false-alarm rate (share of normal beats)"
    _finish_curves(roc, false_alarms, "sensitivity (share of abnormal beats)", "lower right")
    precision = "positive predictive value (precision)"
    _finish_curves(precision_recall, "sensitivity (recall)", precision, "lower left")
    return save(figure, path)


def _draw_pair(both, abnormal, scores, name, style):
    """One line in either plot; none where there are beats of one kind only."""
    if abnormal.all() or not abnormal.any():
        return
    roc, precision_recall = both
    false_alarms, found, _ = roc_curve(abnormal, scores)
    label = f"{name}: AUC {auc(false_alarms, found):.4f} (n {abnormal.sum()})"
    roc.plot(false_alarms, found, label=label, **style)
    precision, recall, _ = precision_recall_curve(abnormal, scores, drop_intermediate=True)
    ap, chance = average_precision_score(abnormal, scores), abnormal.mean()
    label = f"{name}: AP {ap:.4f} (chance {chance:.4f})"
    precision_recall.plot(recall, precision, drawstyle="steps-post", label=label, **style)


def _draw_operating_point(both, abnormal, alarms):
    share = lambda of, among: of[among].mean() if among.any() else np.nan
    sensitivity = share(alarms, abnormal)
    points = (share(alarms, ~abnormal), sensitivity), (sensitivity, share(abnormal, alarms))
    edge = {"markeredgecolor": VERMILION, "markeredgewidth": 2, "markersize": 8, "zorder": 4}
    for axes, point in zip(both, points):
        axes.plot(*point, "o", color="white", label="at the alarm threshold", **edge)


def _finish_curves(axes, x_label, y_label, legend_at):
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=x_label, ylabel=y_label)
    axes.grid(True, color=GRID, linewidth=0.5)
    title = "each class against all normal beats"
    small = {"fontsize": SMALL, "title": title, "title_fontsize": SMALL, "alignment": "left"}
    axes.legend(loc=legend_at, framealpha=0.9, handlelength=3.2, **small)


def draw_distributions(classes, scores, threshold, path, false_alarm_target):
    """Scores of each class and of all abnormal beats, a row each on one axis. Returns the path.

    scores, classes: (n,); threshold: a beat above it raises an alarm;
    false_alarm_target: the rate on calibration normals for which it was set.
    The axis is linear near the median of the normal beats and logarithmic far from it: bulk and
    outliers can both be read, whatever the scores' unit.
    """
    scores = np.asarray(scores, float)
    normals = scores[(classes == "N") & np.isfinite(scores)]
    low, middle, high = np.percentile(normals, [25, 50, 75]) if len(normals) else (0, 0, 1)
    width = (high - low) / 2 or float(np.std(normals)) or 1.0
    groups = {name: scores[classes == name] - middle for name in CLASSES}
    groups["abnormal"] = scores[classes != "N"] - middle
    finite, alarm_from = scores[np.isfinite(scores)] - middle, threshold - middle
    # One beat in a thousand at each end is counted in the outermost bins.
    ends = np.r_[np.percentile(finite, [0.1, 99.9]) if len(finite) else 0, alarm_from]
    ends = np.arcsinh(ends / width)
    bins = np.linspace(ends.min() - 0.1, ends.max() + 0.1, HISTOGRAM_BINS + 1)
    edges = width * np.sinh(bins)

    figure = new_figure(WIDTH_IN, 6.6, "Scores by class")
    margins = {"left": 0.23, "right": 0.985, "bottom": 0.13, "top": 0.88, "hspace": 0.18}
    rows = figure.subplots(len(groups), 1, sharex=True, gridspec_kw=margins)
    for axes, (name, values) in zip(rows, groups.items()):
        _draw_histogram(axes, edges, groups["N"], color=GREY, linewidth=0.8)
        _draw_histogram(axes, edges, values, color=CLASS_COLOURS[name], fill=True, alpha=0.75)
        axes.set(ylim=(0, 1.08), yticks=[])
        axes.spines[["top", "left", "right"]].set_visible(False)
        axes.axvline(alarm_from, color=VERMILION, linewidth=1.3, linestyle="--")
        label = _group_label(name, values, alarm_from)
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8.5, linespacing=1.4)
    rows[0].set_title(
        f"dashed line: alarm threshold {threshold:.6g}, set so that {100 * false_alarm_target:g} % "
        "of held-out normal beats lie above it; a beat right of it raises an alarm",
        **{"loc": "left", "fontsize": 8.5, "color": "#a04000", "pad": 8},
    )
    rows[-1].set_xscale("asinh", linear_width=width)
    rows[-1].set_xlim(edges[0], edges[-1])
    ticks = [float(f"{at:.1g}") for at in width * np.sinh(np.linspace(bins[0], bins[-1], 9))[1:-1]]
    rows[-1].set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    rows[-1].minorticks_off()
    rows[-1].set_xlabel(
        f"anomaly score above the normal beats' median, {middle:.4g} (no unit)\n"
        "height: share of the class's beats, each row scaled to its tallest bin; grey outline: N"
    )
    return save(figure, path)


def _draw_histogram(axes, edges, values, **style):
    """Share of a group's beats in each bin, scaled to its tallest bin: shapes are compared, counts
    are in the label."""
    counts, _ = np.histogram(np.clip(values[~np.isnan(values)], edges[0], edges[-1]), edges)
    if counts.any():
        axes.stairs(counts / counts.max(), edges, **style)


def _group_label(name, values, threshold):
    if len(values) == 0:
        return f"{name}: {GROUP_NAMES[name]}\nno beats"
    meaning = "abnormal" if name == "abnormal" else f"{name}: {GROUP_NAMES[name]}"
    word = "false alarms" if name == "N" else "found"
    return f"{meaning}\nn {len(values)}, {100 * np.mean(values > threshold):.1f} % {word}"


def draw_training(log, path):
    """train_log.csv as small lines, one plot a column. log: `epoch` and numeric columns."""
    epochs, losses = log["epoch"], log.drop(columns="epoch").dropna(axis="columns", how="all")
    n_across = min(4, len(losses.columns))
    n_down = math.ceil(len(losses.columns) / n_across)
    figure = new_figure(WIDTH_IN, 0.6 + 2.0 * n_down, "Training, on normal beats only")
    grid = figure.subplots(n_down, n_across, squeeze=False).ravel()
    for axes, name in zip(grid, losses):
        axes.plot(epochs, losses[name], color=BLUE, linewidth=1.3, marker="o", markersize=3)
        axes.set_title(name, fontsize=9, loc="left", parse_math=False)
        axes.set(xlabel="epoch", ylabel=UNITS.get(name, "value (no unit)"))
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.grid(True, color=GRID, linewidth=0.5)
    for axes in grid[len(losses.columns) :]:
        axes.remove()
    figure.tight_layout(rect=(0.005, 0, 1, 1 - 0.1 / figure.get_figheight()))
    return save(figure, path)
