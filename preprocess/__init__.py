"""Records to beats to STFT images. Knows nothing of models."""

import os

# Threads that have nothing to do should sleep: by default they spin, and on a busy machine two threads are then eight times
# slower than with this. It is read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


class BadInput(ValueError):
    """Something the user gave cannot be used. The message is one sentence that says what is wrong and what to do;
    command lines print it and end with exit status 2."""
