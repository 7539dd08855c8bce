"""A process alone that takes the steps of two: each half of a batch in a thread of its own.

Only one of both threads runs at a time: until it needs what the other has to add. So each half is
computed by the very operations of one of two processes (models.parallel), on the same rows, and a
sum of two is the same in either order: one process and two train to the same bytes, where the bytes
of an operation depend on its input alone (processors, one thread an operation).
"""

import copy
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor

from models import parallel
from models.detector import Detector
from preprocess.beats import Beats


@contextmanager
def sharing_batches(detector: Detector, halves: bool) -> Iterator["Detector | Halves"]:
    """Gives what takes the steps of a training: the detector, as one of the processes that there
    are, or, where there is one and halves are asked for, as two."""
    halves = halves and parallel.processes() == 1
    with parallel.batch_statistics(detector, halves):
        yield Halves(detector) if halves else detector


class Halves:
    """A detector as training by steps uses it, and a copy that takes each step with it, as the
    detector of another process would."""

    def __init__(self, detector: Detector):
        self.both = detector, copy.deepcopy(detector)
        self.image = detector.image

    def train(self) -> None:
        for detector in self.both:
            detector.train()

    def begin_step(self, progress: float) -> None:
        for detector in self.both:
            detector.begin_step(progress)

    def training_step(self, beats: Beats) -> dict[str, float]:
        meeting, draws = _Meeting(), torch.get_rng_state()
        # what is set for a thread is not set for the threads it starts
        precision = torch.get_autocast_dtype("cpu"), torch.is_autocast_enabled("cpu")

        def half(rank: int) -> dict[str, float]:
            torch.set_num_threads(1)
            with (
                meeting.turn(),
                parallel.as_one_of_two(rank, meeting.all_reduce),
                torch.autocast("cpu", *precision),
            ):
                torch.set_rng_state(draws)
                return self.both[rank].training_step(beats)

        with ThreadPoolExecutor(2) as pool:
            terms, _ = pool.map(half, range(2))
        return terms


class _Meeting:
    """Where two threads add up their tensors; who holds the condition has the turn."""

    def __init__(self):
        self._condition = threading.Condition()
        self._waiting: Tensor | None = None  # what the thread that came first has brought
        self._error: BaseException | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        with self._condition:
            try:
                yield
            except BaseException as error:  # the other would wait for ever
                self._error = self._error or error
                self._condition.notify()
                raise

    def all_reduce(self, own: Tensor) -> None:
        """The sum of both, to both, in place. Random draws are not shared."""
        if self._waiting is None:
            self._waiting, draws = own, torch.get_rng_state()
            self._condition.wait_for(lambda: self._error or self._waiting is not own)
            torch.set_rng_state(draws)
        else:
            self._waiting.copy_(own.add_(self._waiting))
            self._waiting = None
            self._condition.notify()
        if self._error:
            raise self._error
