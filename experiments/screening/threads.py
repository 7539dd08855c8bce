"""Blocks of a recording in threads of this process, and its memory given back."""

import ctypes
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MOST_WORKERS = 4
M_ARENA_MAX = -8  # of mallopt(3)


def in_threads(
    function: Callable[[Any], Any], items: Iterable, workers: int | None = None
) -> Iterator:
    """Results in order, a few items at a time in threads of their own (None: one a processor, at
    most MOST_WORKERS; 1: one item after another, here). That is better than all threads at one
    item's steps."""
    workers = workers or min(os.cpu_count() or 1, MOST_WORKERS)
    if workers == 1:
        yield from map(function, items)
        return
    ahead = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                ahead.append(pool.submit(function, item))
                if len(ahead) > workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)  # where one failed the others are not wanted


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
