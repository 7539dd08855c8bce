"""What is wrong with one beat, and where: python main.py --explain RECORD SAMPLE."""

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
    """Draw a beat with its segments to --outf and print where they are."""
    path = opt.checkpoint or folder / "checkpoint.pt"
    checkpoint, detector = open_detector(path, opt.device, data, opt.dataroot)
    row = nearest_beat(data.index, *opt.explain, opt.dataroot)
    beat = data.beats([row])

    # Whether it is abnormal.
    context = usable_context(detector, opt.context)
    score = score_rows(detector, data, [row], context)[0]
    threshold = checkpoint.threshold(context, opt.threshold)
    verdict = "abnormal" if score > threshold else "normal"
    record, sample = beat.record[0], beat.sample[0]
    title = f"record {record}, beat at {sample / FS_HZ:.2f} s (sample {sample}): {verdict}"
    print(f"{title}, score {score:.2f}, threshold {threshold:.2f}, context {context}")

    # Where in it.
    (found,) = detector.segments(detector.errors(beat)[1])
    for start_s, end_s in found:
        print(f"  marked from {start_s:.2f} to {end_s:.2f} s from the R peak")
    if not found:
        print("  nothing in it is marked")

    path = Path(opt.outf) / f"explain_{record}_{sample}.png"
    draw_panels(panels(detector, beat, [title]), path, "What is wrong, and where")
    print(f"picture: {path}")


def nearest_beat(index, record, sample, dataroot):
    """The row of the beat at a sample of a record. Raises BadInput where there is none."""
    rows = np.flatnonzero(index["record"].to_numpy() == Path(record).name)
    samples = index["sample"].to_numpy()[rows if sample.isdigit() else []]
    distance = np.abs(samples - int(sample)) if len(samples) else np.array([np.inf])
    if distance.min() > FARTHEST_S * FS_HZ:
        raise BadInput(
            f"{dataroot} holds no beat of a record {record} within {FARTHEST_S} s of sample "
            f"{sample}, counted at {FS_HZ} a second"
        )
    return rows[distance.argmin()]
