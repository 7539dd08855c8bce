"""Classes of beats: which WFDB symbol belongs to which AAMI class.

EC57's own tools are bxb and its companions in WFDB; `isqrs` and `map2` of their lib/ecgmap.h say
which annotations are beats and which of N, S, V, F each is. Q here holds what has no other class:
paced, fused with paced, unclassifiable, and what was marked while a detector was learning.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np

ABNORMAL = ("S", "V", "F", "Q")
CLASSES = ("N", *ABNORMAL)
CLASS_NAMES = {
    "N": "normal and bundle branch block",
    "S": "supraventricular ectopic",
    "V": "ventricular ectopic",
    "F": "fusion",
    "Q": "paced or unclassifiable",
}

# As in the original work (BeatGAN's preprocessing): the escape beats e, j and n are S. B (bundle
# branch block of either side), n, r (R-on-T) and ? are in no record of MIT-BIH; others have them.
_SYMBOLS = {"N": "NLRB", "S": "AaJSejn", "V": "VEr", "F": "F", "Q": "/fQ?"}
CLASS_OF = {symbol: name for name, symbols in _SYMBOLS.items() for symbol in symbols}
# ANSI/AAMI EC57: supraventricular escape beats (e, j, n) belong to N.
CLASS_OF_EC57 = CLASS_OF | {"e": "N", "j": "N", "n": "N"}

# Annotations of WFDB that stand at no beat: rhythm, noise, artefacts, comments, measurements, waves
# of the beat, P waves without a QRS, ends of fibrillation. Flutter waves (!), which bxb counts with
# V outside of fibrillation, are in no class here and are therefore counted as left out.
NO_BEATS = frozenset("+~|\"x[]@'^s*DpTt=(`)u\x00")


def labelled(symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """WFDB symbols (n,) to which are of beats (n,) bool, and the EC57 classes of these (k,)."""
    is_beat = np.isin(symbols, list(CLASS_OF_EC57))
    return is_beat, np.array([CLASS_OF_EC57[symbol] for symbol in symbols[is_beat]], "<U1")


def left_out(symbols: Iterable[str]) -> dict[str, int]:
    """How many annotations of each symbol may be beats and are in no class, the most frequent
    first."""
    counts = Counter(str(symbol) for symbol in symbols)
    unknown = counts.keys() - CLASS_OF.keys() - NO_BEATS
    return {symbol: n for symbol, n in counts.most_common() if symbol in unknown}
