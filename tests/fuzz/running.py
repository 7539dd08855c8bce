"""Runs what is tried: a result, a refusal in one sentence, or a failure. Never for long."""

import contextlib
import io
import signal
import warnings
from collections.abc import Callable
from typing import Any

from preprocess import BadInput

LONGEST_S = 10  # of computing, whatever else the machine does
LONGEST_ASLEEP_S = 60  # of waiting, on a pipe say
REFUSED = object()


class Hang(BaseException):
    """Not an Exception: a reader must not catch it."""


def attempt(call: Callable[[], Any]) -> Any:
    """What the call returns, or REFUSED where it refused as commands may.

    Raises AssertionError where it hung, warned beside its sentence or ended in another way, and
    whatever else it raised.
    """
    said = io.StringIO()
    earlier = signal.signal(signal.SIGALRM, _hang)
    earlier_cpu = signal.signal(signal.SIGPROF, _hang)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_ASLEEP_S)
    signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
    try:
        with (
            warnings.catch_warnings(record=True) as warned,
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            warnings.simplefilter("always")
            result = _call(call)
    except Hang:
        raise AssertionError(f"it took more than {LONGEST_S} s") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGALRM, earlier)
        signal.signal(signal.SIGPROF, earlier_cpu)
    unseen = (ResourceWarning, DeprecationWarning)  # by users, whom Python does not show them
    ours = [str(w.message) for w in warned if not issubclass(w.category, unseen)]
    assert not ours, f"warned: {ours[:2]}"
    assert "Traceback" not in said.getvalue()
    return result


def _call(call):
    try:
        return call()
    except BadInput as error:
        assert str(error) and "Traceback" not in str(error)
        assert len(str(error)) < 2000, "no sentence but a book"
        return REFUSED
    except SystemExit as end:
        assert end.code in (0, 2, None), f"exit status {end.code}"
        return REFUSED
    except OSError as error:
        assert error.strerror, f"an error of the system without words: {error!r}"
        return REFUSED


def _hang(*_):
    raise Hang
