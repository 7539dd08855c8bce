"""Screen recordings that nobody has looked at: hours of ECG in, the few beats worth a look out.

`screen` is the way of a recording: file, findings, outputs. `screen_all` does it for many, one
after another in this process or one a task in workers, and writes their index.
"""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from experiments.screening import archive
from experiments.screening.page import index
from experiments.screening.shipped import WEIGHTS
from experiments.training import workers
from preprocess import BadInput
from preprocess.commands import is_about_memory, loading, sentence
from preprocess.files import check_is_file, only_writer
from preprocess.readers import find, open_source

if TYPE_CHECKING:  # networks and signal processing are loaded where a recording is screened
    from experiments.training.checkpoint import Checkpoint
    from models.detector import Detector
    from preprocess.readers.source import Source

MOST_SENTENCES = 20  # about recordings that failed, on the terminal; index.html has all


@dataclass
class Outcome:
    """What became of a recording: its summary without lists, or why there is none."""

    summary: dict | None = None
    failure: str | None = None
    lacked_memory: bool = False


def screen_all(opt):
    """Screen every recording of opt.screen.

    One that cannot be read does not stop the others; BadInput names them at the end. Two of one
    name would overwrite each other's outputs: BadInput before anything is read.
    """
    check_is_file(Path(opt.outf))
    weights = Path(opt.checkpoint or WEIGHTS)
    paths, failures = _recordings(opt.screen)
    asked, many = len(paths) + len(failures), opt.jobs is not None or opt.cluster is not None
    if not many:
        _detector(*_key(weights, opt))  # where it cannot be opened nothing is tried
    with only_writer(opt.outf) if many else nullcontext():
        outcomes = {}
        if opt.resume:
            done = [(path, archive.finished(path, weights, opt)) for path in paths]
            outcomes = {path: Outcome(summary) for path, summary in done if summary}
        todo = [path for path in paths if path not in outcomes]
        if many or opt.resume:
            print(f"{len(todo)} recordings to screen, {len(outcomes)} done before", flush=True)
        for path, outcome in _screened(todo, opt, weights, many):
            outcomes[path] = outcome
        # Last, each in a fresh process: of what failed, memory is not all given back.
        for path in [path for path in todo if outcomes[path].lacked_memory]:
            alone = Namespace(**(vars(opt) | {"jobs": 1, "cluster": None}))
            outcomes |= dict(_screened([path], alone, weights, many=True))
    failures += [outcomes[path].failure for path in paths if outcomes[path].failure]
    summaries = [outcomes[path].summary for path in paths if outcomes[path].summary]
    if asked > 1 and summaries:
        written = index.write(summaries, failures, opt.outf)
        print(f"  {written}  .csv: all of them, the gravest first", flush=True)
    if asked == 1 and failures:
        raise BadInput(failures[0])
    if failures:
        more = len(failures) - MOST_SENTENCES
        raise BadInput(
            f"{len(failures)} of {asked} recordings could not be screened:\n  "
            + "\n  ".join(failures[:MOST_SENTENCES])
            + (f"\n  and {more} more: the table of all has them" if more > 0 else "")
        )


def _recordings(asked):
    """Paths of the recordings that were asked for, and sentences about those that are not there."""
    paths, failures = [], []
    for path in asked:
        try:
            found, line = find(path)
            print(line, end="\n" * bool(line), flush=True)
            paths += [recording for recording in found if not index.is_index(recording)]
        except BadInput as error:
            failures.append(str(error))
    names = Counter(Path(path).stem for path in paths)
    if twice := [name for name, count in names.items() if count > 1]:
        raise BadInput(
            f"two recordings are called {twice[0]}, and so would be their outputs: "
            "screen them one at a time, each with its own --outf"
        )
    return paths, failures


def _screened(paths, opt, weights, many):
    """(path, Outcome) of each, as they are done: here, or by workers."""
    if not many:
        yield from ((path, attempt(path, opt)) for path in paths)
        return
    whole = [path.resolve() for path in paths]
    task = partial(attempt, opt=archive.for_workers(opt), in_worker=True)
    outcomes = workers.side_by_side(task, whole, opt.jobs, opt.cluster)
    with tqdm(total=len(paths), desc="screening", unit="recording", disable=None) as bar:
        for count, (place, outcome) in enumerate(outcomes, 1):
            if isinstance(outcome, workers.Lost):
                outcome = Outcome(failure=f"{paths[place]}: {outcome}")
            bar.update()
            beats = outcome.summary and outcome.summary["beats"]
            said = f"{beats['v']} V, {beats['s']} S" if beats else "failed"
            bar.write(f"{count} of {len(paths)}: {paths[place].stem}, {said}")
            yield paths[place], outcome


def attempt(path: Path, opt, in_worker: bool = False) -> Outcome:
    """Screen one recording and write its outputs, whatever it is like.

    in_worker: others are screened beside it, and nothing is said on the terminal.
    """
    if in_worker and opt.cluster:
        archive.check_is_shared(opt.outf)
    try:
        weights = Path(opt.checkpoint or WEIGHTS)
        checkpoint, detector = _detector(*_key(weights, opt))
        made_with = archive.made_with(path, weights, opt)
        findings = screen(path, checkpoint, detector, opt, made_with, progress=not in_worker)
        if not in_worker:
            from experiments.screening import outputs

            print(outputs.in_lines(findings, opt.outf), flush=True)
        return Outcome(archive.brief(findings.summary))
    except BadInput as error:
        return Outcome(failure=str(error))
    except Exception as error:  # one recording never costs the others
        failure = f"{path}: {sentence(error)[0]}"
        return Outcome(failure=failure, lacked_memory=is_about_memory(error))
    except KeyboardInterrupt as stop:
        raise type(stop)(f"at {path}") from None


def _key(weights, opt):
    """Arguments of _detector. Size and time tell a worker that its weights were replaced."""
    found = weights.stat() if weights.exists() else None
    return weights, opt.device, found and (found.st_mtime_ns, found.st_size)


@cache
def _detector(weights, device, _):
    """A checkpoint and its detector, opened once in a process (see _key)."""
    with loading():
        from experiments.screening import screener, threads

    threads.few_arenas()
    return screener.open_weights(weights, device)


def screen(
    path,
    checkpoint: Checkpoint,
    detector: Detector,
    opt,
    made_with: dict | None = None,
    progress: bool = True,
):
    """Screen one recording and write NAME.b2i, .csv, .json and .html to opt.outf: its Findings.

    made_with: of experiments.screening.archive, kept in the summary.
    """
    from experiments.screening import corrections
    from experiments.screening.screener import Screener

    given = corrections.read(opt.corrections) if opt.corrections else None
    screener = Screener.of(checkpoint, detector, opt)
    source = _announced(path, checkpoint, opt, progress)
    findings = screener.findings(source, progress, getattr(opt, "threads", None))
    if given:
        findings = corrections.apply(findings, given, opt.pause)
    if made_with:
        findings.summary["made_with"] = made_with
    screener.write(findings, opt.outf)
    return findings


def opened(path: Path, checkpoint: Checkpoint, opt) -> Source:
    how = {"gain": opt.gain, "baseline": opt.baseline, "likely": checkpoint.settings["lead"]}
    return open_source(path, opt.lead, opt.fs, opt.units, **how)


def _announced(path, checkpoint, opt, progress) -> Source:
    """The recording, when it can be screened, and a line that says which lead is."""
    from experiments.screening import outputs
    from experiments.screening.page import pdf

    source = opened(path, checkpoint, opt)
    outputs.check_apart(source, opt.outf)
    if opt.pdf:
        pdf.browser()
    line = f"{source.name}: lead {', '.join(source.screened)}"
    if len(source.leads) > len(source.screened):
        line += f" of {', '.join(source.leads)} (--lead chooses)"
    if progress:
        print("\n  ".join([line, *source.notes]), flush=True)
    return source
