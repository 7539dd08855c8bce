"""Methods side by side: the row of each in a table."""

import re

import pandas as pd

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
        cells = [method_cells(row, note) for row, note in zip(rows.to_dict("records"), notes)]
        parts.append(f"### Protocol `{protocol}`\n\n" + markdown(METHOD_HEADINGS, cells))
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
