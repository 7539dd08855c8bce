"""Command lines: how they are parsed, and how they end.

A command that cannot go on says why in one sentence and what to do: exit status 2 where the input
or the machine is the reason, 130 or 143 where someone stopped it, 70 where the program is wrong.
"""

import argparse
import gc
import os
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from preprocess import BadInput

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # in names of foreign files
UNUSABLE, WRONG = 2, 70  # exit statuses; 70 is EX_SOFTWARE of sysexits.h
KEPT = "what was finished is whole: the same command (training: with --resume) does the rest"
# What torch and loaders of libraries say, in a RuntimeError, ImportError or OSError.
OUT_OF_MEMORY = re.compile(
    "allocate memory|to allocate|bad_alloc|map segment|start new thread|create a primitive"
)


@contextmanager
def loading() -> Iterator[None]:
    """Inside, large libraries are imported. Nothing of them is garbage, and to look for some, now
    and at the end of the process, takes a third of the time that ten seconds of ECG do."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class Stopped(KeyboardInterrupt):
    """SIGTERM has come."""


def command(main: Callable[[], object]) -> None:
    """Run a command line; whatever happens ends as one sentence on the terminal."""
    # For what loads torch later: threads that wait sleep. By default they spin, and on a busy
    # machine two threads are then eight times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if hasattr(sys.stdout, "reconfigure"):  # no letter that a terminal lacks ends a command
        sys.stdout.reconfigure(errors="replace")

    def stop(*_):
        raise Stopped

    signal.signal(signal.SIGTERM, stop)
    try:
        main()
    except Stopped as stop:
        _end(f"stopped {stop}".strip() + f"; {KEPT}", 128 + signal.SIGTERM)
    except KeyboardInterrupt as stop:
        _end(f"interrupted {stop}".strip() + f"; {KEPT}", 128 + signal.SIGINT)
    except BrokenPipeError:  # whoever read the output has gone, as `head` does
        sys.stderr.close()
        sys.exit(128 + signal.SIGPIPE)
    except Exception as error:
        _end(*sentence(error))


def _end(text, status):
    print(f"error: {CONTROL.sub('', text)}", file=sys.stderr)
    sys.exit(status)


def sentence(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit status. The unexpected goes to a log file: call it
    while the error is handled."""
    if isinstance(error, BadInput):
        return str(error), UNUSABLE
    if is_about_memory(error):
        return "not enough memory: close other programs, or give less at a time", UNUSABLE
    if isinstance(error, OSError):
        name = error.filename2 or error.filename  # of two, where it would have been renamed to
        where = f"{name}: " if name else ""
        kept = "" if isinstance(error, FileNotFoundError | NotADirectoryError) else f"; {KEPT}"
        return f"{where}{error.strerror or error}{kept}", UNUSABLE
    with tempfile.NamedTemporaryFile("w", prefix="b2i-gan-", suffix=".log", delete=False) as log:
        log.write(f"{' '.join(sys.argv)}\n{traceback.format_exc()}")
    return (
        f"something unexpected happened ({type(error).__name__}), which is a defect of this "
        f"program: please send {log.name}; {KEPT}",
        WRONG,
    )


def is_about_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or bool(OUT_OF_MEMORY.search(str(error)))


def parser(name: str, text: str, example: str = "") -> argparse.ArgumentParser:
    """An empty parser of a command; example: whole command lines, each in a line."""
    example = example and f"example:\n  {example}"
    return _Parser(
        prog=name, description=text, epilog=example, allow_abbrev=False, formatter_class=_Formatter
    )


class _Parser(argparse.ArgumentParser):
    """An empty name would be the working folder, or stand for the default, without a word."""

    def parse_args(self, args=None, namespace=None):
        args = sys.argv[1:] if args is None else args
        if not all(str(word).strip() for word in args):
            self.error("an argument is empty: give a name, or leave its flag out")
        return super().parse_args(args, namespace)


class _Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults, keeps the line breaks of examples."""

    def _get_help_string(self, action):
        if isinstance(action.default, bool) or action.default in (None, "", [], argparse.SUPPRESS):
            return action.help
        if isinstance(action.default, list | tuple):
            return f"{action.help} (default: {' '.join(map(str, action.default))})"
        return super()._get_help_string(action)


def ending(name: str) -> str:
    """The ending of an annotation file, to be given beside its record."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
        raise argparse.ArgumentTypeError(f"{name!r} is no ending of a file: atr, for instance")
    return name


def integer(low, high=None):
    """Type of a flag: a whole number in these bounds."""
    return number(low, high, kind=int)


def number(low, high=None, kind=float, open_low=False):
    """Type of a flag: a number in these bounds, above `low` itself where open_low."""

    def convert(text):
        try:
            value = kind(text)
        except ValueError:
            word = "whole number" if kind is int else "number"
            raise argparse.ArgumentTypeError(f"{text} is not a {word}") from None
        too_low = not value >= low or (open_low and value == low)
        if too_low or (high is not None and value > high):
            lower = f"{'above' if open_low else 'at least'} {low}"
            upper = "" if high is None else f" and at most {high}"
            raise argparse.ArgumentTypeError(f"{text} must be {lower}{upper}")
        return value

    return convert
