"""Many recordings: which are done before, and what workers are given.

Nothing here loads a network library: the process that hands out recordings stays small.
"""

from __future__ import annotations

import hashlib
import json
from argparse import Namespace
from functools import cache
from pathlib import Path

from experiments.training.workers import here
from options import names_of
from preprocess import BadInput
from preprocess.files import LOCK

LISTS = ("episodes", "hours")  # of a summary: what an index does without


def brief(summary: dict) -> dict:
    """A summary without its lists: what an index needs of it. Memory does not grow with them."""
    return {name: value for name, value in summary.items() if name not in LISTS}


def made_with(path: str | Path, weights: str | Path, opt: Namespace) -> dict[str, str]:
    """What decides the outputs of a recording, as digests: kept in NAME.json, so that --resume
    knows whether they would come out again."""
    given = {name: getattr(opt, name, None) for name in names_of("context screening page")}
    given["corrections"] = opt.corrections and _changed(Path(opt.corrections))
    return {
        "recording": _digest(_facts(Path(path), opt.annotator)),
        "weights": _digest_of_file(Path(weights)),
        "options": _digest(given),
    }


def finished(path: Path, weights: Path, opt: Namespace) -> dict | None:
    """The brief summary of a recording whose outputs are there, made with the same; else None."""
    summary = Path(opt.outf) / f"{Path(path).stem}.json"
    try:
        found = json.loads(summary.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    told = found.get("made_with") if isinstance(found, dict) else None
    sizes = told.get("bytes") if isinstance(told, dict) else None
    if not isinstance(sizes, dict) or told != made_with(path, weights, opt) | {"bytes": sizes}:
        return None
    are_whole = all((_changed(summary.parent / n) or [None])[0] == k for n, k in sizes.items())
    return brief(found) if are_whole else None


def _facts(path, annotator):
    """Sizes and times of a recording's files, which are not read: it may be days long."""
    stem = path.with_suffix("") if path.suffix in (".hea", ".dat", ".mat") else path
    files = [path]
    if stem.with_name(stem.name + ".hea").exists():
        try:
            from preprocess.readers import wfdb as records

            files = records.files(stem)
        except BadInput:  # screening says what is wrong with it
            files = []
        files += [stem.with_name(f"{stem.name}.{annotator}")] if annotator else []
    return [_changed(file) for file in files]


def _changed(path):
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, int(found.st_mtime)


def _digest(values):
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:12]


@cache
def _digest_of_file(path):
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise BadInput(f"there are no weights {path} ({error.strerror})") from error


def check_is_shared(folder: str) -> None:
    """In a worker: raises BadInput where the folder is not the one that the client writes to."""
    if not (Path(folder) / LOCK).exists():
        raise BadInput(f"{here()} does not see {folder}: --outf must lie where all machines do")


def for_workers(opt: Namespace) -> Namespace:
    """Options with whole paths, and without the list of all recordings: they travel with each.

    A recording is worked on in one thread, whatever the machine: recordings are what is side by
    side, so that a worker is a processor and the memory of one block.
    """
    whole = {"outf": str(Path(opt.outf).resolve()), "screen": []}
    if opt.checkpoint:
        whole["checkpoint"] = str(Path(opt.checkpoint).resolve())
    return Namespace(**(vars(opt) | whole | {"threads": 1}))
