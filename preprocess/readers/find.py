"""Which recordings a path stands for. Reads none, and loads nothing that could."""

import re
from pathlib import Path

from preprocess import BadInput

ISHNE_ENDINGS = (".ecg", ".ishne")


def find(path) -> list[Path]:
    """The recordings that a path stands for: itself, or everything readable in a folder, in order.

    A CSV file with a .b2i beside it is a result of ours.
    """
    path = Path(path)
    if not _is_folder(path):
        return [path]
    headed = [p for p in path.glob("*.hea") if not re.search(r"_(layout|\d{4})$", p.stem)]
    others = [
        p
        for p in path.iterdir()
        if p.suffix.lower() in (".edf", ".csv", ".txt")
        and not p.with_suffix(".b2i").exists()
        or p.suffix.lower() in ISHNE_ENDINGS
        and _is_ishne(p)
    ]
    if not headed + others:
        raise BadInput(f"{path} holds no recording (.hea, .edf, .ecg or .csv)")
    return sorted(headed + others)


def _is_ishne(path):
    from preprocess.readers.ishne import is_ishne

    return is_ishne(path)


def _is_folder(path):
    try:
        return path.is_dir()
    except OSError as error:
        raise BadInput(f"{str(path)[:80]}... cannot be opened: {error.strerror}") from error
