"""All methods side by side: runs what is missing of what is asked for.

Then runs.csv holds all that was ever run under --outf; table.csv and table.md are made of what this
version of the code ran. Runs of other settings or code are other runs: none is taken, skipped or
averaged in their place.
"""

import hashlib
import itertools
import json
from functools import partial
from importlib import import_module
from pathlib import Path

import pandas as pd
from tqdm import tqdm

import options
from experiments.reports.comparison import KIND, as_markdown, averaged
from experiments.training import source_digest, workers
from experiments.training.checkpoint import check_settings
from experiments.training.device import find_device
from experiments.training.evaluation import evaluate, training_settings
from experiments.training.loop import complete_options, train
from experiments.training.metrics import AT_COMMON_SHARE
from experiments.training.protocols import FOLDS, PROTOCOLS, split
from models import CONTEXTS, MODELS, canonical
from preprocess import BadInput, dataset
from preprocess.files import write_text

# Flags that are those of main.py.
PASSED_ON = [*options.names_of("training_beats selection device"), "niter"]
PER_RUN = (
    "auc ap ap_natural auc_S auc_V auc_F sensitivity ppv parameters train_s us_per_beat epochs "
    "train_beats"
).split()


def main(argv=None):
    opt = parse(argv)
    runs = list(itertools.product(opt.models, opt.protocols, opt.folds, opt.seeds))
    run_all(runs, opt)
    out = Path(opt.outf)
    finished = sorted(out.glob("runs/*/*/*/*/metrics.json"))
    runs = pd.DataFrame([result(path.parent) for path in finished])
    table = summarise(runs[runs["code_trained"] == source_digest.code()])
    for name, frame in (("runs.csv", runs), ("table.csv", table)):
        write_text(frame.to_csv(index=False, float_format="%.6g"), out / name)
    write_text(as_markdown(table), out / "table.md")
    print(as_markdown(table))


def run_all(runs, opt):
    """Each run is a task: here one after another, or side by side in workers."""
    if opt.jobs is not None or opt.cluster is not None:
        whole = {
            name: value and str(Path(value).resolve())
            for name, value in vars(opt).items()
            if name in ("datadir", "external", "outf")
        }
        opt = options.replaced(opt, **whole)
    # by the name under which workers can import it, also where this file is the program
    task = partial(import_module("experiments.compare").run, opt=opt)
    done = workers.side_by_side(task, runs, opt.jobs, opt.cluster)
    lost = []
    for place, result in tqdm(done, desc="comparison", unit="run", total=len(runs), disable=None):
        if isinstance(result, workers.Lost):
            lost.append(f"{' '.join(map(str, runs[place]))}: {result}")
    if lost:
        raise BadInput(f"runs were lost, call it again to go on: {'; '.join(lost)}")


def parse(argv):
    made = options.study(
        "compare",
        "Every method on the same beats, in one table. Runs what is missing, skips what is done; "
        "stop it and call it again.",
        "--models b2igan knn --protocols beatgan --folds 0 1 2",
        groups="training_beats selection outf device",
    )
    options.add_workers(made, "runs")
    made.set_defaults(outf=f"{options.OUTPUT}/compare")
    add, names, fold = made.add_argument, tuple(MODELS), options.integer(0, FOLDS - 1)
    some = lambda flag, text, **how: add(flag, nargs="+", help=text, **how)
    of_names = {"choices": names, "default": names, "metavar": "NAME"}
    some("--models", "detectors to compare", type=canonical, **of_names)
    some("--protocols", "who trains, who is tested", choices=tuple(PROTOCOLS), default=["beatgan"])
    rows = "rows of their own for models that can use them"
    some("--contexts", rows, choices=CONTEXTS, default=CONTEXTS)
    some("--folds", "0 to 4", type=fold, default=list(range(FOLDS)), metavar="K")
    some("--seeds", "of what is drawn", type=options.SEED, default=[0], metavar="S")
    add("--niter", type=options.integer(0), metavar="N", help="epochs (default: each model's own)")
    folder = "holds a preprocessed folder for each image: complex, and decibel for b2igan-original"
    add("--datadir", default=options.DATASET, metavar="DIR", help=folder)
    other = "the same of the other database, which --protocols external tests"
    add("--external", metavar="DIR", help=other)
    return made.parse_args(argv)


def run(asked, opt):
    """Train and evaluate one (model, protocol, fold, seed), unless that is done; a stopped training
    goes on."""
    model, protocol, fold, _ = asked
    job = job_of(*asked, opt)
    folder = folder_of(job, opt)
    missing = [c for c in contexts_of(model, opt) if not is_done(folder / c)]
    if not missing:
        return
    data = dataset.load(job.dataroot)
    rows = split(data.index, protocol, fold, opt.select)
    if PROTOCOLS[protocol].elsewhere:
        tested = other_database(opt, model, data)
        tested_rows = split(tested.index, protocol, testing=True)
    else:
        tested, tested_rows = data, rows
    checkpoint = train(data, rows, job, folder)
    detector = checkpoint.detector(find_device(opt.device))
    for context in missing:
        asked = options.replaced(job, context=context)
        evaluate(checkpoint, detector, tested, tested_rows, asked, folder / context)


def other_database(opt, model, data):
    """What `external` tests, which may differ from the data trained on in its lead alone."""
    if opt.external is None:
        raise BadInput("protocol external tests another database: give its --external folder")
    dataroot = Path(opt.external) / (MODELS[model].image or "complex")
    tested = dataset.load(dataroot)
    check_settings(data.manifest["settings"], tested.manifest, dataroot, any_lead=True)
    return tested


def job_of(model, protocol, fold, seed, opt):
    """Options of main.py for one run."""
    return options.replaced(
        options.parse("main", []),
        model=model,
        protocol=protocol,
        folder=fold,
        seed=seed,
        resume=True,
        error_map=False,
        dataroot=str(Path(opt.datadir) / (MODELS[model].image or "complex")),
        **{name: getattr(opt, name) for name in PASSED_ON},
    )


def folder_of(job, opt):
    """Of its own for each choice of settings and version of the code."""
    name = job.model if opt.select == "last" else f"{job.model}-{opt.select}"
    made_with = settings_text(complete_options(job)) + source_digest.code()
    digest = hashlib.sha256(made_with.encode()).hexdigest()[:6]
    run_name = f"fold{job.folder}-seed{job.seed}-{digest}"
    return Path(opt.outf) / "runs" / name / job.protocol / run_name


def settings_text(settings):
    """Options of a training as a line, without those that are off: "niter 5, lr 0.004, ..."."""
    kept = {name: value for name, value in training_settings(settings).items() if value}
    kept.pop("error_map", None)  # no part of a score
    return ", ".join(f"{name} {value}" for name, value in sorted(kept.items()))


def contexts_of(model, opt):
    """The contexts asked for that a model can use, or else the least it needs."""
    return [c for c in opt.contexts if c in MODELS[model].contexts] or list(
        MODELS[model].contexts[:1]
    )


def is_done(folder):
    """Whether a run in one context has left whole results: a damaged one is measured again."""
    try:
        result(folder)
    except (BadInput, FileNotFoundError):
        return False
    return (folder / "scores.csv").exists()


def result(folder):
    """One row: a run in one context, read from what it wrote to its folder."""
    try:
        files = (folder / "metrics.json").read_text(), (folder / "timing.json").read_text()
        row = row_of(*map(json.loads, files))
        for name in PER_RUN:
            if row[name] is not None:
                float(row[name])
        return row
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(
            f"{folder} holds damaged results ({type(error).__name__}): remove it, or give the "
            "models, protocols, folds and seeds that it is of, to measure it again"
        ) from error


def row_of(metrics, timing):
    """A row of runs.csv of what evaluate wrote."""
    return {
        **{name: metrics[name] for name in (*KIND, "fold", "seed", "auc", "ap")},
        "settings": settings_text(metrics["settings"]),
        **{name: timing[name] for name in ("code_trained", "code_measured")},
        **{
            f"{name}_{end}": limit
            for name in ("auc", "ap")
            for end, limit in zip(("low", "high"), metrics.get(f"{name}_ci", (None, None)))
        },
        "bootstrap_over": metrics.get("bootstrap_over"),
        "ap_natural": metrics[AT_COMMON_SHARE],
        **{f"auc_{name}": metrics["per_class_auc"][name] for name in "SVF"},
        "auc_S_without_232": metrics.get("without_232", {}).get("per_class_auc", {}).get("S"),
        **{name: metrics[name] for name in ("sensitivity", "ppv", "false_alarm_rate")},
        "parameters": metrics["parameters"],
        "train_s": timing["train_seconds"],
        "us_per_beat": 1e6 * timing["score_seconds"] / timing["scored_beats"],
        "epochs": metrics["epochs"],
        "train_beats": metrics["train_beats"],
    }


def summarise(runs):
    """Mean and standard deviation over folds and seeds of each model, context, protocol and
    settings; best AUC first."""
    table = averaged(runs, KIND, PER_RUN).reset_index()
    return table.sort_values(["protocol", "auc"], ascending=[True, False], ignore_index=True)


if __name__ == "__main__":
    options.command(main)
