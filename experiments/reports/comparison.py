"""Pictures of a comparison of methods."""

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.reports.curves import ScoreAxis, draw_histogram
from experiments.reports.style import (
    BLUE,
    CLASS_COLOURS,
    EMPTY,
    VERMILION,
    new_figure,
    save,
)
from preprocess.classes import CLASS_NAMES


def draw_comparison(table, path):
    """AUC and AP of every method, a panel for each protocol, published figures beside.

    table: as from experiments.compare: protocol, model, context, select, auc, ap, auc_sd, ap_sd,
    published_auc, published_ap.
    """
    protocols = list(dict.fromkeys(table["protocol"]))
    heights = [table["protocol"].eq(p).sum() + 1 for p in protocols]
    figure = new_figure(10, 1.2 + 0.27 * sum(heights))
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
    axes.locator_params(axis="x", nbins=6)  # narrow ranges have long labels


def draw_best(methods, path):
    """Scores of normal beats against those of S, V and F, a column for each method. Returns path.

    methods: {name: (scores (n,), classes (n,))}.
    """
    figure = new_figure(3.6 * len(methods), 4.6)
    cells = figure.subplots(3, len(methods), squeeze=False)
    for column, (name, (scores, classes)) in zip(cells.T, methods.items()):
        stretch = ScoreAxis(scores[classes == "N"])
        limits = stretch.limits(scores)
        for axes, of in zip(column, "SVF"):
            draw_histogram(axes, stretch, limits, scores[classes == "N"], "N")
            draw_histogram(axes, stretch, limits, scores[classes == of], of)
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
