"""Every flag of every command, in headed groups, each with its unit and default. Nobody else parses arguments."""

import argparse
import sys

from experiments.training.protocols import PROTOCOLS
from models import CONTEXTS, MODELS
from preprocess.records import LEAD
from preprocess.spectrogram import SETTINGS

PARTS = (
    "latent",
    "features",
    "odds",
    "rhythm",
    "group",
    "qrs",
    "p",
    "st",
    "own",
)  # see models.b2igan and models.context
DATASET = "experiments/ecg/dataset"
OUTPUT = "experiments/ecg/output"


def explain(error):
    """Print an error as one sentence on the terminal; returns the exit status for bad input."""
    print(f"error: {error}", file=sys.stderr)
    return 2


def parse(command, argv=None):
    """Options of a command ("preprocess", "main") as a namespace; unknown flags and impossible values end here."""
    parsers = {
        "preprocess": _preprocess_parser,
        "main": _main_parser,
        "compare": _compare_parser,
        "localise": _localise_parser,
        "agreement": _agreement_parser,
        "noise": _noise_parser,
        "ship": _ship_parser,
        "ablation": _ablation_parser,
        "bench": _bench_parser,
    }
    return parsers[command]().parse_args(argv)


def replaced(opt, **values):
    """A copy of options with some of them changed."""
    return argparse.Namespace(**(vars(opt) | values))


def _parser(name, text, epilog=""):
    return argparse.ArgumentParser(
        prog=name, description=text, epilog=epilog, allow_abbrev=False, formatter_class=_Formatter
    )


class _Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults, keeps the line breaks of examples."""

    def _get_help_string(self, action):
        if action.default in (None, False, "") or action.default is argparse.SUPPRESS:
            return action.help
        return super()._get_help_string(action)


def _preprocess_parser():
    parser = _parser(
        "python -m preprocess",
        "WFDB records to beats, STFT images and an index.",
        "example:\n  python -m preprocess --records /data/mitdb --dataroot experiments/ecg/dataset/complex",
    )
    group = parser.add_argument_group("data")
    group.add_argument(
        "--records",
        metavar="DIR",
        help="folder with WFDB records (or set MITDB_DIR); without it an "
        "earlier download is used, else one is tried, else a simulated cohort is made",
    )
    group.add_argument(
        "--data",
        choices=("auto", "mitdb", "simulated"),
        default="auto",
        help="mitdb insists on the real database, simulated asks for the cohort",
    )
    group.add_argument(
        "--datadir", metavar="DIR", default=DATASET, help="where downloads and the cohort are kept"
    )
    group.add_argument(
        "--dataroot", metavar="DIR", default=f"{DATASET}/complex", help="where the results go"
    )
    group = parser.add_argument_group("beats and images")
    group.add_argument("--lead", default=LEAD, help="lead to read, by its name in the header")
    group.add_argument(
        "--image",
        choices=tuple(SETTINGS),
        default="complex",
        help="complex: phase-keeping 2 x 32 x 32; seed: the original dB image, 1 x 128 x 128",
    )
    return parser


def _main_parser():
    parser = _parser(
        "python main.py",
        "Train a detector of abnormal beats on normal beats only, evaluate it, or screen "
        "recordings with it.",
        "examples:\n  python main.py                                     train on fold 0\n"
        "  python main.py --istest                            evaluate what was trained\n"
        "  python main.py --model b2igan --protocol interpatient --niter 12 --seed 1\n"
        "  python main.py --screen mitdb/208 --outf screened  find the abnormal beats of a recording",
    )
    _add_what(parser.add_argument_group("what to run"))
    _add_training(parser.add_argument_group("training"))
    _add_evaluation(parser.add_argument_group("evaluation"))
    group = parser.add_argument_group("screening a recording")
    group.add_argument(
        "--screen",
        nargs="+",
        metavar="PATH",
        help="find the abnormal beats of recordings that nobody has "
        "looked at: WFDB records, EDF or CSV files, or folders of them; with the shipped weights "
        "or --checkpoint; writes NAME.html, NAME.csv and NAME.b2i to --outf",
    )
    _add_screening(group)
    group = parser.add_argument_group("explaining a beat")
    group.add_argument(
        "--explain",
        nargs=2,
        metavar=("RECORD", "SAMPLE"),
        help="what is wrong with the beat of a "
        "preprocessed record whose R peak is at or near this sample (of 360 a second), and where; writes "
        "explain_RECORD_SAMPLE.png to --outf",
    )
    return parser


def _add_what(group):
    group.add_argument(
        "--istest", action="store_true", help="evaluate a trained checkpoint instead of training"
    )
    group.add_argument("--model", choices=tuple(MODELS), default="b2igan", help="detector")
    group.add_argument(
        "--checkpoint", metavar="FILE", help="evaluate this one instead of the one under --outf"
    )
    _add_data(group)


def _add_data(group):
    group.add_argument(
        "--protocol",
        choices=tuple(PROTOCOLS),
        default="beatgan",
        help="who trains and who is tested; see the README",
    )
    group.add_argument(
        "--folder",
        type=_integer(0, 4),
        default=0,
        metavar="K",
        help="fold 0 to 4: which fifth of the normals is tested (beatgan), which fifth of the training "
        "patients is held out for the threshold (interpatient, patient)",
    )
    group.add_argument(
        "--dataroot", default=f"{DATASET}/complex", metavar="DIR", help="folder made by preprocess"
    )
    group.add_argument(
        "--outf", default=OUTPUT, metavar="DIR", help="results go to OUTF/MODEL/PROTOCOL/foldK/"
    )
    group.add_argument(
        "--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="where to compute"
    )


def _add_training(group):
    group.add_argument(
        "--niter", type=_integer(0), metavar="N", help="epochs (default: the model's own)"
    )
    group.add_argument(
        "--lr",
        type=_number(0, 1, open_low=True),
        metavar="RATE",
        help="learning rate of Adam (default: the model's own)",
    )
    group.add_argument(
        "--batchsize", type=_integer(2), metavar="N", help="beats a step (default: the model's own)"
    )
    _add_train_beats(group)
    group.add_argument(
        "--w_adv",
        type=_number(0),
        default=1.0,
        metavar="W",
        help="weight of the feature-matching loss against the reconstruction loss",
    )
    group.add_argument(
        "--n_aug",
        type=_integer(0, 10),
        default=0,
        metavar="N",
        help="time-warped copies of each training beat, added to it",
    )
    group.add_argument(
        "--seed", type=_integer(0), default=0, metavar="S", help="of weights and batches"
    )
    group.add_argument(
        "--amp",
        choices=("auto", "off", "bfloat16"),
        default="auto",
        help="mixed precision; auto uses it where the processor computes in bfloat16",
    )
    group.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint under --outf"
    )
    group.add_argument(
        "--no-error-map",
        dest="error_map",
        action="store_false",
        help="detect only: do not learn where in a beat the error is, which takes about a third of the time",
    )
    group.add_argument(
        "--without",
        nargs="*",
        choices=PARTS,
        default=[],
        metavar="PART",
        help=f"parts of b2igan's score to leave out, of {', '.join(PARTS)}",
    )
    group.add_argument(
        "--select",
        choices=("last", "paper"),
        default="last",
        help="last: the last epoch. paper: the epoch with the best validation AUC, WITH LABELLED "
        "ANOMALIES, as the original work did; its outputs say uses_anomaly_labels",
    )
    _add_checks(group)


def _add_train_beats(group):
    group.add_argument(
        "--train-beats",
        type=_integer(2),
        metavar="N",
        help="train on so many of the normal beats, evenly spread over the recordings (default: all)",
    )


def _add_checks(group):
    group.add_argument(
        "--checks",
        type=_integer(1),
        metavar="N",
        help="with --select paper, how often in an epoch that "
        "AUC is taken (default: once, at its end)",
    )


def _add_evaluation(group):
    _add_context(group)
    group.add_argument(
        "--threshold",
        type=_number(0, 1, open_low=True),
        default=0.05,
        metavar="RATE",
        help="false-alarm rate on held-out normal beats at which the alarm threshold is set",
    )
    group.add_argument(
        "--bootstrap",
        type=_integer(0),
        default=200,
        metavar="N",
        help="resamplings for the 95 %% confidence intervals",
    )


def _compare_parser():
    parser = _parser(
        "python -m experiments.compare",
        "Every method on the same beats, in one table and one figure. "
        "Runs what is missing, skips what is done; stop it and call it again.",
        "example:\n  python -m experiments.compare --models b2igan knn --protocols beatgan --folds 0 1 2",
    )
    group = parser.add_argument_group("what to compare")
    group.add_argument(
        "--models",
        nargs="+",
        choices=tuple(MODELS),
        default=list(MODELS),
        metavar="NAME",
        help=f"of {', '.join(MODELS)}",
    )
    group.add_argument("--protocols", nargs="+", choices=tuple(PROTOCOLS), default=["beatgan"])
    group.add_argument(
        "--contexts",
        nargs="+",
        choices=CONTEXTS,
        default=list(CONTEXTS),
        help="rows of their own for models that can use them",
    )
    group.add_argument(
        "--folds", nargs="+", type=_integer(0, 4), default=[0, 1, 2, 3, 4], metavar="K"
    )
    group.add_argument("--seeds", nargs="+", type=_integer(0), default=[0], metavar="S")
    group = parser.add_argument_group("how")
    group.add_argument(
        "--niter", type=_integer(0), metavar="N", help="epochs (default: each model's own)"
    )
    _add_train_beats(group)
    group.add_argument(
        "--select",
        choices=("last", "paper"),
        default="last",
        help="paper: the epoch with the best validation AUC, WITH LABELLED ANOMALIES, as published",
    )
    _add_checks(group)
    group.add_argument(
        "--datadir",
        default=DATASET,
        metavar="DIR",
        help="holds a preprocessed folder for each image: complex, and seed for b2igan-seed",
    )
    group.add_argument(
        "--outf", default=f"{OUTPUT}/compare", metavar="DIR", help="where runs and the table go"
    )
    group.add_argument(
        "--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="where to compute"
    )
    return parser


def _localise_parser():
    parser = _parser(
        "python -m experiments.localise",
        "Error maps held against changes of known place and against real "
        "ectopic beats: a table, pictures, and last one JSON object.",
        "example:\n  python -m experiments.localise --dataroot experiments/ecg/dataset/complex",
    )
    group = parser.add_argument_group("what to measure")
    _add_data(group)
    group.add_argument(
        "--checkpoint", metavar="FILE", help="of b2igan; default: the one under --outf"
    )
    group.add_argument(
        "--beats",
        type=_integer(50),
        default=400,
        metavar="N",
        help="normal test beats that are changed",
    )
    baselines = ("median", "chance", "beatgan", "b2igan-seed")
    group.add_argument(
        "--baselines",
        nargs="*",
        choices=baselines,
        default=baselines,
        metavar="NAME",
        help="what to compare with; median is the difference to the record's median beat",
    )
    group.add_argument(
        "--cohort",
        metavar="DIR",
        help="folder for a simulated cohort, whose truth is measured against too",
    )
    group.add_argument(
        "--seed", type=_integer(0), default=0, metavar="S", help="of the choice of beats"
    )
    return parser


def _add_context(group):
    group.add_argument(
        "--context",
        choices=CONTEXTS,
        default="record",
        help="what a score may use: none, the beat's window; rhythm, also its RR intervals; record, also "
        "the whole recording's own unlabelled beats",
    )


def _agreement_parser():
    parser = _parser(
        "python -m experiments.agreement",
        "Screen labelled records as if nobody had labelled them, and hold "
        "the outputs against the labels, as bxb does.",
        "example:\n  python -m experiments.agreement --records /data/mitdb",
    )
    group = parser.add_argument_group("what to compare")
    group.add_argument(
        "--records", metavar="DIR", required=True, help="folder with the MIT-BIH records"
    )
    group.add_argument(
        "--names", nargs="+", metavar="NAME", help="records (default: DS2, the test patients)"
    )
    group.add_argument(
        "--resample",
        type=_number(100, 2000),
        metavar="HZ",
        help="screen copies of the records at this sampling rate",
    )
    group.add_argument("--checkpoint", metavar="FILE", help="instead of the shipped weights")
    group.add_argument(
        "--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="where to compute"
    )
    _add_context(group)
    _add_screening(parser.add_argument_group("screening a recording"))
    return parser


def _ship_parser():
    parser = _parser(
        "python -m experiments.ship",
        "Weights to hand on: a checkpoint without what only training needs.",
        "example:\n  python -m experiments.ship --checkpoint "
        f"{OUTPUT}/b2igan/interpatient/fold0/checkpoint.pt",
    )
    group = parser.add_argument_group("what to ship")
    group.add_argument(
        "--checkpoint",
        metavar="FILE",
        required=True,
        help="a finished one, trained on real records",
    )
    group.add_argument(
        "--to", metavar="FILE", help="instead of experiments/weights/b2igan.pt, what screening uses"
    )
    return parser


def _ablation_parser():
    parser = _parser(
        "python -m experiments.ablation",
        "What each part of b2igan's score is worth: a table and a .csv.",
        "example:\n  python -m experiments.ablation --checkpoint "
        f"{OUTPUT}/b2igan/interpatient/fold0/checkpoint.pt",
    )
    group = parser.add_argument_group("what to measure")
    group.add_argument(
        "--checkpoint",
        metavar="FILE",
        required=True,
        help="of b2igan; says which protocol and fold",
    )
    group.add_argument(
        "--dataroot", default=f"{DATASET}/complex", metavar="DIR", help="folder made by preprocess"
    )
    group.add_argument(
        "--outf", default=OUTPUT, metavar="DIR", help="where ablation_PROTOCOL.csv goes"
    )
    group.add_argument(
        "--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="where to compute"
    )
    return parser


def _noise_parser():
    parser = _parser(
        "python -m experiments.noise",
        "What noise costs: real electrode noise added to half of each test "
        "record; a table and noise.csv.",
        "example:\n  python -m experiments.noise --records /data/mitdb --noise /data/nstdb",
    )
    group = parser.add_argument_group("what to measure")
    group.add_argument(
        "--records", metavar="DIR", required=True, help="folder with the MIT-BIH records"
    )
    group.add_argument(
        "--noise",
        metavar="DIR",
        required=True,
        help="folder with noise records (PhysioNet's nstdb)",
    )
    group.add_argument(
        "--kinds",
        nargs="+",
        metavar="NAME",
        default=["bw", "ma"],
        help="noise records: bw is baseline wander, ma muscle noise",
    )
    group.add_argument(
        "--snr",
        nargs="+",
        type=_number(-30, 60),
        metavar="DB",
        default=[24, 12, 6],
        help="signal-to-noise ratios",
    )
    group.add_argument("--checkpoint", metavar="FILE", help="instead of the shipped weights")
    group.add_argument("--outf", default=OUTPUT, metavar="DIR", help="where noise.csv goes")
    group.add_argument(
        "--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="where to compute"
    )
    _add_context(group)
    return parser


def _bench_parser():
    parser = _parser(
        "python -m experiments.bench",
        "Speed and memory, beside the original's way of doing the same.",
        "example:\n  python -m experiments.bench --records /data/mitdb --hours 1 6 24 72",
    )
    group = parser.add_argument_group("what to measure")
    group.add_argument(
        "--records",
        metavar="DIR",
        help="folder with WFDB records (or set MITDB_DIR; else a simulated cohort)",
    )
    group.add_argument(
        "--hours",
        nargs="*",
        type=_number(0, open_low=True),
        default=[1, 6, 24],
        metavar="H",
        help="lengths of the recordings to screen",
    )
    group.add_argument("--checkpoint", metavar="FILE", help="instead of the shipped weights")
    group.add_argument("--only-screen", metavar="PATH", help=argparse.SUPPRESS)
    return parser


def _add_screening(group):
    group.add_argument(
        "--lead",
        help="lead, by name or by index from 0 "
        "(default: the lead that the weights were trained on, else a likely one)",
    )
    group.add_argument(
        "--fs",
        type=_number(1),
        metavar="HZ",
        help="sampling rate of a CSV file without a time column",
    )
    group.add_argument(
        "--units", choices=("mV", "uV", "V"), help="of a CSV file's numbers (default: mV)"
    )
    group.add_argument(
        "--annotator",
        metavar="EXT",
        help="take the R peaks from this WFDB annotation file (atr, for "
        "instance) instead of detecting them; its labels are not read",
    )
    group.add_argument(
        "--false-alarms-per-hour",
        type=_number(0, open_low=True),
        default=60.0,
        metavar="N",
        help="normal beats that may be flagged in an hour",
    )
    group.add_argument(
        "--false-alarm-rate",
        type=_number(0, 0.5, open_low=True),
        metavar="RATE",
        help="the same, as a share of the normal beats",
    )
    group.add_argument(
        "--calibration-minutes",
        type=_number(0.5),
        default=5.0,
        metavar="MIN",
        help="first minutes that adjust the threshold to the patient (with --context record, which measures "
        "beats against the patient's own, by the heart rate alone); they may hold abnormal beats",
    )
    group.add_argument(
        "--known-normal",
        nargs=2,
        type=_number(0),
        metavar=("FROM", "TO"),
        help="minutes that someone knows to be normal, to calibrate on instead",
    )


def _integer(low, high=None):
    return _number(low, high, kind=int)


def _number(low, high=None, kind=float, open_low=False):
    def convert(text):
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text} is not a {'whole ' if kind is int else ''}number"
            ) from None
        if not value >= low or (open_low and value == low) or (high is not None and value > high):
            upper = "" if high is None else f" and at most {high}"
            raise argparse.ArgumentTypeError(
                f"{text} must be {'above' if open_low else 'at least'} {low}{upper}"
            )
        return value

    return convert
