"""What is tried, format by format: how it is damaged, and what must then be so.

Whatever is done to a file, it is refused in a sentence or read, within seconds. What is read must
be what was written, but for the very bytes that were damaged: no sample may move in time.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st

import options
from experiments.screening import pipeline
from preprocess import dataset
from tests.fuzz import commands, damage, world
from tests.fuzz.damage import IN_PLACE, damaged
from tests.fuzz.running import REFUSED, attempt
from tests.fuzz.world import FS_HZ, World

EDF_HEADER_BYTES, EDF_PLUS_HEADER_BYTES = 512, 768
SCREENED_SHARE = 20  # of so many that can be read, one goes all the way


@dataclass
class Target:
    """cases: of a World to a strategy; check: a World and a case, raises AssertionError.

    cost: of a case, in those of the cheapest ones.
    """

    name: str
    cases: Callable[[World], st.SearchStrategy]
    check: Callable[[World, object], None]
    cost: int = 1


def _placed(here: World, name: str, content: bytes):
    """A file in a folder of its own, beside whatever it needs; the folder is used again."""
    folder = here.folder / "damaged"
    folder.mkdir(exist_ok=True)
    path = folder / name
    for other in (".hea", ".dat", ".atr"):
        whole = here.folder / (path.stem + other)
        if whole.exists() and path.suffix in (".hea", ".dat", ".atr"):
            (folder / whole.name).write_bytes(whole.read_bytes())
    path.write_bytes(content)
    return path


def _screen(here: World, path, *flags):
    """All the way to files, as python main.py --screen."""
    out = here.folder / "out"
    flags = ["--screen", str(path), "--outf", str(out), "--checkpoint", str(here.weights), *flags]
    attempt(lambda: pipeline.screen_all(options.parse("main", [*flags, "--device", "cpu"])))
    left = [name for name in os.listdir(out)] if out.exists() else []
    assert not [name for name in left if name.startswith(".")], f"left behind: {left}"


def _unmoved(found: np.ndarray, truth: np.ndarray, changed: int):
    """(n,) and (n,), NaN where nothing is: alike but for so many samples."""
    assert len(found) == len(truth), f"{len(found)} samples, and {len(truth)} were written"
    same = np.isclose(found, truth, atol=2e-3, equal_nan=True)
    assert (~same).sum() <= changed, f"{(~same).sum()} samples differ, {changed} bytes were damaged"


def _gapped(truth):
    half = world.SECONDS // 2 * FS_HZ
    return np.r_[truth[:half], np.full(round(world.GAP_S * FS_HZ), np.nan), truth[half:]]


# --- WFDB -----------------------------------------------------------------------------------------


def _wfdb_signal(kind):
    def check(here, case):
        path = _placed(here, f"{kind}.dat", case.content)
        found = attempt(lambda: world.signal_of(path.with_suffix("")))
        if found is not REFUSED:
            # A checksum of 16 bits misses a few exchanges.
            _unmoved(found[1], here.truth, case.changed if set(case.kinds) <= set(IN_PLACE) else 0)

    return Target(f"wfdb {kind} .dat", lambda here: damaged(here.content(f"{kind}.dat")), check)


def _check_annotations(here, case):
    path = _placed(here, "s16.atr", case.content)
    found = attempt(lambda: world.beats_of(path))
    if found is not REFUSED and case.kinds == ("cut",):
        assert len(found[0]) >= world.SECONDS - 1, f"{len(found[0])} of {world.SECONDS} beats left"


def _check_header(here, text):
    path = _placed(here, "s16.hea", text.encode("utf-8", "surrogateescape"))
    found = attempt(lambda: world.signal_of(path.with_suffix("")))
    if found is not REFUSED and len(found[1]) % SCREENED_SHARE == 0:
        _screen(here, path)


def _headers(here):
    text = here.content("s16.hea").decode()
    lines = [line for line in text.splitlines() if line]
    flipped = damaged(text.encode()).map(lambda d: d.content.decode("latin-1"))
    return st.one_of(damage.wfdb_header(lines), damage.edited(text), flipped)


# --- EDF ------------------------------------------------------------------------------------------


def _edf(name, header_bytes, truth_of):
    def check(here, case):
        found = attempt(lambda: world.signal_of(_placed(here, f"{name}.edf", case.content)))
        if found is not REFUSED:
            assert found[0] == FS_HZ
            _unmoved(found[1], truth_of(here.truth), case.changed)

    def cases(here):
        content = here.content(f"{name}.edf")
        return damaged(content, most=1, start=header_bytes)

    return Target(f"edf {name}", cases, check)


def _check_edf_header(here, content):
    path = _placed(here, "plain.edf", content)
    found = attempt(lambda: world.signal_of(path))
    if found is not REFUSED and len(content) % SCREENED_SHARE == 0:
        _screen(here, path)


def _edf_headers(here):
    whole = [here.content(f"{name}.edf") for name in ("plain", "gaps")]
    edited = st.sampled_from(whole).flatmap(damage.edf_header)
    return st.one_of(edited, *(damaged(c[:800]).map(_with_rest(c)) for c in whole))


def _with_rest(content):
    return lambda case: case.content + content[800:]


# --- ISHNE ----------------------------------------------------------------------------------------


def _check_ishne(here, case):
    found = attempt(lambda: world.signal_of(_placed(here, "ishne.ecg", case.content)))
    if found is not REFUSED:  # only samples have no checksum
        assert found[0] == FS_HZ
        _unmoved(found[1], here.truth, case.changed)


def _ishne(here):
    return damaged(here.content("ishne.ecg"), most=1)


# --- CSV ------------------------------------------------------------------------------------------


def _check_times(here, case):
    found = attempt(lambda: world.signal_of(_placed(here, "times.csv", case.content)))
    # The first line may name another lead, and without the first rows it begins later.
    if found is REFUSED or case.at < 2 * damage.BYTES_AT_ONCE:
        return
    rate_hz, values = found
    truth = _gapped(here.truth)
    assert abs(rate_hz - FS_HZ) < 0.5
    n = min(len(values), len(truth))
    there = np.isfinite(values[:n])
    # A lost row and a time that is off between two others may be a sample's difference.
    beside = [np.isclose(values[:n], np.roll(truth, k)[:n], atol=2e-3) for k in (-1, 0, 1)]
    wrong = there & ~np.any(beside, 0)
    assert wrong.sum() <= 3 * len(case.kinds) + case.changed_cells, f"{wrong.sum()} samples differ"
    assert len(values) <= len(truth) + 1, "longer than it was"


def _csv_times(here):
    def counted(case):
        in_place = set(case.kinds) <= set(IN_PLACE)
        case.changed_cells = case.changed if in_place else damage.BYTES_AT_ONCE
        return case

    return damaged(here.content("times.csv")).map(counted)


def _csv_texts(here):
    texts = [here.content(f"{name}.csv").decode() for name in ("times", "commas")]
    return st.sampled_from(texts).flatmap(lambda text: damage.edited(text, ",;\t"))


def _check_csv_text(here, text):
    path = _placed(here, "odd.csv", text.encode("utf-8", "surrogateescape"))
    for more in ({}, {"fs_hz": 250.0}, {"fs_hz": 250.0, "units": "uV"}):
        found = attempt(lambda more=more: world.signal_of(path, **more))
    if found is not REFUSED and len(text) % SCREENED_SHARE == 0:
        _screen(here, path, "--fs", "250")


# --- what training leaves -------------------------------------------------------------------------


def _check_checkpoint(here, case):
    path = _placed(here, "weights.pt", case.content)
    found = attempt(lambda: world.checkpoint_of(path))
    if found is REFUSED:
        return
    whole = here.read.setdefault("checkpoint", world.checkpoint_of(here.weights))
    assert found.options == whole.options and found.reference == whole.reference
    assert found.state.keys() == whole.state.keys()
    assert all(torch.equal(found.state[name], whole.state[name]) for name in whole.state)


def _checkpoint_bytes(here):
    return damaged(here.weights.read_bytes())


TENSORS = {  # to a tensor of another kind, or None
    "lacks": lambda t: None,
    "flat": lambda t: t.reshape(-1)[: max(1, t.numel() // 2)],
    "nan": lambda t: t * float("nan"),
    "whole": lambda t: t.long(),
    "transposed": lambda t: t.transpose(0, -1) if t.ndim else t[None],
    "empty": lambda t: t.reshape(-1)[:0],
    "no tensor": lambda t: "text",
}


@st.composite
def _checkpoint_values(draw, here):
    """(part, name in it, what it becomes) of a file that is whole."""
    whole = here.read.setdefault("values", torch.load(here.weights, weights_only=True))
    part = draw(st.sampled_from(("", "options", "settings", "reference", "state", "state")))
    name = draw(st.sampled_from(sorted(whole[part] if part else whole)))
    if part == "state":
        return part, name, draw(st.sampled_from(sorted(TENSORS)))
    odd = st.sampled_from((None, 0, -1, 2**70, "", "x", "beatgan", [], {}, [1.0], float("nan")))
    return part, name, draw(st.one_of(odd, st.lists(st.floats(), max_size=3)))


def _check_checkpoint_values(here, case):
    part, name, becomes = case
    values = dict(here.read["values"])
    if part:
        values[part] = dict(values[part])
    changed = values[part] if part else values
    if part == "state":
        becomes = TENSORS[becomes](changed.pop(name))
    if becomes is not None or part != "state":
        changed[name] = becomes
    path = here.folder / "damaged" / "values.pt"
    path.parent.mkdir(exist_ok=True)
    torch.save(values, path)
    found = attempt(lambda: world.checkpoint_of(path))
    if found is not REFUSED:
        assert part != "state" or becomes is None or torch.is_tensor(becomes)
        attempt(lambda: found.threshold("record", 0.05))


DATASET_FILES = ("beats.npy", "spectrograms.npy", "index.csv", "manifest.json")


@st.composite
def _datasets(draw, here):
    name = draw(st.sampled_from(DATASET_FILES))
    content = (here.dataroot / name).read_bytes()
    if name == "manifest.json" and draw(st.booleans()):
        values = json.loads(content)
        odd = st.sampled_from((None, 0, -1, 1e999, "", [], {}, "x", {"a": 1}, True))
        at = values["settings"] if draw(st.booleans()) else values
        at[draw(st.sampled_from(sorted(at)))] = draw(odd)
        return name, json.dumps(values).encode()
    return name, draw(damaged(content)).content


def _check_dataset(here, case):
    name, content = case
    folder = here.folder / "dataset"
    folder.mkdir(exist_ok=True)
    for other in DATASET_FILES:
        (folder / other).unlink(missing_ok=True)
        if other != name:
            os.link(here.dataroot / other, folder / other)
    (folder / name).write_bytes(content)
    found = attempt(lambda: dataset.load(folder))
    if found is REFUSED:
        return
    whole = here.read.setdefault("dataset", dataset.load(here.dataroot))
    assert found.index.equals(whole.index)
    assert name == "manifest.json" or content == (here.dataroot / name).read_bytes()


TARGETS = (
    _wfdb_signal("s16"),
    _wfdb_signal("s212"),
    Target("wfdb .atr", lambda here: damaged(here.content("s16.atr"), most=1), _check_annotations),
    Target("wfdb .hea", _headers, _check_header),
    _edf("plain", EDF_HEADER_BYTES, lambda truth: truth),
    _edf("gaps", EDF_PLUS_HEADER_BYTES, _gapped),
    Target("edf header", _edf_headers, _check_edf_header),
    Target("ishne", _ishne, _check_ishne),
    Target("csv times", _csv_times, _check_times, cost=2),
    Target("csv text", _csv_texts, _check_csv_text, cost=4),
    Target("checkpoint bytes", _checkpoint_bytes, _check_checkpoint, cost=6),
    Target("checkpoint values", _checkpoint_values, _check_checkpoint_values, cost=8),
    Target("dataset", _datasets, _check_dataset, cost=8),
    Target("commands", commands.commands, commands.check, cost=8),
)
