"""Every default, the flags of main.py and of python -m preprocess, the groups that studies share.

Edit DEFAULTS and TRAINING to tune: a flag, or a variable of run_ecg.sh, goes before them. A study
names its groups to `study`, adds flags of its own and calls `command`. Nothing here loads a network
library: --help answers at once.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from models import CONTEXTS, MODELS, canonical
from models.b2igan import PARTS
from preprocess import BadInput
from preprocess.commands import command, ending, integer, number, parser
from preprocess.constants import FILTER_NAMES, IMAGE_ALIASES, IMAGE_NAMES, LEAD
from preprocess.files import write_json

__all__ = ["command", "integer", "number", "parser"]  # studies find them here

DATASET = "experiments/ecg/dataset"
DATAROOT = f"{DATASET}/complex"
OUTPUT = "experiments/ecg/output"

DEFAULTS = {
    # what to run
    "model": "b2igan",
    "protocol": "beatgan",  # who trains and who is tested
    "folder": 0,  # fold
    "dataroot": DATAROOT,
    "outf": OUTPUT,
    "device": "auto",
    # training; see TRAINING too
    "w_adv": 1.0,  # weight of feature matching
    "n_aug": 0,  # time-warped copies of each beat
    "seed": 0,
    "amp": "auto",
    "select": "last",
    # evaluation
    "context": "record",  # what a score may use
    "threshold": 0.05,  # false alarms on held-out normal beats
    "bootstrap": 200,  # resamplings
    # screening
    "baseline": 0.0,  # counts, of a text file of counts
    "false_alarms_per_hour": 60.0,
    "pause": 2.0,  # s, RR interval
    "calibration_minutes": 5.0,
}
PREPROCESSING = {
    "data": "auto",
    "datadir": DATASET,
    "dataroot": DATAROOT,
    "image": "complex",  # that the model reads
    "filter": "butterworth",
}
# Of each model that learns by steps: epochs, learning rate, beats a step; samples by which training
# windows are moved, share of beats shown as they might look later.
TRAINING = {
    "b2igan": {"niter": 2, "lr": 6e-3, "batchsize": 256, "jitter": 3, "drift": 0.7},
    "autoencoder": {"niter": 3, "lr": 1e-3, "batchsize": 64},
    "beatgan": {"niter": 1, "lr": 1e-3, "batchsize": 64},
    "ganomaly": {"niter": 2, "lr": 2e-4, "batchsize": 64},
    "anogan": {"niter": 4, "lr": 5e-4, "batchsize": 64},
    "b2igan-original": {"niter": 70, "lr": 1e-4, "batchsize": 64},
    "beatgan-original": {"niter": 100, "lr": 1e-4, "batchsize": 64},
}
TRAINING_OF_OTHERS = {"niter": 0, "lr": 1e-3, "batchsize": 256, "jitter": 0, "drift": 0.0}

SEED = integer(0, 2**32 - 1)
RATE = number(0, 1, open_low=True)
FOLDS = 5
PROTOCOL_NAMES = (  # of experiments.training.protocols, in its order
    "beatgan beatgan-unfiltered chronological interpatient patient external databases develop own"
).split()
JITTER = integer(0, 20)  # samples
NO_CONFIG = ("config", "istest", "resume", "screen", "explain", "checkpoint", "jobs", "cluster")


def parse(name: str, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Options of "main" or "preprocess"; unknown flags and impossible values end here."""
    made = {"main": main_parser, "preprocess": preprocess_parser}[name]()
    argv = sys.argv[1:] if argv is None else list(argv)
    if name == "main" and "--screen" in argv and {"-h", "--help"} & set(argv):
        made = screening_parser()
    config = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    config.add_argument("--config", nargs="?")
    if file := config.parse_known_args(argv)[0].config:
        argv = [*_as_flags(made, file), *argv]  # of two the later flag counts
    return made.parse_args(argv)


def training_of(model: str) -> dict:
    """What a model is trained with where no flag says otherwise."""
    return TRAINING_OF_OTHERS | TRAINING.get(model, {})


def _with(defaults: Mapping, made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser, with those defaults that are of its flags."""
    names = {action.dest for action in made._actions}
    made.set_defaults(**{name: value for name, value in defaults.items() if name in names})
    return made


def write_config(opt: argparse.Namespace, trained: Mapping, path: Path) -> None:
    """The settings of a run, for --config: its options, completed by those of its checkpoint."""
    kept = {k: v for k, v in vars(opt).items() if k not in NO_CONFIG and v not in (None, [])}
    kept |= {k: trained[k] for k in [*kept, *TRAINING_OF_OTHERS] if k in trained}
    write_json(kept, path)


def _as_flags(made, path):
    """A file of write_config as the flags that it stands for. Raises BadInput where it is none."""
    actions = {action.dest: action for action in made._actions if action.option_strings}
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        flags = []
        for name, value in found.items():
            flag = actions[name].option_strings[0]
            if actions[name].nargs == 0:
                flags += [flag] * (value == actions[name].const)
            else:
                flags += [flag, *map(str, value if isinstance(value, list) else [value])]
        return flags
    except OSError as error:
        raise BadInput(f"--config {path}: {error.strerror}") from error
    except (ValueError, AttributeError) as error:
        raise BadInput(
            f"--config {path} is no file of options: give the options.json of a run"
        ) from error
    except KeyError as error:
        raise BadInput(f"--config {path}: there is no option {error}") from error


def study(name: str, text: str, example: str = "", groups: str = "") -> argparse.ArgumentParser:
    """The parser of python -m experiments.NAME.

    example: flags; groups: names of the functions add_NAME below whose flags it has too.
    """
    command_line = f"python -m experiments.{name}"
    made = parser(command_line, text, f"{command_line} {example}")
    _add_groups(made, groups)
    return _with(DEFAULTS, made)


def _add_groups(made, groups):
    for group in groups.split():
        globals()[f"add_{group}"](made)


def names_of(groups: str) -> list[str]:
    """Of the options that groups of flags have, named as in `study`."""
    made = argparse.ArgumentParser(add_help=False)
    _add_groups(made, groups)
    return [action.dest for action in made._actions]


def replaced(opt: argparse.Namespace, **values) -> argparse.Namespace:
    """A copy of options with some of them changed."""
    return argparse.Namespace(**(vars(opt) | values))


def _by_model(name):
    """Defaults of a flag that each model has its own of."""
    own = [f"{training_of(model)[name]:g} {model}" for model in TRAINING if name in TRAINING[model]]
    return f"default: {', '.join(own)}; others {TRAINING_OF_OTHERS[name]:g}"


# What --help says of the flags that several commands have, or that need more than a line.
HELP = {
    "--screen": "WFDB records, EDF, BDF, ISHNE or text files, or folders of them; writes "
    "NAME.html, .csv, .b2i and .json to --outf",
    "--explain": "what is wrong with the beat of a preprocessed record whose R peak is at or near "
    "this sample (of 360 a second), and where; more pairs for more beats in one picture; writes "
    "explain_RECORD_SAMPLE.png to --outf",
    "--resume": "go on: training from the checkpoint under --outf; screening with the recordings "
    "whose outputs are not there yet, made with the same weights and options",
    # beats
    "--image": "complex: phase-keeping 2 x 32 x 32; decibel: the original dB image, 1 x 128 x 128",
    "--filter": "of the beats. butterworth: 0.5 to 45 Hz; published: 3 to 45 Hz, as the traces "
    "that the original read",
    "--folder": f"fold 0 to {FOLDS - 1}: which fifth of the normals is tested (beatgan), which "
    "fifth of the training patients calibrates (the others), which folder of records is tested "
    "(databases)",
    "--split": "trains and tests records by name, as lines `train: NAME ...` and `test: NAME ...` "
    "say: --protocol own",
    # training
    "--batchsize": f"beats a step ({_by_model('batchsize')})",
    "--train-beats": "train on so many of the normal beats, evenly over the recordings (default: "
    "all)",
    "--jitter": "move each training window by up to so many samples (2.8 ms each), as R peaks that "
    f"are not marked by an expert are ({_by_model('jitter')})",
    "--drift": "of the training beats that are shown as they might look some minutes later: of "
    f"another gain, level and lead vector ({_by_model('drift')}; 0 for unseen patients)",
    "--w_adv": "weight of the feature-matching loss against the reconstruction loss",
    "--amp": "mixed precision; auto uses it where the processor computes in bfloat16",
    "--no-error-map": "do not learn where in a beat the error is, which takes about a third of the "
    "time",
    "--without": f"parts of b2igan's score that it is trained without, of {', '.join(PARTS)}",
    "--select": "last: the last epoch. paper: the epoch with the best validation AUC, WITH "
    "LABELLED ANOMALIES, as the original work did; its outputs say uses_anomaly_labels",
    # evaluation
    "--context": "what a score may use: none, the beat's window; rhythm, also its RR intervals; "
    "record, also the whole recording's own unlabelled beats",
    "--threshold": "false-alarm rate on held-out normal beats at which the threshold is set",
    # screening
    "--annotator": "take the R peaks from this WFDB annotation file (atr, for instance) instead of "
    "detecting them; its labels are not read",
    "--false-alarms-per-hour": "normal beats that may be flagged in an hour",
    "--calibration-minutes": "first minutes that adjust the threshold to the patient (with "
    "--context record by the heart rate alone); they may hold abnormal beats",
    "--known-normal": "minutes that someone knows to be normal, to calibrate on instead",
}


def _flag(group, name, **how):
    """A flag of HELP."""
    group.add_argument(name, help=HELP[name], **how)


def main_parser():
    made = parser(
        "python main.py",
        "Train a detector of abnormal beats on normal beats only, evaluate it, screen recordings "
        "with it, or explain a beat.",
        "python main.py                                     train on fold 0\n"
        "  python main.py --istest                            evaluate what was trained",
    )
    example = "python main.py --model knn --protocol interpatient --folder 1"
    group = made.add_argument_group("what to run", example)
    add = group.add_argument
    add("--istest", action="store_true", help="evaluate a trained checkpoint, do not train")
    add("--model", type=canonical, choices=tuple(MODELS), help="detector")
    add("--checkpoint", metavar="FILE", help="evaluate, screen or explain with this one")
    config = "options.json of a run: its options again; flags go before them"
    add("--config", metavar="FILE", help=config)
    _add_groups(group, "data resume")
    add_training(made.add_argument_group("training", "python main.py --niter 12 --lr 0.002"))
    example = "python main.py --istest --context none --threshold 0.01"
    add_evaluation(made.add_argument_group("evaluation", example))
    example = "python main.py --screen mitdb/208 --outf screened"
    group = made.add_argument_group("screening recordings, with --context too", example)
    _flag(group, "--screen", nargs="+", metavar="PATH")
    _add_groups(group, "screening page")
    add_workers(group, "recordings")
    group = made.add_argument_group("explaining a beat", "python main.py --explain 208 10000")
    _flag(group, "--explain", nargs="+", metavar="RECORD SAMPLE")
    return _with(DEFAULTS, made)


def screening_parser():
    """What of main_parser screens, for the help of screen.sh."""
    made = parser(
        "bash experiments/screen.sh",
        "Find the abnormal beats of recordings, with the shipped weights or others.",
        "bash experiments/screen.sh /data/mitdb/208 --outf screened",
    )
    made.add_argument("screen", nargs="+", metavar="PATH", help=HELP["--screen"])
    _add_groups(made, "outf weights context screening page resume device")
    add_workers(made, "recordings")
    return _with(DEFAULTS, made)


def preprocess_parser():
    made = parser(
        "python -m preprocess",
        "WFDB records to beats, STFT images and an index.",
        f"python -m preprocess --records /data/mitdb --dataroot {DATAROOT}",
    )
    add = made.add_argument_group("data").add_argument
    records = (
        "folder with WFDB records (or set MITDB_DIR), or several, whose records are then called "
        "FOLDER/NAME; without it an earlier download is used, else one is tried, else a simulated "
        "cohort is made"
    )
    add("--records", nargs="+", metavar="DIR", help=records)
    data = "mitdb insists on the real database, simulated asks for the cohort"
    add("--data", choices=("auto", "mitdb", "simulated"), help=data)
    add("--datadir", metavar="DIR", help="where downloads and the cohort are kept")
    add("--dataroot", metavar="DIR", help="where the results go")
    group = made.add_argument_group("beats and images")
    lead = (
        "lead to read, by its name in the header; likely: the one of each record that is likeliest "
        f"to be lead II (default: {LEAD}; of several folders likely)"
    )
    group.add_argument("--lead", metavar="NAME", help=lead)
    image = lambda name: IMAGE_ALIASES.get(name, name)
    _flag(group, "--image", type=image, choices=IMAGE_NAMES)
    _flag(group, "--filter", choices=FILTER_NAMES)
    return _with(PREPROCESSING, made)


def add_device(group):
    group.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), help="where to compute")


def add_data(group):
    """Which beats, from where to where, and on what device."""
    who = "who trains and who is tested"
    group.add_argument("--protocol", choices=PROTOCOL_NAMES, help=who)
    _flag(group, "--folder", type=integer(0, FOLDS - 1), metavar="K")
    _flag(group, "--split", metavar="FILE")
    add_dataroot(group)
    group.add_argument("--outf", metavar="DIR", help="results go to OUTF/MODEL/PROTOCOL/foldK/")
    add_device(group)


def add_dataroot(group):
    group.add_argument("--dataroot", metavar="DIR", help="folder made by preprocess")


def add_outf(group):
    group.add_argument("--outf", metavar="DIR", help="where results go")


def add_records(group, required=True):
    folder = "folder with the MIT-BIH records"
    group.add_argument("--records", metavar="DIR", required=required, help=folder)


def add_weights(group):
    group.add_argument("--checkpoint", metavar="FILE", help="instead of the shipped weights")


def add_seed(group):
    group.add_argument("--seed", type=SEED, metavar="S", help="of all that is drawn by chance")


def add_training(group):
    add = group.add_argument
    add("--niter", type=integer(0), metavar="N", help=f"epochs ({_by_model('niter')})")
    add("--lr", type=RATE, metavar="RATE", help=f"of Adam ({_by_model('lr')})")
    _flag(group, "--batchsize", type=integer(2), metavar="N")
    add_training_beats(group)
    _flag(group, "--w_adv", type=number(0), metavar="W")
    copies = integer(0, 10)
    add("--n_aug", type=copies, metavar="N", help="time-warped copies of each beat")
    add_seed(group)
    _flag(group, "--amp", choices=("auto", "off", "bfloat16"))
    _flag(group, "--no-error-map", dest="error_map", action="store_false")
    _flag(group, "--without", nargs="*", choices=PARTS, default=[], metavar="PART")
    add_selection(group)


def add_resume(group):
    _flag(group, "--resume", action="store_true")


def add_training_beats(group):
    """Which of the training beats are shown, and how changed."""
    _flag(group, "--train-beats", type=integer(2), metavar="N")
    _flag(group, "--jitter", type=JITTER, metavar="N")
    _flag(group, "--drift", type=number(0, 1), metavar="SHARE")


def add_selection(group):
    """Which epoch is kept."""
    _flag(group, "--select", choices=("last", "paper"))
    checks = "AUCs an epoch (default: 1, at its end)"
    group.add_argument("--checks", type=integer(1), metavar="N", help=checks)


def add_context(group):
    _flag(group, "--context", choices=CONTEXTS)


def add_evaluation(group):
    add_context(group)
    _flag(group, "--threshold", type=RATE, metavar="RATE")
    resamplings = "resamplings for 95 %% intervals"
    group.add_argument("--bootstrap", type=integer(0), metavar="N", help=resamplings)


def add_workers(group, what):
    """Where several of something are worked on at a time; without a flag, one after another."""
    add = group.add_mutually_exclusive_group().add_argument
    jobs = f"so many {what} at a time, each in a process of its own on this machine"
    add("--jobs", type=integer(1), metavar="N", help=jobs)
    cluster = f"{what} on the workers of this Dask scheduler, tcp://host:8786 say: docs/scale.md"
    add("--cluster", metavar="ADDRESS", help=cluster)


def add_screening(group):
    add, above = group.add_argument, number(0, open_low=True)
    leads = "one or more, by name or index from 0 (default: that of the weights, or a likely one)"
    add("--lead", nargs="+", metavar="NAME", help=leads)
    add("--fs", type=number(1), metavar="HZ", help="sampling rate of a text file without times")
    add("--units", choices=("mV", "uV", "V"), help="of a text file's numbers (default: mV)")
    add("--gain", type=above, metavar="COUNTS_PER_MV", help="of a text file of counts")
    add("--baseline", type=number(-1e9), metavar="COUNTS", help="0 mV in such a file")
    _flag(group, "--annotator", type=ending, metavar="EXT")
    _flag(group, "--false-alarms-per-hour", type=above, metavar="N")
    share = number(0, 0.5, open_low=True)
    add("--false-alarm-rate", type=share, metavar="RATE", help="the same, as a share of them")
    add("--pause", type=number(1, 10), metavar="S", help="RR interval of a pause")
    _flag(group, "--calibration-minutes", type=number(0.5), metavar="MIN")
    _flag(group, "--known-normal", nargs=2, type=number(0), metavar=("FROM", "TO"))


def add_page(group):
    add = group.add_argument
    add("--no-trace", dest="trace", action="store_false", help="no ECG in the page")
    add("--pdf", action="store_true", help="the print too, as NAME.pdf, by Chromium or Chrome")
    add("--corrections", metavar="FILE", help="of one recording, as its page saves them")
