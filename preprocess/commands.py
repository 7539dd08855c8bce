"""Command lines: how they are parsed, and how they end.

A command that cannot go on says why in one sentence and what to do: exit status 2 where the input
or the machine is the reason, 130 or 143 where someone stopped it, 70 where the program is wrong.
"""

import argparse
import os
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress

from preprocess import BadInput
from preprocess.stopping import Stopped, is_about_memory, is_program, raising
from preprocess.threads import wait_asleep

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # in names of foreign files
PLACES = ("DIR", "FILE", "PATH")  # metavars of flags that name a file or folder
UNUSABLE, WRONG = 2, 70  # exit statuses; 70 is EX_SOFTWARE of sysexits.h
KEPT = "what was finished is whole: the same command (training: with --resume) does the rest"


def command(main: Callable[[], object]) -> None:
    """Run a command line; whatever happens ends as one sentence on the terminal."""
    wait_asleep()  # for what loads torch later; setup_env.sh says it to what loads it at once
    if hasattr(sys.stdout, "reconfigure"):  # no letter that a terminal lacks ends a command
        sys.stdout.reconfigure(errors="replace")
    try:
        with raising():
            main()
    except (KeyboardInterrupt, Stopped) as stop:
        # What is still held in the middle of something lets go of its files now.
        traceback.clear_frames(stop.__traceback__)
        number = signal.SIGINT if isinstance(stop, KeyboardInterrupt) else signal.SIGTERM
        word = "interrupted" if number == signal.SIGINT else "stopped"
        _end(f"{word} {stop}".strip() + f"; {KEPT}", 128 + number, at_once=is_program())
    except BrokenPipeError:  # whoever read the output has gone, as `head` does
        sys.stderr.close()
        sys.exit(128 + signal.SIGPIPE)
    except Exception as error:
        _end(*sentence(error))


def sentence(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit status. The unexpected goes to a log file: call it
    while the error is handled."""
    if isinstance(error, BadInput):
        return str(error), UNUSABLE
    if isinstance(error, MemoryError) or is_about_memory(error):
        return "not enough memory: close other programs, or give less at a time", UNUSABLE
    if isinstance(error, OSError):
        where = f"{str(error.filename)[:200]}: " if error.filename else ""
        return f"{where}{error.strerror or error}; {KEPT}", UNUSABLE
    return (
        f"something unexpected happened ({type(error).__name__}), which is a defect of this "
        f"program: please send {_log()}; {KEPT}",
        WRONG,
    )


def _end(text, status, at_once=False):
    """at_once: threads that still compute are not waited for."""
    print(f"error: {CONTROL.sub('', text)}", file=sys.stderr)
    if at_once:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _log():
    """The name of a file with the traceback of what is being handled."""
    text = f"{' '.join(sys.argv)}\n{traceback.format_exc()}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="b2i-gan-", suffix=".log", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        return file.name
    except OSError:  # nowhere to write to: the terminal is all there is
        return f"this:\n{text}"


def parser(name: str, text: str, epilog: str = "") -> argparse.ArgumentParser:
    """An empty parser of a command; epilog: its example."""
    return _Parser(
        prog=name, description=text, epilog=epilog, allow_abbrev=False, formatter_class=_Formatter
    )


class _Parser(argparse.ArgumentParser):
    """An empty name would be the working folder, or stand for the default, without a word."""

    def parse_args(self, args=None, namespace=None):
        found = super().parse_args(args, namespace)
        for action in self._actions:
            given = getattr(found, action.dest, None) if action.metavar in PLACES else None
            if any(not str(name).strip() for name in (given if type(given) is list else [given])):
                self.error(f"argument {'/'.join(action.option_strings)}: give a name, not nothing")
        return found


class _Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults, keeps the line breaks of examples."""

    def _get_help_string(self, action):
        if action.default in (None, False, "", [], argparse.SUPPRESS):
            return action.help
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
