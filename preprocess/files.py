"""Files that are whole or not there at all, and that one process writes at a time."""

import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from preprocess import BadInput

try:
    import fcntl
except ImportError:  # Windows has no such locks: there, two writers are the user's to avoid
    fcntl = None

LOCK = ".lock"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name to write to; it becomes `path` when all went well, else it is removed.

    What an earlier process left under that name when it was killed is written over.
    """
    path = Path(path)
    if path.is_dir():
        raise BadInput(f"{path} is a folder, where a file must be written: remove or rename it")
    part = path.with_name(path.name + ".part")
    with _locked(part, wait=True), _named(path):
        yield part
        os.replace(part, path)


@contextmanager
def only_writer(folder: Path, wait: bool = False) -> Iterator[None]:
    """No other process is in here with the same folder, which is made if need be.

    wait: for the other one to end; without it, BadInput. The lock is the system's: a process that
    is killed gives it back.
    """
    with _locked(Path(folder) / LOCK, wait):
        yield


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """An empty folder of this name, which is gone afterwards.

    One process has it at a time. What is found there was left by one that was killed.
    """
    try:
        with only_writer(path, wait=True):
            _clear(path)
            try:
                yield path
            finally:
                _clear(path)
    finally:
        with suppress(OSError):  # not empty: another process has it by now
            path.rmdir()


def _clear(folder):
    for left in folder.iterdir():
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        elif left.name != LOCK:
            left.unlink(missing_ok=True)


def check_is_file(path: Path) -> None:
    """Raises BadInput where a path is there but neither file nor folder: a pipe would never end."""
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise BadInput(f"{path} is no file (a pipe or a device): save it as a file first")
    except (OSError, ValueError) as error:  # a name that is too long, links in a circle, a 0 in it
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{str(path)[:80]!r} cannot be opened: {reason}") from error


def write_json(values, path):
    with whole_file(path) as part:
        part.write_text(json.dumps(values, indent=1))


@contextmanager
def _named(path):
    """An error of the disk says which file it was about."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise


@contextmanager
def _locked(path, wait):
    """Holds a file that is made for it and gone afterwards, whatever happened."""
    held = _hold(path, wait)
    try:
        yield
    finally:
        if held is None:
            path.unlink(missing_ok=True)
        else:
            if _is_at(held, path):  # it was renamed, when all went well
                path.unlink()
            os.close(held)


def _hold(path, wait):
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            held = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # another process has just removed the folder
            continue
        if fcntl is None:
            os.close(held)
            return None
        try:
            if not _is_free(held):
                if not wait:
                    raise BadInput(
                        f"another process is writing to {path.parent}: wait for it to end, or give "
                        "another folder"
                    )
                print(f"waiting for another process that is writing {path}", file=sys.stderr)
                fcntl.flock(held, fcntl.LOCK_EX)
            # The other one may have removed or renamed the file that was waited for.
            if _is_at(held, path):
                return held
        except BaseException:
            os.close(held)
            raise
        os.close(held)


def _is_at(held, path):
    """Whether what is held is what bears the name."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(held), path.stat())
    return False


def _is_free(held):
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True
