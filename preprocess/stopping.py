"""Ctrl-C and SIGTERM, from the first line of a program to its last.

Loading a network library takes seconds in which nothing is done yet: a signal then ends the
program at once. Afterwards it raises, so that what is half done is cleared away.
"""

import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

MAIN = Path(__file__).parents[1] / "main.py"
AGAIN_S = 0.05
SIGNALS = (signal.SIGINT, signal.SIGTERM)
MEMORY_WORDS = (
    *("allocate memory", "to allocate", "bad_alloc", "map segment", "start new thread"),
    "create a primitive",  # of oneDNN
)


class Stopped(BaseException):
    """SIGTERM has come."""


def is_program() -> bool:
    """Whether main.py or `python -m` of a module runs, and not somebody who imports us."""
    return sys.argv[:1] == ["-m"] or os.path.abspath(sys.argv[0] or "-") == str(MAIN)


def watch_start() -> None:
    """For what comes before a command begins: signals and a lack of memory end as a sentence."""
    for number in SIGNALS:
        signal.signal(number, _end_at_once)
    sys.excepthook = _without_traceback


def _end_at_once(number, _frame):
    os.write(2, b"error: stopped before anything was done\n")
    os._exit(128 + number)


def _without_traceback(kind, error, trace):
    if isinstance(error, MemoryError) or is_about_memory(error):
        os.write(2, b"error: not enough memory to begin: close other programs\n")
        os._exit(2)
    sys.__excepthook__(kind, error, trace)


def is_about_memory(error: BaseException) -> bool:
    """torch and loaders of libraries say so in words alone."""
    kinds = (RuntimeError, ImportError, OSError)
    return isinstance(error, kinds) and any(words in str(error) for words in MEMORY_WORDS)


@contextmanager
def raising():
    """Signals raise KeyboardInterrupt or Stopped, once: who presses twice does not break into the
    clearing away."""
    earlier = {number: signal.signal(number, _raise) for number in SIGNALS}
    earlier_hook, sys.unraisablehook = sys.unraisablehook, _raise_again
    try:
        yield
    finally:
        if not _has_come():  # else what is half made is cleared away later still
            sys.unraisablehook = earlier_hook
        for number, handler in earlier.items():
            # Of a program only its end is left, in which Python would let a signal kill it.
            signal.signal(number, signal.SIG_IGN if is_program() else handler)


def _raise(number, _frame):
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt if number == signal.SIGINT else Stopped


def _has_come():
    """Whether a signal was raised: since then they are passed over."""
    return signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def _raise_again(unraisable):
    """Python drops what is raised while it clears an object away: send it again, a little later.

    After a signal, what an object says that was half made when it came is nobody's concern.
    """
    for kind, number in ((KeyboardInterrupt, signal.SIGINT), (Stopped, signal.SIGTERM)):
        if issubclass(unraisable.exc_type, kind):
            signal.signal(number, _raise)
            later = Timer(AGAIN_S, os.kill, (os.getpid(), number))
            later.daemon = True
            later.start()
            return
    if not _has_come():
        sys.__unraisablehook__(unraisable)
