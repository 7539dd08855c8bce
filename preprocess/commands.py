"""Command lines: how they are parsed, and how they end.

A command that cannot go on says why in one sentence and what to do: exit status 2 where the input
or the machine is the reason, 130 or 143 where someone stopped it, 70 where the program is wrong.
"""

import argparse
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable

from preprocess import BadInput
from preprocess.threads import wait_asleep

UNUSABLE, WRONG = 2, 70  # exit statuses; 70 is EX_SOFTWARE of sysexits.h
KEPT = "files that were finished are whole, and training goes on with --resume"


class Stopped(BaseException):
    """SIGTERM has come."""


def command(main: Callable[[], object]) -> None:
    """Run a command line; whatever happens ends as one sentence on the terminal."""
    wait_asleep()  # for what loads torch later; setup_env.sh says it to what loads it at once
    earlier = signal.signal(signal.SIGTERM, _stop)
    try:
        main()
    except BadInput as error:
        _end(str(error), UNUSABLE)
    except KeyboardInterrupt:
        _end(f"interrupted; {KEPT}", 128 + signal.SIGINT)
    except Stopped:
        _end(f"stopped; {KEPT}", 128 + signal.SIGTERM)
    except MemoryError:
        _end("not enough memory: close other programs, or give less at a time", UNUSABLE)
    except BrokenPipeError:  # whoever read the output has gone, as `head` does
        sys.stderr.close()
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _end(f"{where}{error.strerror or error}; {KEPT}", UNUSABLE)
    except Exception as error:
        if _is_about_memory(error):
            _end("not enough memory: close other programs, or give less at a time", UNUSABLE)
        _end(
            f"something unexpected happened ({type(error).__name__}), which is a defect of this "
            f"program: please send {_log()}; {KEPT}",
            WRONG,
        )
    finally:
        signal.signal(signal.SIGTERM, earlier)


def _stop(*_):
    raise Stopped


def _end(sentence, status):
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(status)


def _is_about_memory(error):
    """torch says so in words alone."""
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def _log():
    """The name of a file with the traceback of what is being handled."""
    text = f"{' '.join(sys.argv)}\n{traceback.format_exc()}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="b2i-gan-", suffix=".log", delete=False
        ) as file:
            file.write(text)
        return file.name
    except OSError:  # nowhere to write to: the terminal is all there is
        return f"this:\n{text}"


def parser(name: str, text: str, epilog: str = "") -> argparse.ArgumentParser:
    """An empty parser of a command; epilog: its example."""
    return argparse.ArgumentParser(
        prog=name, description=text, epilog=epilog, allow_abbrev=False, formatter_class=_Formatter
    )


class _Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults, keeps the line breaks of examples."""

    def _get_help_string(self, action):
        if action.default in (None, False, "", [], argparse.SUPPRESS):
            return action.help
        return super()._get_help_string(action)


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
