"""The row of a method in a table: in table.md of a comparison and in the documents' tables."""

import re

import pandas as pd

# Runs alike in these are averaged.
KIND = ["protocol", "model", "context", "select", "source", "settings"]
METHOD_HEADINGS = (
    "method,context,AUC,AP,AP at 10.8 %,S,V,F,sensitivity,PPV,weights,training,a beat,runs"
).split(",")
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
        alike = rows.groupby([name for name in KIND if name != "settings"], sort=False)
        several = alike["settings"].transform("size") > 1
        cells = [_cells(*row) for row in zip(rows.to_dict("records"), several)]
        part = f"### Protocol `{protocol}`\n\n"
        part += markdown([*METHOD_HEADINGS, "published AUC / AP"], cells)
        if (rows["versions"] > 1).any():
            part += "\n* mean over runs of several versions of the code: see runs.csv\n"
        parts.append(part)
    return "\n".join(parts)


def _cells(row, told_apart=False):
    """told_apart: the method was run with other settings too, so that they are named."""
    simulated = ", simulated" if row["source"] == "simulated" else ""
    settings = f" ({row['settings']})" if told_apart else ""
    published = (
        ""
        if pd.isna(row["published_auc"])
        else f"{row['published_auc']:.4f} / {row['published_ap']:.4f}"
    )
    runs = f"{row['runs']}" + ("*" if row["versions"] > 1 else "")
    return [*method_cells(row, runs, digits=4, note=simulated + settings), published]


def method_cells(row, runs, digits, note=""):
    """Cells under METHOD_HEADINGS. digits: of AUC and AP; note: behind the method's name."""
    return [
        f"`{row['model']}`{help_of_labels(row['model'], row['select'])}{note}",
        row["context"],
        *(_mean_and_spread(row, name, digits) for name in ("auc", "ap")),
        f"{row['ap_natural']:.3f}",
        *(f"{row[f'auc_{name}']:.3f}" for name in "SVF"),
        f"{row['sensitivity']:.3f}",
        f"{row['ppv']:.3f}",
        f"{row['parameters']:,.0f}",
        f"{row['epochs']:.0f} x {row['train_beats']:,.0f} beats, {row['train_s']:.0f} s",
        f"{row['us_per_beat']:.0f} µs",
        runs,
    ]


def help_of_labels(model, select):
    """What a row must say of labelled beats that had a say in it."""
    chosen = ", epochs chosen on the test" if model in CHOSEN_ON_TEST else ""
    return (", labels choose" if select == "paper" else "") + chosen


def _mean_and_spread(row, name, digits):
    """Mean ± standard deviation over runs; of one run there is none."""
    spread = "" if pd.isna(row[f"{name}_sd"]) else f" ± {row[f'{name}_sd']:.{digits}f}"
    return f"{row[name]:.{digits}f}{spread}"


def markdown(headings, rows):
    """Headings, and rows of as many cells, to a table; columns of numbers lie to the right."""
    numbers = [all(_is_number(row[k]) for row in rows) for k in range(len(headings))]
    lines = [headings, ["---:" if number else "---" for number in numbers], *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _is_number(cell):
    return not cell or re.fullmatch(r"-?[\d,.]+( %)?", cell.strip("*")) is not None
