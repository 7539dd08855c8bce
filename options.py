"""Flags of main.py and of python -m preprocess, and the groups of flags that studies share.

A study names its groups to `study`, adds flags of its own and calls `command`. Every flag has its
unit and its default. Nothing here loads a network library: --help answers at once.
"""

import argparse
from collections.abc import Sequence

from models import CONTEXTS, MODELS, canonical
from models.b2igan import PARTS
from preprocess.commands import command, ending, integer, number, parser
from preprocess.constants import FILTER_NAMES, LEAD

__all__ = ["command", "integer", "number", "parser"]  # studies find them here

DATASET = "experiments/ecg/dataset"
DATAROOT = f"{DATASET}/complex"
OUTPUT = "experiments/ecg/output"
SEED = integer(0, 2**32 - 1)
RATE = number(0, 1, open_low=True)
FOLDS = 5
PROTOCOL_NAMES = (  # of experiments.training.protocols, in its order
    "beatgan",
    "beatgan-unfiltered",
    "chronological",
    "interpatient",
    "patient",
    "external",
    "databases",
    "develop",
)
JITTER = integer(0, 20)  # samples


def parse(name: str, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Options of "main" or "preprocess"; unknown flags and impossible values end here."""
    made = {"main": main_parser, "preprocess": preprocess_parser}[name]()
    return made.parse_args(argv)


def study(name: str, text: str, example: str = "", groups: str = "") -> argparse.ArgumentParser:
    """The parser of python -m experiments.NAME.

    example: flags; groups: names of the functions add_NAME below whose flags it has too.
    """
    command_line = f"python -m experiments.{name}"
    made = parser(command_line, text, f"example:\n  {command_line} {example}")
    for group in groups.split():
        globals()[f"add_{group}"](made)
    return made


def replaced(opt: argparse.Namespace, **values) -> argparse.Namespace:
    """A copy of options with some of them changed."""
    return argparse.Namespace(**(vars(opt) | values))


def main_parser():
    made = parser(
        "python main.py",
        "Train a detector of abnormal beats on normal beats only, evaluate it, screen recordings "
        "with it, or explain a beat.",
        "examples:\n"
        "  python main.py                                     train on fold 0\n"
        "  python main.py --istest                            evaluate what was trained\n"
        "  python main.py --model b2igan --protocol interpatient --niter 12 --seed 1\n"
        "  python main.py --screen mitdb/208 --outf screened  find a recording's abnormal beats",
    )
    group = made.add_argument_group("what to run")
    add = group.add_argument
    add("--istest", action="store_true", help="evaluate a trained checkpoint, do not train")
    add("--model", type=canonical, choices=tuple(MODELS), default="b2igan", help="detector")
    add("--checkpoint", metavar="FILE", help="evaluate this one, not the one under --outf")
    add_data(group)
    add_training(made.add_argument_group("training"))
    add_evaluation(made.add_argument_group("evaluation"))

    group = made.add_argument_group("screening a recording")
    group.add_argument(
        "--screen",
        nargs="+",
        metavar="PATH",
        help="find the abnormal beats of recordings: WFDB, EDF, BDF, ISHNE, text files, or "
        "folders of them; with the shipped weights or --checkpoint; writes NAME.html, .csv, .b2i, "
        ".json to --outf",
    )
    add_screening(group)
    add_workers(group, "recordings")

    made.add_argument_group("explaining a beat").add_argument(
        "--explain",
        nargs=2,
        metavar=("RECORD", "SAMPLE"),
        help="what is wrong with the beat of a preprocessed record whose R peak is at or near this "
        "sample (of 360 a second), and where; writes explain_RECORD_SAMPLE.png to --outf",
    )
    return made


def preprocess_parser():
    made = parser(
        "python -m preprocess",
        "WFDB records to beats, STFT images and an index.",
        f"example:\n  python -m preprocess --records /data/mitdb --dataroot {DATAROOT}",
    )
    add = made.add_argument_group("data").add_argument
    add(
        "--records",
        nargs="+",
        metavar="DIR",
        help="folder with WFDB records (or set MITDB_DIR), or several, whose records are then "
        "called FOLDER/NAME; without it an earlier download is used, else one is tried, else a "
        "simulated cohort is made",
    )
    add(
        "--data",
        choices=("auto", "mitdb", "simulated"),
        default="auto",
        help="mitdb insists on the real database, simulated asks for the cohort",
    )
    add("--datadir", metavar="DIR", default=DATASET, help="where downloads and the cohort are kept")
    add("--dataroot", metavar="DIR", default=DATAROOT, help="where the results go")

    add = made.add_argument_group("beats and images").add_argument
    add(
        "--lead",
        metavar="NAME",
        help=f"lead to read, by its name in the header; likely: the one of each record that is "
        f"likeliest to be lead II (default: {LEAD}; of several folders likely)",
    )
    add(
        "--image",
        type=_image,
        default="complex",
        metavar="NAME",
        help="complex: phase-keeping 2 x 32 x 32; decibel: the original dB image, 1 x 128 x 128",
    )
    add(
        "--filter",
        choices=FILTER_NAMES,
        default="butterworth",
        help="of the beats. butterworth: 0.5 to 45 Hz; published: 3 to 45 Hz, as the traces that "
        "the original read",
    )
    return made


def _image(name):
    """The name of an image setting, asked only when the flag is given: that loads torch."""
    from preprocess.spectrogram import IMAGE_ALIASES, SETTINGS

    name = IMAGE_ALIASES.get(name, name)
    if name not in SETTINGS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(SETTINGS)}")
    return name


def add_device(group):
    group.add_argument(
        "--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="where to compute"
    )


def add_data(group):
    """Which beats, from where to where, and on what device."""
    add = group.add_argument
    add(
        "--protocol", choices=PROTOCOL_NAMES, default="beatgan", help="who trains and who is tested"
    )
    add(
        "--folder",
        type=integer(0, FOLDS - 1),
        default=0,
        metavar="K",
        help=f"fold 0 to {FOLDS - 1}: which fifth of the normals is tested (beatgan), which fifth "
        "of the training patients calibrates (the others), which folder of records is tested "
        "(databases)",
    )
    add_dataroot(group)
    add("--outf", default=OUTPUT, metavar="DIR", help="results go to OUTF/MODEL/PROTOCOL/foldK/")
    add_device(group)


def add_dataroot(group):
    add = group.add_argument
    add("--dataroot", default=DATAROOT, metavar="DIR", help="folder made by preprocess")


def add_outf(group):
    group.add_argument("--outf", default=OUTPUT, metavar="DIR", help="where results go")


def add_records(group, required=True):
    group.add_argument(
        "--records", metavar="DIR", required=required, help="folder with the MIT-BIH records"
    )


def add_weights(group):
    group.add_argument("--checkpoint", metavar="FILE", help="instead of the shipped weights")


def add_seed(group):
    add = group.add_argument
    add("--seed", type=SEED, default=0, metavar="S", help="of all that is drawn by chance")


def add_training(group):
    add = group.add_argument
    add("--niter", type=integer(0), metavar="N", help="epochs (default: the model's own)")
    add("--lr", type=RATE, metavar="RATE", help="of Adam (default: the model's own)")
    add("--batchsize", type=integer(2), metavar="N", help="beats a step (default: the model's own)")
    add_training_beats(group)
    add(
        "--w_adv",
        type=number(0),
        default=1.0,
        metavar="W",
        help="weight of the feature-matching loss against the reconstruction loss",
    )
    copies = integer(0, 10)
    add("--n_aug", type=copies, default=0, metavar="N", help="time-warped copies of each beat")
    add_seed(group)
    add(
        "--amp",
        choices=("auto", "off", "bfloat16"),
        default="auto",
        help="mixed precision; auto uses it where the processor computes in bfloat16",
    )
    add(
        "--resume",
        action="store_true",
        help="go on: training from the checkpoint under --outf; screening with the recordings "
        "whose outputs are not there yet, made with the same weights and options",
    )
    add(
        "--no-error-map",
        dest="error_map",
        action="store_false",
        help="do not learn where in a beat the error is, which takes about a third of the time",
    )
    add(
        "--without",
        nargs="*",
        choices=PARTS,
        default=[],
        metavar="PART",
        help=f"parts of b2igan's score to leave out, of {', '.join(PARTS)}",
    )
    add_selection(group)


def add_training_beats(group):
    """Which of the training beats are shown, and how changed."""
    add = group.add_argument
    add(
        "--train-beats",
        type=integer(2),
        metavar="N",
        help="train on so many of the normal beats, evenly over the recordings (default: all)",
    )
    add(
        "--jitter",
        type=JITTER,
        metavar="N",
        help="move each training window by up to so many samples (2.8 ms each), as R peaks that "
        "are not marked by an expert are (default: the model's own)",
    )
    add(
        "--drift",
        type=number(0, 1),
        metavar="SHARE",
        help="of the training beats that are shown as they might look some minutes later: of "
        "another gain, level and lead vector (default: the model's own; 0 for unseen patients)",
    )


def add_selection(group):
    """Which epoch is kept."""
    add = group.add_argument
    add(
        "--select",
        choices=("last", "paper"),
        default="last",
        help="last: the last epoch. paper: the epoch with the best validation AUC, WITH LABELLED "
        "ANOMALIES, as the original work did; its outputs say uses_anomaly_labels",
    )
    add("--checks", type=integer(1), metavar="N", help="AUCs an epoch (default: 1, at its end)")


def add_context(group):
    group.add_argument(
        "--context",
        choices=CONTEXTS,
        default="record",
        help="what a score may use: none, the beat's window; rhythm, also its RR intervals; "
        "record, also the whole recording's own unlabelled beats",
    )


def add_evaluation(group):
    add = group.add_argument
    add_context(group)
    add(
        "--threshold",
        type=RATE,
        default=0.05,
        metavar="RATE",
        help="false-alarm rate on held-out normal beats at which the alarm threshold is set",
    )
    add(
        "--bootstrap",
        type=integer(0),
        default=200,
        metavar="N",
        help="resamplings for 95 %% intervals",
    )


def add_workers(group, what):
    """Where several of something are worked on at a time; without a flag, one after another."""
    add = group.add_mutually_exclusive_group().add_argument
    add(
        "--jobs",
        type=integer(1),
        metavar="N",
        help=f"so many {what} at a time, each in a process of its own on this machine",
    )
    add(
        "--cluster",
        metavar="ADDRESS",
        help=f"{what} on the workers of this Dask scheduler, tcp://host:8786 say: docs/scale.md",
    )


def add_screening(group):
    add = group.add_argument
    add(
        "--lead",
        nargs="+",
        metavar="NAME",
        help="one or more, by name or index from 0 (default: that of the weights, or a likely one)",
    )
    add("--fs", type=number(1), metavar="HZ", help="sampling rate of a text file without times")
    add("--units", choices=("mV", "uV", "V"), help="of a text file's numbers (default: mV)")
    above, any_number = number(0, open_low=True), number(-1e9)
    add("--gain", type=above, metavar="COUNTS_PER_MV", help="of a text file of counts")
    add("--baseline", type=any_number, default=0.0, metavar="COUNTS", help="0 mV in such a file")
    add(
        "--annotator",
        type=ending,
        metavar="EXT",
        help="take the R peaks from this WFDB annotation file (atr, for instance) instead of "
        "detecting them; its labels are not read",
    )
    add(
        "--false-alarms-per-hour",
        type=number(0, open_low=True),
        default=60.0,
        metavar="N",
        help="normal beats that may be flagged in an hour",
    )
    share = number(0, 0.5, open_low=True)
    add("--false-alarm-rate", type=share, metavar="RATE", help="the same, as a share of them")
    add("--corrections", metavar="FILE", help="of one recording, as its page saves them")
    add("--pdf", action="store_true", help="the print too, as NAME.pdf, by Chromium or Chrome")
    add("--no-trace", dest="trace", action="store_false", help="no whole ECG in the page")
    add("--pause", type=number(1, 10), default=2.0, metavar="S", help="RR interval of a pause")
    add(
        "--calibration-minutes",
        type=number(0.5),
        default=5.0,
        metavar="MIN",
        help="first minutes that adjust the threshold to the patient (with --context record by "
        "the heart rate alone); they may hold abnormal beats",
    )
    add(
        "--known-normal",
        nargs=2,
        type=number(0),
        metavar=("FROM", "TO"),
        help="minutes that someone knows to be normal, to calibrate on instead",
    )
