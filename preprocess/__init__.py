"""Records to beats to STFT images. Knows nothing of models."""

import re


class BadInput(ValueError):
    """Something the user gave cannot be used.

    The message is one sentence that says what is wrong and what to do; command lines print it and
    end with exit status 2.
    """


def plain_text(text: str) -> str:
    """Foreign text without codes that would move a terminal's cursor or change its colours."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "", text)
