"""A few items of work at a time in threads of this process, and its memory given back."""

import ctypes
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from preprocess.stopping import Stopped

MOST_WORKERS = 4
M_ARENA_MAX = -8  # of mallopt(3)


def side_by_side(
    function: Callable[[Any], Any], items: Iterable, workers: int | None = None
) -> Iterator:
    """Results in order, a few items at a time in threads of their own (None: one a processor, at
    most MOST_WORKERS; 1: one item after another, here). That is better than all threads at one
    item's steps."""
    workers = workers or min(os.cpu_count() or 1, MOST_WORKERS)
    if workers == 1:
        yield from map(function, items)
        return
    ahead, pool, stopped = deque(), ThreadPoolExecutor(workers), False
    try:
        for item in items:
            ahead.append(pool.submit(function, item))
            if len(ahead) > workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    except (KeyboardInterrupt, Stopped):
        stopped = True  # what is thrown away is not waited for
        raise
    finally:
        pool.shutdown(wait=not stopped, cancel_futures=True)


def few_arenas() -> None:
    """Each thread has a heap of its own, and what it freed others cannot use: one for all."""
    _ask_allocator("mallopt", M_ARENA_MAX, 1)


def give_back_memory() -> None:
    """Left to itself the allocator keeps what threads free: three days would need half a gigabyte
    more than one."""
    _ask_allocator("malloc_trim", 0)


def _ask_allocator(function, *arguments):
    """Call a function of glibc's allocator, where there is one."""
    if sys.platform == "linux" and hasattr(system := ctypes.CDLL(None), function):
        getattr(system, function)(*arguments)
