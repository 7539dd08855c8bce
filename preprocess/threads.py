"""How the threads of torch wait for work, and how many a step of torch or numpy has.

No module that computes is loaded here.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def wait_asleep() -> None:
    """Let threads that have nothing to do sleep; a user's own OMP_WAIT_POLICY is kept.

    By default they spin, and on a busy machine two threads are then eight times slower.
    It is read when torch is loaded: the commands call it before.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@contextmanager
def one_thread_a_step() -> Iterator[None]:
    """Inside, torch and numpy compute each step in one thread: the same bytes on any number of
    processors, alone or beside others."""
    from threadpoolctl import threadpool_limits  # commands that compute nothing do without it

    torch = sys.modules.get("torch")  # where it is not loaded nothing computes with it
    threads = torch.get_num_threads() if torch else 1
    if torch:
        torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        if torch:
            torch.set_num_threads(threads)
