"""Scores of all beats as curves and as distributions by class, and the losses of a training."""

import numpy as np
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay

from experiments.reports import style
from preprocess.classes import ABNORMAL, CLASSES

HISTOGRAM_BINS = 90
GRID = "#dddddd"
TERMS = {  # of a log, said in a line
    "d_class": "discriminator: whose beat it is, and whether synthetic (cross-entropy)",
    "d_adv": "discriminator: real against generated; 1.39 where it cannot tell",
    "d_loss": "discriminator: real against generated",
    "d_saturated": "share of steps in which the discriminator's loss has no gradient",
    "g_rec": "generator: how far the rebuilt beat is from the real one",
    "g_adv": "generator: features of rebuilt beats against real ones (anogan: cross-entropy)",
    "g_dist": "generator: latents as far apart as their images",
    "g_latent": "generator: latents of a beat and of the rebuilt one",
    "val_auc_labelled": "AUC of validation beats, by anomaly labels",
}


def draw_curves(classes, scores, threshold, path, heading):
    """ROC and precision-recall curve, side by side, of all abnormal beats and of each class against
    all normal beats. Returns the path.

    scores, classes: (n,), classes as in preprocess.classes; threshold: marks the operating point.
    """
    abnormal, flagged = classes != "N", scores > threshold
    figure = style.new_figure(style.WIDTH_IN, 5.2, heading)
    roc, precision_recall = figure.subplots(1, 2)
    for name in ("abnormal", *ABNORMAL):
        of_class = abnormal if name == "abnormal" else classes == name
        if not of_class.any() or abnormal.all():
            continue
        kept = ~abnormal | of_class
        given = of_class[kept], scores[kept]
        line = {"color": style.CLASS_COLOURS[name], "dashes": style.CLASS_DASHES.get(name, (1, 0))}
        label = {"name": f"{name} (n {of_class.sum()})", "curve_kwargs": line}
        RocCurveDisplay.from_predictions(*given, ax=roc, **label)
        PrecisionRecallDisplay.from_predictions(*given, ax=precision_recall, **label)
    if abnormal.any() and not abnormal.all():
        found, right = flagged[abnormal].mean(), abnormal[flagged].mean() if flagged.any() else 1
        mark = {"color": style.VERMILION, "label": "at the threshold", "zorder": 4}
        roc.plot(flagged[~abnormal].mean(), found, "o", **mark)
        precision_recall.plot(found, right, "o", **mark)
    roc.set(xlabel="false-alarm rate (share of normal beats)", ylabel="sensitivity")
    precision_recall.set(xlabel="sensitivity (recall)", ylabel="positive predictive value")
    for axes in (roc, precision_recall):
        axes.grid(True, color=GRID, linewidth=0.5)
        axes.legend(
            fontsize=style.SMALL, title="against all normal beats", title_fontsize=style.SMALL
        )
    figure.tight_layout()
    return style.save(figure, path)


def draw_distributions(classes, scores, threshold, path, false_alarm_target):
    """Scores of each class and of all abnormal beats, a row each on one axis. Returns the path.

    scores, classes: (n,); threshold: a beat above it is flagged;
    false_alarm_target: the rate on calibration normals for which it was set.
    The axis is linear near the median of the normal beats and logarithmic far from it: bulk and
    outliers can both be read, whatever the scores' unit.
    """
    finite = np.isfinite(scores)
    normals = scores[finite & (classes == "N")] if (classes == "N").any() else scores[finite]
    low, middle, high = np.percentile(normals, [25, 50, 75])
    width = (high - low) / 2 or float(normals.std()) or 1.0
    groups = {name: scores[classes == name] - middle for name in CLASSES}
    groups["abnormal"] = scores[classes != "N"] - middle
    flagged_from = threshold - middle
    # One beat in a thousand at each end is counted in the outermost bins.
    ends = np.r_[np.percentile(scores[finite] - middle, [0.1, 99.9]), flagged_from]
    first, last = np.arcsinh([ends.min() / width, ends.max() / width]) + [-0.1, 0.1]
    edges = width * np.sinh(np.linspace(first, last, HISTOGRAM_BINS + 1))

    figure = style.new_figure(style.WIDTH_IN, 6.6, "Scores by class")
    rows = figure.subplots(len(groups), 1, sharex=True, gridspec_kw={"left": 0.23, "right": 0.985})
    for axes, (name, values) in zip(rows, groups.items()):
        axes.hist(np.clip(values, edges[0], edges[-1]), edges, color=style.CLASS_COLOURS[name])
        axes.set_yticks([])
        axes.axvline(flagged_from, color=style.VERMILION, linestyle="--")
        above = f", {np.mean(values > flagged_from):.1%} above the line" if len(values) else ""
        label = f"{name}: {style.GROUP_NAMES[name]}\nn {len(values)}{above}"
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=style.SMALL)
    rows[0].set_title(
        f"dashed line: threshold {threshold:.6g}, set so that {false_alarm_target:.3g} of "
        "held-out normal beats lie above it; a beat right of it is flagged",
        fontsize=style.SMALL,
    )
    rows[-1].set_xscale("asinh", linear_width=width)
    rows[-1].set_xlim(edges[0], edges[-1])
    ticks = [float(f"{at:.1g}") for at in edges[9:-1:12]]
    rows[-1].set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    rows[-1].minorticks_off()
    rows[-1].set_xlabel(
        f"anomaly score above the normal beats' median, {middle:.4g} (no unit); height: beats in "
        "each bin, each row scaled to its tallest"
    )
    return style.save(figure, path)


def draw_training(log, path):
    """train_log.csv as small lines, one plot a column. log: `epoch` and numeric columns."""
    losses = log.set_index("epoch").dropna(axis="columns", how="all")
    n_down = -(-len(losses.columns) // 4)
    figure = style.new_figure(style.WIDTH_IN, 0.6 + 2.0 * n_down, "Training, on normal beats only")
    grid = figure.subplots(n_down, 4, squeeze=False).ravel()
    for axes, name in zip(grid, losses):
        axes.plot(losses[name], marker="o", markersize=3)
        axes.set_title(name, fontsize=9, loc="left", parse_math=False)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.grid(True, color=GRID, linewidth=0.5)
    for axes in grid[len(losses.columns) :]:
        axes.remove()
    figure.tight_layout()
    return style.save(figure, path)
