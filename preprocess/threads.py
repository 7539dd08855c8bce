"""How the threads of torch wait for work: said by the commands, before torch is loaded."""

import os


def wait_asleep() -> None:
    """Let threads that have nothing to do sleep; a user's own OMP_WAIT_POLICY is kept.

    By default they spin, and on a busy machine two threads are then eight times slower.
    It is read when torch is loaded: call it before.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
