"""Screen recordings that nobody has looked at: hours of ECG in, the few beats worth a look out.

What is done to each is experiments.screening.screener; here are files, and what the terminal says.
"""

from collections import Counter
from pathlib import Path

from experiments.screening import index, outputs, terminal
from experiments.screening.findings import Findings
from experiments.screening.screener import WEIGHTS, Screener
from experiments.screening.side_by_side import few_arenas
from experiments.training.checkpoint import Checkpoint, open_detector
from models.detector import Detector
from preprocess import BadInput, formats
from preprocess.formats import Source


def screen_all(opt):
    """Screen every recording of opt.screen.

    One that cannot be read does not stop the others; BadInput names them at the end. Two of one
    name would overwrite each other's outputs: BadInput before anything is read.
    """
    few_arenas()
    checkpoint, detector = open_detector(opt.checkpoint or WEIGHTS, opt.device)
    paths, failures = _find(opt.screen)
    asked, summaries = len(paths) + len(failures), []
    for path in paths:
        try:
            findings = screen(path, checkpoint, detector, opt)
            print(terminal.text(findings, opt.outf), flush=True)
            summaries.append(findings.summary)
        except BadInput as error:
            failures.append(str(error))
        except OSError as error:
            reason = error.strerror or error
            failures.append(f"{path}: {reason} ({opt.outf}); earlier outputs are as they were")
        except KeyboardInterrupt:
            raise BadInput(f"interrupted at {path}; earlier outputs are as they were") from None
    if asked > 1 and summaries:
        index.write(summaries, failures, opt.outf)
        print(
            f"  {Path(opt.outf) / index.NAMES[0]}  .csv: all of them, the gravest first", flush=True
        )
    if asked == 1 and failures:
        raise BadInput(failures[0])
    if failures:
        raise BadInput(
            f"{len(failures)} of {asked} recordings could not be screened:\n  "
            + "\n  ".join(failures)
        )


def _find(asked):
    """The recordings that were asked for, and sentences about those that are not there."""
    paths, failures = [], []
    for path in asked:
        try:
            paths += [found for found in formats.find(path) if not index.is_index(found)]
        except BadInput as error:
            failures.append(str(error))
    names = Counter(Path(path).stem for path in paths)
    if twice := [name for name, count in names.items() if count > 1]:
        raise BadInput(
            f"two recordings are called {twice[0]}, and so would be their outputs: "
            "screen them one at a time, each with its own --outf"
        )
    return paths, failures


def screen(path, checkpoint: Checkpoint, detector: Detector, opt) -> Findings:
    """Screen one recording and write NAME.b2i, .csv, .json and .html to opt.outf."""
    screener = Screener.of(checkpoint, detector, opt)
    findings = screener.findings(_open(path, checkpoint, opt), progress=True)
    screener.write(findings, opt.outf)
    return findings


def _open(path, checkpoint, opt) -> Source:
    """The recording, when it can be screened, and a line that says which lead is."""
    likely = checkpoint.settings["lead"]
    source = formats.open_source(path, opt.lead, opt.fs, opt.units, likely=likely)
    outputs.check_apart(source, opt.outf)
    line = f"{source.name}: lead {source.lead}"
    if len(source.leads) > 1:
        line += f" of {', '.join(source.leads)}"
        if opt.lead is None:
            line += " (choose another with --lead)"
    print(line, flush=True)
    return source
