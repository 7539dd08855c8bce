"""Where in the beat: error maps against changes of known place and against real ectopic beats.

    python -m experiments.localise --dataroot DIR --outf DIR    a table, and last one JSON object

Measures, on beats of the test part that no detector was trained on:

time-point AUC   does the error over time rank changed samples above unchanged ones, over all beats
Dice             overlap of segments and changed samples; 2 % of calibration beats have a segment
hit              the strongest point lies inside the change
marked           share of beats with any segment; of unchanged normal beats, these are false

Baselines see the same beats. b2igan-original and beatgan are read from --outf, and left out where
they were not trained before (python main.py --model beatgan).
"""

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

import options
from experiments.changes import CHANGES, STRENGTHS, inject
from experiments.reports.beat import draw_panels, panels
from experiments.training.checkpoint import load, open_detector
from experiments.training.device import find_device
from experiments.training.protocols import DS2, split
from models.b2igan.localiser import SEGMENT_RATE, in_segment, segments
from models.detector import Detector
from preprocess import BadInput, dataset, simulate, spectrogram
from preprocess.beats import TIMES_S, Beats
from preprocess.constants import BEFORE, FS_HZ, WINDOW

BASELINES = ("median", "chance", "beatgan", "b2igan-original")
CALIBRATION = 2000  # normal beats that set the segments of a baseline
QRS_T = slice(BEFORE - 36, WINDOW)  # from 0.1 s before R on: where a ventricular beat is abnormal
BEFORE_QRS = slice(0, BEFORE - 18)  # up to 0.05 s before R: where a supraventricular one is


def main(argv=None):
    opt = parse(argv)
    data = dataset.load(opt.dataroot)
    rows = split(data.index, opt.protocol, opt.folder)
    folder = Path(opt.outf) / "b2igan" / opt.protocol / f"fold{opt.folder}"
    path = opt.checkpoint or folder / "checkpoint.pt"
    _, ours = open_detector(path, opt.device, data, opt.dataroot, asked=opt, model="b2igan")
    if not ours.has_error_map:
        raise BadInput(f"{path} was trained with --no-error-map: there is nothing to measure")

    # Changes of known place: our map, then the baselines.
    normals = some(rows.test[rows.classes[rows.test] == "N"], opt.beats, opt.seed)
    calibration = data.beats(some(rows.calibration, CALIBRATION, opt.seed))
    beats = data.beats(normals)
    result = {
        "source": data.manifest["source"],
        "protocol": opt.protocol,
        "fold": opt.folder,
        "beats": len(beats),
        "b2igan": on_changes(error_map(ours), beats, STRENGTHS),
        "baselines": {},
    }
    for name, error in baselines(opt):
        result["baselines"][name] = on_changes(baseline(error, calibration), beats, ["medium"])

    # Real ectopic beats, the simulated cohort, and what is printed and drawn of it all.
    result["real"] = on_ectopic_beats(ours, data, rows, opt)
    if opt.cohort:
        result["cohort"] = on_cohort(opt.cohort, ours)
    result |= headline(result)
    draw_changes(ours, beats, Path(opt.outf) / "changes.png")
    print(table(result))
    print(json.dumps(result))


def parse(argv):
    made = options.study(
        "localise",
        "Error maps held against changes of known place and against real ectopic beats: a table, "
        "changes.png, and last one JSON object.",
        f"--dataroot {options.DATAROOT}",
        groups="data seed",
    )
    add, number = made.add_argument, options.integer(50)
    add("--checkpoint", metavar="FILE", help="of b2igan; default: the one under --outf")
    add("--beats", type=number, default=400, metavar="N", help="normal test beats to change")
    add(
        "--baselines",
        nargs="*",
        choices=BASELINES,
        default=BASELINES,
        metavar="NAME",
        help="what to compare with; median is the difference to the record's median beat",
    )
    add("--cohort", metavar="DIR", help="folder for a simulated cohort, to measure on too")
    return made.parse_args(argv)


def some(rows, n, seed):
    """n of the rows at random, in their order."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:n])


# --- what is compared -----------------------------------------------------------------------------


class Method(NamedTuple):
    """error: Beats to (n, WINDOW), over time; inside: such an error to bool, where segments are."""

    error: Callable[[Beats], np.ndarray]
    inside: Callable[[np.ndarray], np.ndarray]


def error_map(detector: Detector) -> Method:
    """That of a b2igan, and its segments."""
    localiser = detector.localiser
    levels = float(localiser.segment_from), float(localiser.segment_to)
    return Method(lambda beats: detector.errors(beats)[1], lambda error: in_segment(error, *levels))


def baseline(error: Callable[[Beats], np.ndarray], calibration: Beats) -> Method:
    """Another error. Its segments are where it is above what SEGMENT_RATE of the calibration beats
    reach anywhere."""
    level = np.quantile(error(calibration).max(1), 1 - SEGMENT_RATE)
    return Method(error, lambda found: found > level)


def baselines(opt: Namespace) -> Iterator[tuple[str, Callable[[Beats], np.ndarray]]]:
    """(name, error) of those that opt.baselines asks for and that were trained."""
    for name in opt.baselines:
        path = Path(opt.outf) / name / opt.protocol / f"fold{opt.folder}" / "checkpoint.pt"
        if name == "median":
            yield "difference to the record's median beat", difference_to_median
        elif name == "chance":
            rng = np.random.default_rng(opt.seed)
            yield name, lambda beats, rng=rng: rng.random((len(beats), WINDOW))
        elif path.exists():
            checkpoint = load(path)
            detector = checkpoint.detector(find_device(opt.device))
            error = lambda beats, detector=detector: squared_error(detector, beats)
            yield f"{name}, {checkpoint.epoch} epochs", error
        else:
            print(f"{name} is left out: there is no {path}")


def difference_to_median(beats: Beats) -> np.ndarray:
    """(n, WINDOW) distance to the median beat of each beat's record, in mV."""
    return np.abs(beats.beat_mv - beats.record_median_mv)


def squared_error(detector: Detector, beats: Beats) -> np.ndarray:
    """(n, WINDOW) plain squared reconstruction error; of an image, the mean of each column."""
    if not detector.image:
        return detector.error_map(beats)
    image = spectrogram.stored_images(beats.beat_mv, detector.image)
    error = detector.in_chunks(lambda image: detector.squared_error(image).mean((1, 2)), image)
    times_s = spectrogram.axes(detector.image)[0]
    return np.stack([np.interp(TIMES_S, times_s, row) for row in error])


# --- measures -------------------------------------------------------------------------------------


def on_changes(method, beats, strengths):
    """{"unchanged_marked": share with a segment, strength: {kind or "all": measures}}."""
    result = {"unchanged_marked": float(method.inside(method.error(beats)).any(1).mean())}
    for strength in strengths:
        found = {kind: found_in(method, beats, kind, strength) for kind in CHANGES}
        result[strength] = {kind: measures(*parts) for kind, parts in found.items()}
        pooled = (np.concatenate(parts) for parts in zip(*found.values()))
        result[strength]["all"] = measures(*pooled)
    return result


def found_in(method, beats, kind, strength):
    """Truth, error and where segments are, (n, WINDOW) each, of the beats that did change."""
    changed_mv, truth = inject(beats.beat_mv, kind, strength, seed=list(CHANGES).index(kind))
    there = truth.any(1)
    error = method.error(replace(beats[there], image=None, beat_mv=changed_mv[there]))
    return truth[there], error, method.inside(error)


def measures(truth, error, inside):
    """(n, WINDOW) truth, error and where segments are, to the figures of the table."""
    overlap = 2 * (inside & truth).sum(1) / (inside.sum(1) + truth.sum(1))
    return {
        "auc": float(roc_auc_score(truth.ravel(), error.ravel())),
        "dice": float(overlap.mean()),
        "hit": float(truth[np.arange(len(truth)), error.argmax(1)].mean()),
        "marked": float(inside.any(1).mean()),
        "n": len(truth),
        "changed": float(truth.mean()),
    }


def on_ectopic_beats(detector, data, rows, opt):
    """Real V and S beats of DS2 (of all test records where there is no DS2), beside normal beats of
    the same records."""
    record, classes = data.index["record"].to_numpy()[rows.test], rows.classes[rows.test]
    ds2 = np.isin(record, DS2) if np.isin(record, DS2).any() else np.ones(len(record), bool)
    result = {}
    for name, place in (("V", QRS_T), ("S", BEFORE_QRS)):
        chosen = rows.test[ds2 & (classes == name)]
        if len(chosen):
            theirs = np.isin(record, np.unique(data.index["record"].to_numpy()[chosen]))
            normals = some(rows.test[theirs & (classes == "N")], len(chosen), opt.seed)
            result[name] = in_place(detector, data.beats(chosen), place)
            result[f"N beside {name}"] = in_place(detector, data.beats(normals), place)
    return result


def in_place(detector, beats, place):
    """How much of the error lies in a part of the window, and whether its strongest point does."""
    error = detector.errors(beats)[1]
    inside = error_map(detector).inside(error)
    return {
        "n": len(beats),
        "strongest_inside": float((np.isin(error.argmax(1), np.r_[place])).mean()),
        "mass_inside": float(np.mean(error[:, place].sum(1) / np.maximum(error.sum(1), 1e-6))),
        "marked": float(inside.any(1).mean()),
        "marked_inside": float(inside[:, place].any(1).mean()),
    }


def on_cohort(folder, detector):
    """The abnormal beats of a simulated cohort against its truth.csv; its patients are unseen."""
    data, truth = simulated(Path(folder))
    beats = data.beats(np.flatnonzero(truth.any(1)))
    truth, method = truth[truth.any(1)], error_map(detector)
    normals = data.beats(some(np.flatnonzero(data.index["class"] == "N"), 1000, 0))
    error = method.error(beats)
    unchanged_marked = float(method.inside(method.error(normals)).any(1).mean())
    return measures(truth, error, method.inside(error)) | {"unchanged_marked": unchanged_marked}


def simulated(folder):
    """Dataset of a simulated cohort, made if need be, and (beats, WINDOW) bool: where each departs
    from normal."""
    simulate.simulate(folder / "records", subjects=12, minutes=5.0, seed=11, progress=False)
    dataset.make(folder / "records", folder / "complex")
    data = dataset.load(folder / "complex")
    return data, truth_of(data, folder / "records" / simulate.TRUTH)


def truth_of(data, path):
    """(beats, WINDOW) bool from a cohort's truth.csv."""
    place = {key: i for i, key in enumerate(zip(data.index["record"], data.index["sample"]))}
    truth = np.zeros((len(data.index), WINDOW), bool)
    for span in pd.read_csv(path, dtype={"record": str}).itertuples():
        row = place.get((span.record, span.sample))
        if row is not None:
            start, end = (round(at_s * FS_HZ) + BEFORE for at_s in (span.start_s, span.end_s))
            truth[row, start:end] = True
    return truth


# --- results --------------------------------------------------------------------------------------


def headline(result):
    """The figures that the aims are stated in."""
    ours = result["b2igan"]
    medium = ours["medium"]["all"]
    others = [found["medium"]["all"]["auc"] for found in result["baselines"].values()]
    return {
        "auc": medium["auc"],
        "dice": medium["dice"],
        "hit": medium["hit"],
        "normals_marked": ours["unchanged_marked"],
        "lead": medium["auc"] - max(others, default=0.5),
        "v_inside_qrs_t": result["real"].get("V", {}).get("strongest_inside"),
    }


def table(result):
    """The figures as text."""
    ours = result["b2igan"]
    found = {(kind, s): ours[s][kind] for kind in [*CHANGES, "all"] for s in STRENGTHS}
    for name, baseline in result["baselines"].items():
        found[f"{name}: all", "medium"] = baseline["medium"]["all"]
    if "cohort" in result:
        found["simulated cohort, unseen", "its own"] = result["cohort"]
    found, real = (pd.DataFrame.from_dict(of, "index") for of in (found, result["real"]))
    return (
        f"{found.to_string(float_format='%.3f')}\n\n"
        f"unchanged normal beats with any segment: {ours['unchanged_marked']:.1%}\n"
        "real beats, V and N beside them in QRS to T, S and N beside them before the QRS:\n"
        f"{real.to_string(float_format='%.3f')}"
    )


def draw_changes(detector, beats, path):
    """One normal beat for each kind of change, at medium strength."""
    shown = []
    for number, kind in enumerate(CHANGES):
        changed_mv, truth = inject(beats.beat_mv, kind, "medium", seed=number)
        i = np.flatnonzero(truth.any(1))[number]
        image = spectrogram.images(changed_mv[[i]]).numpy()
        beat = replace(beats[[i]], image=image, beat_mv=changed_mv[[i]])
        words = ", ".join(f"{start:.2f} to {end:.2f} s" for start, end in segments(truth[i]))
        shown += panels(detector, beat, [f"{kind}, truly at {words}"])
    draw_panels(shown, path, "Normal test beats with one change each, medium strength")


if __name__ == "__main__":
    options.command(main)
