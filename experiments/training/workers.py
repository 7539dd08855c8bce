"""One function of many items, side by side: in workers of this machine, or of a Dask scheduler.

Without --jobs and --cluster the items are worked on here, one after another, and nothing is
started or loaded. How to start a cluster: docs/scale.md.
"""

from __future__ import annotations

import os
import socket
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Any

from experiments.training import source_digest
from preprocess import BadInput

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S, WORKERS_S = 10, 180  # to wait for a scheduler, and for its first worker
LOST_WORKERS = 3  # an item whose worker died so often is not tried again
# Packages whose versions must be the same on client and workers.
VERSIONED = ("torch", "numpy", "scipy", "pandas", "distributed")
DASK_SETTINGS = {
    "distributed.scheduler.allowed-failures": LOST_WORKERS - 1,
    "distributed.comm.timeouts.connect": f"{CONNECT_S}s",
    "distributed.worker.memory.terminate": False,
    "distributed.worker.profile.enabled": False,  # costs more than all the rest of it
    # Dask asks the allocator to give back whatever is freed; fetching it anew took half of a
    # recording's time.
    "distributed.nanny.pre-spawn-environ": {},
    "distributed.logging.distributed": "critical",  # the terminal is for what was found
}


class Lost(Exception):
    """An item whose workers died, one after another."""


def side_by_side(
    function: Callable[[Any], Any], items: Iterable, jobs: int | None, cluster: str | None
) -> Iterator[tuple[int, Any]]:
    """(place of the item, function(item)) of each item, as they are done.

    function: of a module that workers can import, or a partial of one. What it raises is raised
    here. In place of the result of an item whose workers died stands a Lost. Raises BadInput where
    there is no scheduler, or a worker is not fit.
    """
    if jobs is None and cluster is None:
        yield from ((place, function(item)) for place, item in enumerate(items))
        return
    from distributed import as_completed
    from distributed.client import FutureCancelledError
    from distributed.scheduler import KilledWorker

    with _client(jobs, cluster) as client:
        _check_workers(client)
        # Of its own, whatever was asked before: results of an earlier run are not wanted.
        futures = client.map(function, list(items), pure=False)
        places = {future.key: place for place, future in enumerate(futures)}
        done = as_completed(futures)
        del futures  # what is done the scheduler forgets
        for future in done:
            try:
                yield places[future.key], future.result()
            except FutureCancelledError as error:
                raise BadInput(
                    "the scheduler stopped: what was finished is whole; go on with --resume"
                ) from error
            except KilledWorker:
                lost = Lost(f"the workers that took it died, {LOST_WORKERS} in a row")
                yield places[future.key], lost


@contextmanager
def _client(jobs: int | None, cluster: str | None) -> Iterator[Client]:
    """A client of workers that run this program; what was started for it ends with it."""
    import dask
    from distributed import Client, LocalCluster

    dask.config.set(DASK_SETTINGS)
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
                dashboard_address=None,
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


def _check_workers(client: Client) -> None:
    """Raises BadInput where there is no worker, or one that cannot run this very program."""
    address = client.scheduler.address
    print("waiting for workers", file=sys.stderr, flush=True)
    try:
        client.wait_for_workers(1, timeout=WORKERS_S)
        client.run_on_scheduler(identity)  # which unpacks tasks too
        workers = client.run(identity)
    except Exception as error:  # whatever pickle or the network make of it
        raise BadInput(
            f"the scheduler at {address} has no workers that can run this program "
            f"({type(error).__name__}: {error}): start some with `dask worker {address}`, "
            f"PYTHONPATH={source_digest.ROOT} and the same packages, see docs/scale.md"
        ) from error
    for worker, theirs in workers.items():
        if theirs != identity():
            raise BadInput(
                f"worker {worker} has other versions ({theirs}; here {identity()}), and outputs "
                "would differ: start it from the same folder and environment as this command"
            )
    print(f"{len(workers)} workers", file=sys.stderr)


def identity() -> str:
    """What must be alike in this process and in workers: results depend on it."""
    versions = [f"{name} {version_of(name)}" for name in VERSIONED]
    python = ".".join(map(str, sys.version_info[:2]))
    return ", ".join([f"program {source_digest.code()}", f"python {python}", *versions])


def here() -> str:
    """This machine and process, for sentences about what failed in a worker."""
    return f"{socket.gethostname()} (process {os.getpid()})"
