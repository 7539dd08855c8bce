"""One function of many items, side by side: in workers of this machine, or of a Dask scheduler.

Without --jobs and --cluster the items are worked on here, one after another, and nothing is
started or loaded. How to start a cluster: docs/scale.md.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Any

from experiments.training import version
from preprocess import BadInput

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S, WORKERS_S = 10, 180  # to wait for a scheduler, and for its first worker
# Items handed to the scheduler beyond those that are worked on: few, so that neither its memory
# nor ours grows with their number; enough that no worker waits.
AHEAD, AHEAD_LEAST, ASK_S = 3, 32, 5.0
LOST_WORKERS = 3  # an item whose worker died so often is not tried again
# Packages whose versions must be the same on client and workers.
VERSIONED = ("torch", "numpy", "scipy", "pandas", "distributed")


class Lost(Exception):
    """An item whose workers died, one after another."""


def side_by_side(
    function: Callable[[Any], Any],
    items: Iterable,
    jobs: int | None,
    cluster: str | None,
    check: Callable[[], str | None] | None = None,
) -> Iterator[tuple[int, Any]]:
    """(place of the item, function(item)) of each item, as they are done.

    function: of a module that workers can import, or a partial of one. What it raises is raised
    here. In place of the result of an item whose workers died stands a Lost. check: is asked in
    each worker first; what it returns is why the worker will not do. Raises BadInput where there
    is no scheduler, or its workers are not fit.
    """
    if jobs is None and cluster is None:
        yield from ((place, function(item)) for place, item in enumerate(items))
        return
    with _client(jobs, cluster) as client:
        _check_workers(client, check)
        _announce(client)
        yield from _as_done(client, partial(_in_alike, function, identity()), items)


def _as_done(client: Client, function, items) -> Iterator[tuple[int, Any]]:
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    todo, done, places, ahead = enumerate(items), as_completed(), {}, _Ahead(client)

    def submit():
        for place, item in todo:
            # Of its own, whatever was asked before: results of an earlier run are not wanted.
            future = client.submit(function, item, pure=False)
            places[future.key] = place
            done.add(future)
            return True
        return False

    while len(places) < ahead() and submit():
        pass
    for future in done:
        if future.status in ("pending", "lost"):  # its worker died with the result: done again
            done.add(future)
            continue
        place = places.pop(future.key)
        if future.status == "error" and isinstance(future.exception(), KilledWorker):
            yield place, Lost(f"the workers that took it died, {LOST_WORKERS} in a row")
        elif future.status == "cancelled":
            raise BadInput("the scheduler stopped: what was finished is whole; go on with --resume")
        else:
            yield place, future.result()
        del future  # the scheduler forgets it
        while len(places) < ahead() and submit():  # workers may have come
            pass


class _Ahead:
    """How many items may be handed out; asked often, and the scheduler now and then."""

    def __init__(self, client: Client):
        self.client, self.n, self.until = client, 0, 0.0

    def __call__(self) -> int:
        if time.monotonic() > self.until:
            workers = self.client.scheduler_info(n_workers=-1)["workers"]
            self.n = max(AHEAD_LEAST, AHEAD * len(workers))
            self.until = time.monotonic() + ASK_S
        return self.n


@contextmanager
def _client(jobs: int | None, cluster: str | None) -> Iterator[Client]:
    """A client of workers that run this program; what was started for it ends with it."""
    import dask
    from distributed import Client, LocalCluster

    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": LOST_WORKERS - 1,
            "distributed.comm.timeouts.connect": f"{CONNECT_S}s",
            "distributed.worker.memory.terminate": False,
            "distributed.worker.profile.enabled": False,  # costs more than all the rest of it
            # Dask asks the allocator to give back whatever is freed; fetching it anew took half of
            # a recording's time.
            "distributed.nanny.pre-spawn-environ": {},
            "distributed.logging.distributed": "critical",  # the terminal is for what was found
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a port that is taken, of versions: said below
        if cluster is None:
            started = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                memory_limit=0,  # a recording needs what it needs
                silence_logs=50,
                env=_environment(jobs),
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
            )
            with started, Client(started) as client:
                try:
                    yield client
                finally:
                    # Dask cannot end a worker that it is starting anew, as after a death
                    with suppress(TimeoutError, OSError):
                        client.wait_for_workers(jobs, timeout=CONNECT_S)
            return
        try:
            client = Client(cluster, timeout=f"{CONNECT_S}s")
        except (OSError, ValueError, ImportError) as error:
            raise BadInput(
                f"no Dask scheduler answers at {cluster} ({type(error).__name__}): start one with "
                "`dask scheduler`, see docs/scale.md"
            ) from error
        with client:
            yield client


def _environment(jobs):
    """Of worker processes: processors shared out among them, and no progress bars but ours."""
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    return {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "TQDM_DISABLE": "1"}


def _announce(client):
    n = len(client.scheduler_info(n_workers=-1)["workers"])
    print(f"{n} workers; dashboard: {client.dashboard_link}", file=sys.stderr, flush=True)


@cache
def identity() -> dict[str, str]:
    """What must be alike in this process and in workers: results depend on it."""
    python = ".".join(map(str, sys.version_info[:2]))
    return {"python": python, "program": version.code()} | {
        name: version_of(name) for name in VERSIONED
    }


def _check_workers(client: Client, check: Callable[[], str | None] | None) -> None:
    """Raises BadInput where there is no worker, or one that cannot do this program's work."""
    address = client.scheduler.address
    try:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            print(f"waiting for workers at {address}", file=sys.stderr, flush=True)
        client.wait_for_workers(1, timeout=WORKERS_S)
        answers = client.run(identity, on_error="return")
        answers[f"scheduler {address}"] = _of_scheduler(client)
        reasons = client.run(check, on_error="return") if check else {}
    except TimeoutError as error:
        raise BadInput(
            f"the scheduler at {address} has no workers: start some with `dask worker {address}`, "
            "see docs/scale.md"
        ) from error
    except Exception as error:  # whatever pickle or the network make of it
        raise BadInput(f"the workers of {address} do not answer: {error}") from error
    for worker, theirs in answers.items():
        worker = worker if worker.startswith("scheduler") else f"worker {worker}"
        if not isinstance(theirs, dict):
            raise BadInput(
                f"{worker} cannot run this program ({type(theirs).__name__}: {theirs}): "
                f"start it with PYTHONPATH={version.ROOT} and the same packages, see docs/scale.md"
            )
        if theirs != identity():
            raise BadInput(f"{worker} {_difference(theirs, identity())}")
    for worker, reason in reasons.items():
        if reason is not None:
            raise BadInput(f"worker {worker} {reason}")


def _of_scheduler(client):
    """The identity of the scheduler, which unpacks tasks too, or why there is none."""
    try:
        return client.run_on_scheduler(identity)
    except Exception as error:
        return error


def _in_alike(function, ours, item):
    """In a worker, which may have come after all were checked: function(item)."""
    if identity() != ours:
        raise BadInput(f"worker {here()} {_difference(identity(), ours)}")
    return function(item)


def _difference(theirs, ours):
    different = [
        f"{name} {theirs.get(name)} instead of {ours[name]}"
        for name in ours
        if theirs.get(name) != ours[name]
    ]
    return (
        f"has other versions ({', '.join(different)}), and outputs would differ: start it from the "
        "same folder and environment as this command"
    )


def here() -> str:
    """This machine and process, for sentences about what failed in a worker."""
    return f"{socket.gethostname()} (process {os.getpid()})"
