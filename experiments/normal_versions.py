"""What the GAN does for an unseen patient, drawn: a beat, its references, its normal version."""

from pathlib import Path

import numpy as np

import options
from experiments.reports.style import BLUE, GREY, SMALL, VERMILION, new_figure, save
from experiments.screening.shipped import WEIGHTS
from experiments.training.checkpoint import open_detector
from preprocess import BadInput, dataset
from preprocess.constants import BEFORE, FS_HZ, WINDOW

DRAWN_CLASSES = "NSV"
REFERENCES_DRAWN = 40


def main(argv=None):
    opt = parse(argv)
    data = dataset.load(opt.dataroot)
    checkpoint, detector = open_detector(
        opt.checkpoint or WEIGHTS, opt.device, data, opt.dataroot, model="b2igan"
    )
    if detector.opt["known_recordings"]:
        raise BadInput(
            "the checkpoint knows the recordings it is tested on: give one of unseen patients"
        )
    threshold = checkpoint.threshold("record", opt.threshold)
    drawn = [_drawn(data, detector, kind, threshold) for kind in DRAWN_CLASSES]
    path = Path(opt.outf) / "normal_versions.png"
    print(f"picture: {draw([panel for panel in drawn if panel], data.manifest['source'], path)}")


def parse(argv):
    parser = options.parser(
        "python -m experiments.normal_versions",
        "Draw what the GAN makes of beats of patients it has not met: the reference beats of the "
        "recording, the normal version of the beat, and where the beat departs from it.",
        f"example:\n  python -m experiments.normal_versions --dataroot {options.DATAROOT}",
    )
    group = parser.add_argument_group("what to draw")
    options.add_dataroot(group)
    group.add_argument("--checkpoint", metavar="FILE", help="instead of the shipped weights")
    group.add_argument(
        "--threshold",
        type=options.number(0, 1, open_low=True),
        default=0.05,
        metavar="RATE",
        help="false-alarm rate on calibration beats from which a beat counts as found",
    )
    group.add_argument("--outf", default=options.OUTPUT, metavar="DIR", help="where it goes")
    options.add_device(group)
    return parser.parse_args(argv)


def _drawn(data, detector, kind, threshold):
    """{"title", "beat_mv", "references_mv", "normal_mv"} of the beat of a kind with the median
    score of those found, in the record that has most of them; None where there is none."""
    classes, record = data.index["class"].to_numpy(), data.index["record"].to_numpy()
    names, counts = np.unique(record[classes == kind], return_counts=True)
    if not len(names):
        return None
    rows = np.flatnonzero(record == names[counts.argmax()])
    beats = data.beats(rows)
    beat_scores = detector.beat_scores(detector.standard_parts(beats))
    scores = detector.context.score(beats, beat_scores, "record")
    of_kind = np.flatnonzero(classes[rows] == kind)
    found = of_kind[scores[of_kind] > threshold] if kind != "N" else of_kind
    found = found if len(found) else of_kind
    row = found[np.argsort(scores[found])[len(found) // 2]]
    references = detector.context.references(beats, beat_scores)
    references_mv = beats.beat_mv[references[references != row]]
    return {
        "title": f"{kind}: record {beats.record[row]}, score {scores[row]:.1f}",
        "beat_mv": beats.beat_mv[row],
        "references_mv": references_mv[:REFERENCES_DRAWN],
        "normal_mv": detector.normal_versions(beats[[row]], references_mv)[0],
    }


def draw(panels, source, path):
    """A column for each panel: references and beat, then the difference. Returns the path."""
    figure = new_figure(11, 4.6)
    axes = figure.subplots(
        2, len(panels), squeeze=False, sharex=True, sharey="row", height_ratios=(2, 1)
    )
    time_s = (np.arange(WINDOW) - BEFORE) / FS_HZ
    for column, panel in zip(axes.T, panels):
        top, bottom = column
        level = np.median(panel["beat_mv"])
        for reference_mv in panel["references_mv"]:
            shown_mv = reference_mv - np.median(reference_mv) + level
            top.plot(time_s, shown_mv, color=GREY, linewidth=0.4, alpha=0.35)
        top.plot([], [], color=GREY, linewidth=1, label="this patient's references")
        top.plot(time_s, panel["normal_mv"], color=BLUE, linewidth=1.6, label="normal version")
        top.plot(time_s, panel["beat_mv"], color=VERMILION, linewidth=1.2, label="the beat")
        top.set_title(panel["title"], loc="left", fontsize=9)
        bottom.axhline(0, color=GREY, linewidth=0.5)
        difference_mv = panel["beat_mv"] - panel["normal_mv"]
        bottom.fill_between(time_s, difference_mv, color=VERMILION, alpha=0.6, linewidth=0)
        bottom.set_xlabel("s from R", fontsize=SMALL)
    axes[0][0].legend(fontsize=SMALL, loc="upper left")
    axes[0][0].set_ylabel("mV", fontsize=SMALL)
    axes[1][0].set_ylabel("difference, mV", fontsize=SMALL)
    figure.suptitle(
        f"What the generator makes of beats of patients it has not met (source: {source})",
        x=0.012,
        ha="left",
        fontsize=11,
        fontweight="bold",
    )
    figure.tight_layout()
    return save(figure, path)


if __name__ == "__main__":
    options.command(main)
