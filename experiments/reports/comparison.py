"""Methods side by side: the row of each in a table, what was published of it, and a picture."""

import re

import pandas as pd

from experiments.reports.style import BLUE, EMPTY, VERMILION, new_figure, save

# {model: (method, AUC, AP)} as published for the split of the protocol that is_published. Each
# chose its epoch with labelled abnormal beats. Zhou et al., BeatGAN, IJCAI 2019; the B2I-GAN row is
# the original work's, one fold.
PUBLISHED = {
    "b2igan-original": ("B2I-GAN, one fold", 0.9460, 0.9058),
    "beatgan-augmented": ("BeatGAN with augmentation", 0.9475, 0.9143),
    "beatgan": ("BeatGAN", 0.9447, 0.9108),
    "ganomaly": ("Ganomaly", 0.9083, 0.8701),
    "autoencoder": ("Autoencoder", 0.8944, 0.8415),
    "anogan": ("AnoGAN", 0.8642, 0.8035),
}
# Runs alike in these are averaged.
KIND = ["protocol", "model", "context", "select", "source", "settings"]
METHOD_HEADINGS = "method,context,AUC,AP,AP at 10.8 %,S,V,F,runs".split(",")
# Whose epochs were chosen on the AUC of the test: their rows are not free of labels, and say so.
CHOSEN_ON_TEST = ("anogan",)


def averaged(runs, kind, measured):
    """Mean of the measured columns over the runs of each kind, which differ in fold and seed;
    standard deviation of AUC and AP, and the number of runs."""
    groups = runs.groupby(kind, sort=False)
    table = groups[measured].mean().join(groups[["auc", "ap"]].std(ddof=1).add_suffix("_sd"))
    return table.assign(runs=groups.size())


def as_markdown(table):
    """A comparison's table as GitHub prints it, one for each protocol."""
    parts = []
    for protocol, rows in table.groupby("protocol", sort=False):
        # Where a method was run with several settings, each row names its own.
        alike = rows.groupby([name for name in KIND if name != "settings"], sort=False)
        several = alike["settings"].transform("size") > 1
        simulated = rows["source"].eq("simulated").map({True: ", simulated", False: ""})
        notes = simulated + (" (" + rows["settings"] + ")").where(several, "")
        cells = []
        for row, note in zip(rows.to_dict("records"), notes):
            published = ""
            if not pd.isna(row["published_auc"]):
                published = "{published_auc:.4f} / {published_ap:.4f}".format(**row)
            cells.append([*method_cells(row, note), published])
        part = f"### Protocol `{protocol}`\n\n"
        parts.append(part + markdown([*METHOD_HEADINGS, "published AUC / AP"], cells))
    return "\n".join(parts)


def method_cells(row, note=""):
    """Cells under METHOD_HEADINGS. note: behind the method's name."""
    return [
        f"`{row['model']}`{help_of_labels(row['model'], row['select'])}{note}",
        row["context"],
        *(_mean_and_spread(row, name) for name in ("auc", "ap")),
        f"{row['ap_natural']:.3f}",
        *(f"{row[f'auc_{name}']:.3f}" for name in "SVF"),
        f"{row['runs']:.0f}",
    ]


def help_of_labels(model, select):
    """What a row must say of labelled beats that had a say in it."""
    chosen = ", epochs chosen on the test" if model in CHOSEN_ON_TEST else ""
    return (", labels choose" if select == "paper" else "") + chosen


def _mean_and_spread(row, name):
    """Mean ± standard deviation over runs; of one run there is none."""
    spread = "" if pd.isna(row[f"{name}_sd"]) else f" ± {row[f'{name}_sd']:.3f}"
    return f"{row[name]:.3f}{spread}"


def markdown(headings, rows):
    """Headings, and rows of as many cells, to a table; columns of numbers lie to the right."""
    numbers = [all(_is_number(row[k]) for row in rows) for k in range(len(headings))]
    lines = [headings, ["---:" if number else "---" for number in numbers], *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _is_number(cell):
    return not cell or re.fullmatch(r"-?[\d,.]+( %)?", cell.strip("*")) is not None


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
    cells[0][0].legend(loc="best", fontsize=8)
    figure.tight_layout(h_pad=1.5)
    return save(figure, path)


def _draw_measure(axes, methods, measure):
    names = [
        model
        + (f" ({context})" if context != "none" else "")
        + (" (labels choose)" if select == "paper" else "")
        for model, context, select in zip(methods["model"], methods["context"], methods["select"])
    ]
    spread, published = methods[f"{measure}_sd"].fillna(0), methods[f"published_{measure}"]
    at = {"y": methods.index, "label": "measured here", "color": BLUE}
    axes.errorbar(methods[measure], xerr=spread, fmt="o", capsize=3, **at)
    unfilled = {"color": VERMILION, "markerfacecolor": "none", "label": "published"}
    axes.plot(published.astype(float), methods.index, "D", **unfilled)
    for y, value in zip(methods.index, methods[measure]):
        axes.annotate(
            f"{value:.3f}", (value, y), (0, 5), textcoords="offset points", ha="center", fontsize=7
        )
    axes.set_yticks(methods.index, names)
    axes.set_ylim(-0.7, len(methods) - 0.1)
    axes.grid(axis="x", color=EMPTY, linewidth=0.6)
    axes.locator_params(axis="x", nbins=6)  # narrow ranges have long labels
