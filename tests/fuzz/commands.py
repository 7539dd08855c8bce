"""Command lines with flags that are odd: each ends as one should."""

import os

from hypothesis import strategies as st

import main
from experiments import agreement, compare, export, localise, noise, ship
from preprocess import __main__ as preparation
from tests.fuzz.damage import ODD
from tests.fuzz.running import attempt

STUDIES = (agreement, compare, export, localise, noise, ship)
RUN = {study.__name__.split(".")[-1]: study.main for study in STUDIES}
RUN["preprocess"] = preparation.main  # all others are main.py's
PLACES = ("--outf", "--to", "--records")  # without one, something may land in the working folder


def _right(here):
    """{name: words} of commands without anything odd."""
    data, out = ["--dataroot", str(here.dataroot)], ["--outf", str(here.folder / "out")]
    weights, records = ["--checkpoint", str(here.weights)], ["--records", str(here.records)]
    return {
        "screen": ["--screen", *out, *weights],
        "explain": ["--explain", "sim01", "4000", *data, *out],
        "train": ["--model", "knn", *data, *out],  # has no epochs
        "test": ["--istest", *data, *out, *weights, "--context", "none", "--bootstrap", "0"],
        "preprocess": [*records, "--dataroot", f"{here.folder}/prepared"],
        "compare": ["--datadir", str(here.dataroot.parent), *out, "--models", "knn"]
        + ["--folds", "0", "--contexts", "none"],
        "agreement": [*records, "--names", "sim01", *weights],
        "noise": [*records, "--noise", str(here.records), *out, *weights],
        "localise": [*data, *out, *weights, "--beats", "8"],
        "export": [*weights, "--to", str(here.folder / "out/x.onnx")],
        "ship": [*weights, "--to", str(here.folder / "out/x.safetensors")],
    }


@st.composite
def commands(draw, here):
    """A command with flags, some of them odd."""
    whole = _right(here)
    name = draw(st.sampled_from(sorted(whole)))
    words = list(whole[name])
    if name == "screen":
        record = draw(st.sampled_from(("s16", "plain.edf", "ishne.ecg", "times.csv", "none")))
        words.insert(1, str(here.folder / record))
    flags = ("--lead", "--fs", "--units", "--annotator", "--seed", "--protocol", "--folder")
    flags += ("--context", "--threshold", "--calibration-minutes", "--known-normal", "--niter")
    odd = st.one_of(st.sampled_from(ODD), st.text(max_size=6))
    for _ in range(draw(st.integers(1, 2))):
        if draw(st.booleans()):
            words[draw(st.integers(0, len(words) - 1))] = draw(odd)
        else:
            words += [draw(st.sampled_from(flags)), draw(odd)]
    return name, words


def check(here, case):
    name, words = case
    run = RUN.get(name, main.main)
    if any(place in words for place in PLACES):
        before = os.getcwd()
        os.chdir(here.folder)
        try:
            attempt(lambda: run(words))
        finally:
            os.chdir(before)
