"""Screen a recording that nobody has looked at: hours of ECG in, the few beats worth a look out.

recording -> quality -> R peaks -> beats -> scores -> threshold -> location -> kinds and rhythms ->
findings -> files
"""

import ctypes
import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from experiments.screening import index, outputs, page, terminal
from experiments.screening.blocks import Reader, spans
from experiments.screening.findings import Collector, Findings
from experiments.screening.location import ScreenedBlock, locate
from experiments.screening.patient_threshold import calibrate
from experiments.screening.pictures import cluster_pictures
from experiments.screening.rhythm_episodes import Limits
from experiments.screening.scorer import ScoredBlock, Scorer
from experiments.training.checkpoint import Checkpoint, open_detector
from experiments.training.scoring import usable_context
from models.detector import Detector
from preprocess import BadInput, formats
from preprocess.commands import sentence
from preprocess.filters import BAND_HZ
from preprocess.formats import Source
from preprocess.records import FS_HZ
from preprocess.stopping import Stopped

WEIGHTS = Path(__file__).parents[1] / "weights/b2igan.pt"  # see the model card beside it
SHORTEST_S = 10.0
MOST_WORKERS = 4
M_ARENA_MAX = -8  # of mallopt(3)


def screen_all(opt):
    """Screen every recording of opt.screen.

    One that cannot be read does not stop the others; BadInput names them at the end. Two of one
    name would overwrite each other's outputs: BadInput before anything is read.
    """
    # each thread has a heap of its own: what it freed others cannot use
    _ask_allocator("mallopt", M_ARENA_MAX, 1)
    checkpoint, detector = open_detector(opt.checkpoint or WEIGHTS, opt.device)
    if checkpoint.settings["band_hz"] != list(BAND_HZ):
        raise BadInput(
            f"{opt.checkpoint} was trained on beats of another filter than screening has: "
            "give one trained on beats made without --filter"
        )
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
        except Exception as error:  # one recording never costs the others
            failures.append(f"{path}: {sentence(error)[0]}")
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"at {path}") from None
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
    source = _open(path, checkpoint, opt)
    context = usable_context(detector, opt.context)
    if context not in checkpoint.reference:
        raise BadInput(
            f"the checkpoint knows no scores of normal beats with context {context}: "
            "train it to the end"
        )
    reader, scorer = Reader(source, opt.annotator), Scorer(detector, context)

    def scored(start: int, end: int) -> ScoredBlock:
        return scorer.score(reader.read(start, end))

    patient_threshold = calibrate(scored, source, context, checkpoint.reference[context], opt)

    def screened(span: tuple[int, int]) -> ScreenedBlock:
        return locate(scored(*span), patient_threshold.value, detector)

    collector = Collector(source, patient_threshold, Limits(pause_s=opt.pause))
    duration_s = round(source.duration_s)
    with tqdm(total=duration_s, unit="s", unit_scale=True, desc=f"screening {source.name}") as bar:
        for block in side_by_side(screened, spans(source)):
            collector.add(block)
            # between the few examples that stay, days of freed arrays would stay too
            _ask_allocator("malloc_trim", 0)
            bar.update((block.end - block.start) / FS_HZ)
    findings = collector.findings()
    shown = cluster_pictures(findings.clusters[: page.MOST_ROWS], detector, patient_threshold)
    html = page.render(findings, shown, context, checkpoint, opt)
    outputs.write(findings, html, opt.outf)
    return findings


def _open(path, checkpoint, opt) -> Source:
    """The recording, when it can be screened, and a line that says which lead is."""
    likely = checkpoint.settings["lead"]
    source = formats.open_source(path, opt.lead, opt.fs, opt.units, likely=likely)
    outputs.check_apart(source, opt.outf)
    if source.duration_s < SHORTEST_S:
        raise BadInput(
            f"{source.path} is {source.duration_s:.1f} s long; {SHORTEST_S:g} s are needed at least"
        )
    line = f"{source.name}: lead {source.lead}"
    if len(source.leads) > 1:
        line += f" of {', '.join(source.leads)}"
        if opt.lead is None:
            line += " (choose another with --lead)"
    print(line, flush=True)
    return source


def side_by_side(function: Callable[[Any], Any], items: Iterable) -> Iterator:
    """Results in order, a few items at a time in threads of their own.

    That is better than all threads at one item's steps.
    """
    workers, threads = min(os.cpu_count() or 1, MOST_WORKERS), torch.get_num_threads()
    stopped = False
    torch.set_num_threads(max(1, threads // workers))
    ahead, pool = deque(), ThreadPoolExecutor(workers)
    try:
        for item in items:
            ahead.append(pool.submit(function, item))
            if len(ahead) > workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    except (KeyboardInterrupt, Stopped):
        stopped = True  # what is thrown away is not waited for
        raise
    finally:
        pool.shutdown(wait=not stopped, cancel_futures=True)
        torch.set_num_threads(threads)


def _ask_allocator(function, *arguments):
    """Call a function of glibc's allocator, where there is one.

    Left to itself it keeps what threads free: three days would need half a gigabyte more than one.
    """
    if sys.platform == "linux" and hasattr(system := ctypes.CDLL(None), function):
        getattr(system, function)(*arguments)
