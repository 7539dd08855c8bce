"""The table of a comparison of methods, as GitHub prints it."""

import pandas as pd

# Runs alike in these are averaged.
KIND = ["protocol", "model", "context", "select", "source", "settings"]


def as_markdown(table):
    """The table as GitHub prints it, one for each protocol."""
    lines = []
    for protocol, rows in table.groupby("protocol", sort=False):
        lines += [
            "",
            f"### Protocol `{protocol}`",
            "",
            "| method | context | AUC | AP | AP at 10.8 % | S | V | F | sensitivity | PPV "
            "| weights | training | a beat | runs | published AUC / AP |",
            "| --- | --- " + "| ---: " * 12 + "| --- |",
        ]
        alike = rows.groupby([name for name in KIND if name != "settings"], sort=False)
        several = alike["settings"].transform("size") > 1
        for row, told_apart in zip(rows.to_dict("records"), several):
            lines.append(_markdown_row(row, told_apart))
        if (rows["versions"] > 1).any():
            lines += ["", "* mean over runs of several versions of the code: see runs.csv"]
    return "\n".join(lines[1:]) + "\n"


def _markdown_row(row, told_apart=False):
    """told_apart: the method was run with other settings too, so that they are named."""
    spread = {
        name: "" if pd.isna(row[f"{name}_sd"]) else f" ± {row[f'{name}_sd']:.4f}"
        for name in ("auc", "ap")
    }
    labels = " (labels choose the epoch)" if row["select"] == "paper" else ""
    labels += " (simulated)" if row["source"] == "simulated" else ""
    labels += f" ({row['settings']})" if told_apart else ""
    published = (
        ""
        if pd.isna(row["published_auc"])
        else f"{row['published_auc']:.4f} / {row['published_ap']:.4f}"
    )
    cells = [
        f"`{row['model']}`{labels}",
        row["context"],
        f"{row['auc']:.4f}{spread['auc']}",
        f"{row['ap']:.4f}{spread['ap']}",
        f"{row['ap_natural']:.3f}",
        *(f"{row[f'auc_{name}']:.3f}" for name in "SVF"),
        f"{row['sensitivity']:.3f}",
        f"{row['ppv']:.3f}",
        f"{row['parameters']:,.0f}",
        f"{row['epochs']:.0f} x {row['train_beats']:,.0f} beats, {row['train_s']:.0f} s",
        f"{row['us_per_beat']:.0f} µs",
        f"{row['runs']}" + ("*" if row["versions"] > 1 else ""),
        published,
    ]
    return "| " + " | ".join(cells) + " |"
