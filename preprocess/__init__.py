"""Records to beats to STFT images. Knows nothing of models."""


class BadInput(ValueError):
    """Something the user gave cannot be used.

    The message is one sentence that says what is wrong and what to do; command lines print it and
    end with exit status 2.
    """
