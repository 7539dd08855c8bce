"""Files that are whole or not there at all, and folders that one process writes at a time."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preprocess import BadInput

LOCK = ".lock"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name to write to; it becomes `path` when all went well, else it is removed.

    What an earlier process left under that name when it was killed is written over.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_text(text: str, path: Path) -> None:
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(values, path):
    write_text(json.dumps(values, indent=1), path)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Inside, no other process is in here with the same folder, which is made if need be: BadInput.

    The lock is the system's: a process that is killed gives it back.
    """
    lock = Path(folder) / LOCK
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInput(
                f"another process is writing to {folder}: wait for it to end, or give another "
                "folder"
            ) from error
        except OSError:  # a file system without locks
            pass
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """A folder of this name, empty but for the lock, which is gone afterwards. What is found there
    was left by a process that was killed. BadInput where another process has it."""
    path = Path(path)
    with only_writer(path):
        for left in path.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
            elif left.name != LOCK:
                left.unlink()
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def check_is_file(path: Path) -> None:
    """Raises BadInput where a path is there but neither file nor folder: a pipe would never end."""
    if "\0" in str(path):  # as a damaged header may name it
        raise BadInput(f"{str(path)[:80]!r} is no name of a file")
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise BadInput(f"{path} is no file (a pipe or a device): save it as a file first")
