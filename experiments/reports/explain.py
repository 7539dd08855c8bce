"""What is wrong with a beat, and where: python main.py --explain RECORD SAMPLE."""

from argparse import Namespace
from pathlib import Path

import numpy as np

from experiments.reports.beat import draw_panels, panels
from experiments.training.checkpoint import open_detector
from experiments.training.scoring import score_rows, usable_context
from preprocess import BadInput
from preprocess.constants import FS_HZ
from preprocess.dataset import Dataset

FARTHEST_S = 0.15  # a sample this far from the next R peak belongs to no beat


def explain(data: Dataset, opt: Namespace, folder: Path) -> None:
    """Draw beats with their segments to --outf and print where they are."""
    if len(opt.explain) % 2:
        raise BadInput("--explain takes pairs of a record and a sample: 208 10000, say")
    path = opt.checkpoint or folder / "checkpoint.pt"
    checkpoint, detector = open_detector(path, opt.device, data, opt.dataroot)
    asked = zip(opt.explain[::2], opt.explain[1::2])
    rows = [nearest_beat(data.index, *pair, opt.dataroot) for pair in asked]
    beats = data.beats(rows)

    # Whether they are abnormal.
    context = usable_context(detector, opt.context)
    scores = score_rows(detector, data, rows, context)
    threshold = checkpoint.threshold(context, opt.threshold)
    segments = detector.segments(detector.errors(beats)[1])
    titles = []
    for record, sample, score, found in zip(beats.record, beats.sample, scores, segments):
        verdict = "abnormal" if score > threshold else "normal"
        at_s = sample / FS_HZ
        titles.append(f"record {record}, beat at {at_s:.2f} s (sample {sample}): {verdict}")
        print(f"{titles[-1]}, score {score:.2f}, threshold {threshold:.2f}, context {context}")

        # Where in it.
        for start_s, end_s in found:
            print(f"  marked from {start_s:.2f} to {end_s:.2f} s from the R peak")
        if not found:
            print("  nothing in it is marked")

    name = f"explain_{beats.record[0]}_{beats.sample[0]}.png".replace("/", "_")
    draw_panels(panels(detector, beats, titles), Path(opt.outf) / name, "What is wrong, and where")
    print(f"picture: {Path(opt.outf) / name}")


def nearest_beat(index, record, sample, dataroot):
    """The row of the beat at a sample of a record. Raises BadInput where there is none."""
    rows = np.flatnonzero(index["record"].to_numpy() == record)
    if not len(rows):
        raise BadInput(
            f"{dataroot} holds no record {record}: it has {', '.join(index['record'].unique())}"
        )
    if not sample.isdigit():
        raise BadInput(
            f"--explain {record} {sample}: the sample must be a whole number, counted at {FS_HZ} "
            "a second"
        )
    distance = np.abs(index["sample"].to_numpy()[rows] - int(sample))
    if distance.min() > FARTHEST_S * FS_HZ:
        there = index["sample"].to_numpy()[rows[distance.argmin()]]
        raise BadInput(
            f"record {record} has no beat within {FARTHEST_S} s of sample {sample}: the nearest is "
            f"at {there}"
        )
    return rows[distance.argmin()]
