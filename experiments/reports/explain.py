"""What is wrong with one beat, and where: python main.py --explain RECORD SAMPLE."""

from pathlib import Path

import numpy as np

from experiments.reports.beat import draw_panels, panels
from experiments.training.checkpoint import open_detector
from experiments.training.scoring import score_rows, usable_context
from preprocess import BadInput, spectrogram
from preprocess.records import FS_HZ

REACH_S = 0.15  # a sample this far from the next R peak belongs to no beat


def explain(data, opt, folder):
    """Draw a beat with its marks to --outf and print where they are and in which band."""
    checkpoint, detector = open_detector(
        opt.checkpoint or folder / "checkpoint.pt", opt.device, data, opt.dataroot
    )
    row = nearest_beat(data.index, *opt.explain, opt.dataroot)
    beat = data.beats([row])
    context = usable_context(detector, opt.context)
    score, threshold = (
        score_rows(detector, data, [row], context)[0],
        checkpoint.threshold(context, opt.threshold),
    )
    verdict = "abnormal" if score > threshold else "normal"
    place = (
        f"record {beat.record[0]}, beat at {beat.sample[0] / FS_HZ:.2f} s (sample {beat.sample[0]})"
    )
    (error,), over_time = detector.errors(beat)
    (found,) = detector.segments(over_time)
    print(f"{place}: {verdict}, score {score:.2f}, threshold {threshold:.2f}, context {context}")
    for span in found:
        print(
            "  marked from {:.2f} to {:.2f} s from the R peak".format(*span)
            + words_of_band(error, span, detector)
        )
    if not found:
        print("  nothing in it is marked")
    path = Path(opt.outf) / f"explain_{beat.record[0]}_{beat.sample[0]}.png"
    draw_panels(panels(detector, beat, [f"{place}: {verdict}"]), path, "What is wrong, and where")
    print(f"picture: {path}")


def nearest_beat(index, record, sample, dataroot):
    """The row of the beat at a sample of a record. Raises BadInput where there is none."""
    record = Path(record).name
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
    if distance.min() > REACH_S * FS_HZ:
        there = index["sample"].to_numpy()[rows[distance.argmin()]]
        raise BadInput(
            f"record {record} has no beat within {REACH_S} s of sample {sample}: the nearest is "
            f"at {there}"
        )
    return rows[distance.argmin()]


def words_of_band(error, span, detector):
    if detector.explains == "beat":
        return ""
    return ", most of it between {:.0f} and {:.0f} Hz".format(*band_hz(error, span, detector.image))


def band_hz(error, span, setting):
    """(channels, F, T) error map and (start_s, end_s) to the band whose error is at least half of
    the largest of that segment."""
    times_s, freqs_hz = spectrogram.axes(setting)
    half_s = (times_s[1] - times_s[0]) / 2
    over_freqs = error.max(0)[:, (times_s > span[0] - half_s) & (times_s < span[1] + half_s)].max(1)
    high = freqs_hz[over_freqs >= over_freqs.max() / 2]
    return high.min(), high.max()
