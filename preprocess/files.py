"""Files that are whole or not there at all, and that one process writes at a time."""

import json
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from preprocess import BadInput
from preprocess.stopping import Stopped

try:
    import fcntl
except ImportError:  # Windows has no such locks: two writers are the user's to avoid
    fcntl = None

LOCK = ".lock"
SETTLED_S = 0.2


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

    One process has it at a time. What is found there was left by one that was killed, as its lock
    tells; BadInput where there is none: the files are somebody's.
    """
    path = Path(path)
    if path.is_dir() and not (path / LOCK).exists() and _is_full(path):
        raise BadInput(f"{path} is needed for a while and holds other files: rename it")
    try:
        with only_writer(path, wait=True):
            _clear(path)
            try:
                yield path
            finally:
                _surely(_clear, path)
    finally:
        _surely(_remove_empty, path)


def _is_full(folder):
    """Whether files are there that nobody is clearing away at this moment."""
    time.sleep(SETTLED_S)
    with suppress(FileNotFoundError):
        return not (folder / LOCK).exists() and any(folder.iterdir())
    return False


def _clear(folder):
    for left in folder.iterdir():
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        elif left.name != LOCK:
            left.unlink(missing_ok=True)


def _remove_empty(folder):
    with suppress(OSError):  # not empty: another process has it by now
        folder.rmdir()


def _surely(function, *arguments):
    """Once more where a signal came in between: it comes only once (preprocess.stopping)."""
    try:
        function(*arguments)
    except (KeyboardInterrupt, Stopped):
        function(*arguments)
        raise


def check_is_file(path: Path) -> None:
    """Raises BadInput where a path is there but neither file nor folder: a pipe would never end."""
    try:
        kind = os.stat(path).st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:  # a name that is too long, links in a circle, a 0 in it
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{str(path)[:80]!r} cannot be opened: {reason}") from error
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        raise BadInput(f"{path} is no file (a pipe or a device): save it as a file first")


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
    held = []  # its descriptor, from the moment that it is open
    try:
        _hold(path, wait, held)
        yield
    finally:
        _surely(_let_go, path, held)


def _hold(path, wait, held):
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            held.append(os.open(path, os.O_RDWR | os.O_CREAT, 0o666))
        except FileNotFoundError:  # another process has just removed the folder
            continue
        if not _is_free(held[-1]):
            if not wait:
                raise BadInput(
                    f"another process is writing to {path.parent}: wait for it to end, or give "
                    "another folder"
                )
            print(f"waiting for another process that is writing {path}", file=sys.stderr)
            fcntl.flock(held[-1], fcntl.LOCK_EX)
        # The other one may have removed or renamed the file that was waited for.
        if _is_at(held[-1], path):
            return
        os.close(held.pop())


def _let_go(path, held):
    while held:
        # It was renamed, when all went well; or it is another process's that was waited for.
        if _is_free(held[-1]) and _is_at(held[-1], path):
            path.unlink()
        os.close(held.pop())


def _is_at(held, path):
    """Whether what is held is what bears the name."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(held), path.stat())
    return False


def _is_free(held):
    """Whether nobody else has it; from then on we do."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True
