"""Every table of the README, of RESULTS.md and of the model card, made from experiments/results/.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`. Numbers are rounded once, from the
digits of the file; those of files that hold rounded numbers are printed as they stand.
"""

import re
from functools import partial
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
from preprocess.files import write_text

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
FILLED = "README.md docs/README.ko.md experiments/RESULTS.md experiments/weights/README.md"
DOCUMENTS = tuple(HERE.parent / path for path in FILLED.split())
MARKED = re.compile(r"(<!-- table: (\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

ALIKE_RUNS = ["protocol", "model", "context", "select"]  # runs alike in these are averaged
# The README's rows: the method in its three contexts, nearest neighbours, and what learns nothing.
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
        filled, stale = fill(Path(document).read_text(encoding="utf-8"), Path(opt.results))
        if stale and opt.check:
            raise BadInput(
                f"table {stale[0]} of {document} is stale: run python -m experiments.tables"
            )
        if stale:
            write_text(filled, Path(document))
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
        new = markdown(*(TABLES[name](results) if name in TABLES else of_file(name, results)))
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
    return pair(table.loc[kind], "ap_natural") if kind in table.index else ""


def pair(row, ap="ap"):
    return f"{row['auc']:.3f} / {row[ap]:.3f}"


def methods(results, protocol):
    """All that was run under a protocol, best AUC first."""
    rows = summary(results).reset_index()
    rows = rows[rows["protocol"] == protocol].sort_values("auc", ascending=False, kind="stable")
    return METHOD_HEADINGS, [method_cells(row) for row in rows.to_dict("records")]


def published(results):
    """What others printed, beside what this repository's runs of the same method came to."""
    table, ours = read(results / "published.csv"), summary(results).loc["beatgan"].reset_index()
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


# ------------------------------------------------------------------------------ files as they stand

# Of files printed otherwise: columns of which each value has a row, the column of which each value
# has a column, and the format of a cell.
CROSSED = {
    "later-elsewhere": (["test", "training"], "context", "{auc} / {ap_natural}"),
    "jitter": (["training windows", "context"], "test", "{auc} / {ap}; {false_alarms}"),
    "left-out": (["left out"], "context", "{auc} / {ap}"),
    "ablation": (["parts"], "protocol", "{auc} / {ap}; {S}, {V}, {F}"),
    "rhythms": (["rhythm"], "records", "{F1} ({Se}, {P+}; {annotated})"),
}


def of_file(name, results):
    """The file of a table's name, in its order; empty headings are empty."""
    path = results / f"{name.replace('-', '_')}.csv"
    if not path.exists():
        raise BadInput(f"there is no table {name}, as there is no {path}")
    table = read(path)
    if name in CROSSED:
        down, across, cell = CROSSED[name]
        table["cell"] = [cell.format(**row) for row in table.to_dict("records")]
        table = table.pivot_table("cell", down, across, "first", sort=False).reset_index()
    headings = ["" if name.startswith("Unnamed") else name for name in table]
    return headings, table.fillna("").to_numpy().tolist()


def read(path):
    """A file's cells as text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


# Of runs; every other table is a file.
TABLES = {
    "headline": headline,
    **{f"methods-{p}": partial(methods, protocol=p) for p in (*COMPARED, *ALSO_RUN)},
    "published": published,
}

if __name__ == "__main__":
    options.command(main)
