"""Detectors of abnormal beats, by the name that --model takes. No network library is loaded here.

A file models/compared/NAME.py whose last line is `DETECTOR = ItsClass` is a detector (dashes for
underscores in its name). Files that begin with _ hold what several of them share.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import numpy as np

CONTEXTS = ("none", "rhythm", "record")  # each uses what the one before it does, and more
ALIASES = {"b2igan-seed": "b2igan-original"}  # earlier names, still understood


class _Detectors(dict):
    """Name to Detector class; a class is imported when it is first asked for."""

    def __getitem__(self, name: str) -> type:
        return import_module(super().__getitem__(name)).DETECTOR


def _compared() -> dict[str, str]:
    """{name: module} of the files in models/compared."""
    stems = sorted(path.stem for path in (Path(__file__).parent / "compared").glob("[!_]*.py"))
    return {stem.replace("_", "-"): f"models.compared.{stem}" for stem in stems}


def evenly(n: int, most: int) -> np.ndarray:
    """At most so many of n rows, evenly spread, as indices."""
    return np.linspace(0, n - 1, min(n, most)).astype(int)


def canonical(name: str) -> str:
    """The name of a detector, for any name that it has or had."""
    return ALIASES.get(name, name)


MODELS: Mapping[str, type] = _Detectors({"b2igan": "models.b2igan.detector"} | _compared())
