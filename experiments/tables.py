"""Every table of the README, of RESULTS.md and of the model card, made from experiments/results/.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`. Numbers are rounded once, from the
digits of the file; those of files that hold rounded numbers are printed as they stand.
"""

import re
from pathlib import Path

import pandas as pd

import options
from experiments.reports.comparison import (
    METHOD_HEADINGS,
    averaged,
    help_of_labels,
    markdown,
    method_cells,
)
from preprocess import BadInput
from preprocess.files import whole_file

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
DOCUMENTS = (HERE.parent / "README.md", HERE / "RESULTS.md", HERE / "weights" / "README.md")
MARKED = re.compile(r"(<!-- table: (\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

ALIKE_RUNS = ["protocol", "model", "context", "select"]  # runs alike in these are averaged
# The README's rows: the method in its three contexts, the best of what needs no training, and the
# one published method that was run under every protocol.
HEADLINE = [
    ("b2igan", "none"),
    ("b2igan", "rhythm"),
    ("b2igan", "record"),
    ("knn-pca", "none"),
    ("untrained", "record"),
]
COMPARED = ("beatgan", "chronological", "interpatient", "patient", "external")  # its columns
ALSO_RUN = ("beatgan-unfiltered",)  # a table of its own, no column of the README


def main(argv=None):
    opt = parse(argv)
    for document in opt.documents:
        text = Path(document).read_text(encoding="utf-8")
        filled, stale = fill(text, Path(opt.results))
        if stale and opt.check:
            raise BadInput(
                f"table {stale[0]} of {document} is stale: run python -m experiments.tables"
            )
        if stale:
            with whole_file(Path(document)) as part:
                part.write_text(filled, encoding="utf-8")
        print(f"{document}: {', '.join(stale) if stale else 'nothing'} changed")


def parse(argv):
    made = options.study(
        "tables",
        "Fill the tables of the README, RESULTS.md and the model card from experiments/results/.",
        "--check",
    )
    add, check = made.add_argument, "write nothing; exit status 2 where a table is stale"
    add("--check", action="store_true", help=check)
    add("--documents", nargs="+", default=DOCUMENTS, metavar="FILE", help="Markdown to fill")
    add("--results", default=RESULTS, metavar="DIR", help="folder of the measured numbers")
    return made.parse_args(argv)


def fill(text, results):
    """A document's text with its tables made anew, and the names of those that changed."""
    stale = []

    def table(found):
        start, name, old, end = found.groups()
        if name not in TABLES:
            raise BadInput(f"there is no table {name}: choose from {', '.join(TABLES)}")
        new = markdown(*TABLES[name](results))
        if new != old:
            stale.append(name)
        return start + new + end

    return MARKED.sub(table, text), stale


# ---------------------------------------------------------------------- runs of experiments.compare


def summary(results):
    """Mean and standard deviation over the runs of each kind, and their number. Raises BadInput
    where those of one kind are of several settings or versions of the code."""
    runs = pd.read_csv(results / "runs.csv")
    for kind, alike in runs.groupby(ALIKE_RUNS, sort=False):
        if len(alike[["settings", "code_trained"]].drop_duplicates()) > 1:
            raise BadInput(
                f"{results / 'runs.csv'} has runs of {' '.join(kind)} of several settings or "
                "versions of the code, which cannot be averaged: keep those of one"
            )
    return averaged(runs, ALIKE_RUNS, list(runs.select_dtypes("number")))


def headline(results):
    """Five rows for the README: AUC / AP at one share of abnormal beats, a column a protocol."""
    table = summary(results)
    rows = [
        [
            f"`{model}`",
            context,
            *(comparable(table, (protocol, model, context, "last")) for protocol in COMPARED),
        ]
        for model, context in HEADLINE
    ]
    return ["method", "context", *(f"`{name}`" for name in COMPARED)], rows


def comparable(table, kind):
    """AUC / AP at 10.8 % of one kind of run, empty where none was made."""
    if kind not in table.index:
        return ""
    return f"{table.loc[kind, 'auc']:.3f} / {table.loc[kind, 'ap_natural']:.3f}"


def pair(row):
    return f"{row['auc']:.3f} / {row['ap']:.3f}"


def methods(protocol):
    """All that was run under a protocol, best AUC first."""

    def table(results):
        rows = summary(results).reset_index()
        rows = rows[rows["protocol"] == protocol]
        rows = rows.sort_values("auc", ascending=False, kind="stable")
        return METHOD_HEADINGS, [method_cells(row) for row in rows.to_dict("records")]

    return table


def published(results):
    """What others printed, beside what this repository's runs of the same method came to."""
    table, ours = cells(results, "published.csv"), summary(results).loc["beatgan"].reset_index()
    rows = []
    for row in table.to_dict("records"):
        same = ours[(ours["model"] == row["model"]) & (ours["context"] == "none")]
        here = "".join(
            pair(found) + help_of_labels(found["model"], found["select"])
            for _, found in same.iterrows()
        )
        there = f"{row['auc']} / {row['ap']}" if row["ap"] else row["auc"]
        rows.append([row["method"], there, row["note"], here])
    return ["method", "published AUC / AP", "note", "here"], rows


def interval(row, name):
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{row[name]:.4f} [{low:.4f}, {high:.4f}]"


# ----------------------------------------------------------------- files printed as they stand


def cells(results, name):
    """A file's cells as text."""
    return pd.read_csv(results / name, dtype=str, keep_default_na=False)


def as_it_stands(name, headings):
    """A table of all cells of a file, under headings."""

    def table(results):
        return headings.split(","), cells(results, name).to_numpy().tolist()

    return table


def crossed(name, down, across, cell, headings, order=None):
    """A row for each value of the columns `down`, a column for each of the column `across`, in the
    order of the file unless `order` sorts the rows; `cell` is a format of a file's row."""

    def table(results):
        rows, columns = {}, {}
        for row in cells(results, name).to_dict("records"):
            place = tuple(row[part] for part in down)
            rows.setdefault(place, {})[row[across]] = cell.format(**row)
            columns[row[across]] = None
        places = sorted(rows, key=order) if order else rows
        body = [[*place, *(rows[place].get(column, "") for column in columns)] for place in places]
        return [*headings.split(","), *columns], body

    return table


def _kind_of_choice(place):
    """All parts, one part less, groups of parts, one part alone; each by its name."""
    (parts,) = place
    one_alone = parts.endswith(" alone")
    return parts != "all", not parts.startswith("without"), one_alone, parts


def bench(results):
    """Speed beside the original's, and how many times as fast."""
    rows = [
        [what, f"{float(ours):,g}", f"{float(old):,g}", f"{float(ours) / float(old):.1f}", unit]
        for what, ours, old, unit in cells(results, "bench.csv").to_numpy()
    ]
    return ["", "ours", "the original's way", "times", "unit"], rows


TABLES = {
    "headline": headline,
    "shipped": as_it_stands("shipped.csv", "tested,trained on,AUC [95 %],AP [95 %],S,V,F"),
    **{f"methods-{protocol}": methods(protocol) for protocol in (*COMPARED, *ALSO_RUN)},
    "published": published,
    "original-curve": as_it_stands(
        "original_epochs.csv",
        "epoch,validation AUC (published log),validation AUC (here),test AUC (here),"
        "loss of normals (here)",
    ),
    "original-speed": as_it_stands(
        "original_speed.csv", "step,beats/s,beats per processor second,times"
    ),
    "later-elsewhere": crossed(
        "later_elsewhere.csv",
        ["test", "training"],
        "context",
        "{auc} / {ap_natural}",
        "test,training",
    ),
    "jitter": crossed(
        "jitter.csv",
        ["training", "context"],
        "test",
        "{auc} / {ap}; {false_alarms}",
        "training windows,context",
    ),
    "left-out": crossed("left_out.csv", ["left_out"], "context", "{auc} / {ap}", "left out"),
    "localise": as_it_stands(
        "localise.csv",
        "method,change,strength,time-point AUC,Dice,strongest point inside (%),"
        "beats with a segment (%),beats",
    ),
    "ectopic": as_it_stands(
        "ectopic.csv", "beats,n,where,strongest point inside (%),beats with a segment (%)"
    ),
    "noise": as_it_stands(
        "noise.csv", "noise,SNR (dB),AUC,AP,AUC lost,AP lost,AUC of the beats in noise"
    ),
    "ablation": crossed(
        "ablation.csv",
        ["parts"],
        "protocol",
        "{auc} / {ap}; {S}, {V}, {F}",
        "parts",
        _kind_of_choice,
    ),
    "screening-rates": as_it_stands(
        "screening_rates.csv",
        "tested,trained on,AUC,V Se,V P+,S Se,S P+,false alarms an hour",
    ),
    "rhythms": crossed(
        "rhythms.csv", ["rhythm"], "records", "{F1} ({Se}, {P+}; {annotated})", "rhythm"
    ),
    "kinds": as_it_stands(
        "kinds.csv", "left out,kind V,kind S,V runs,V couplets,S runs,S couplets"
    ),
    "alarms": as_it_stands("alarms.csv", "what,figure,beside"),
    "bench": bench,
    "bench-screening": as_it_stands(
        "bench_screening.csv", "hours,seconds,peak memory (MB),page (MB),beats"
    ),
}

if __name__ == "__main__":
    options.command(main)
