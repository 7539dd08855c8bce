"""The page of a screened recording: one HTML file; beyond an hour its trace lies beside it."""

import base64
import json
from functools import partial

import numpy as np

from experiments.reports import pages, style
from experiments.screening import corrections, outputs
from experiments.screening.findings import Findings
from experiments.screening.location import ClusterPicture
from experiments.screening.page import events, trace, words
from experiments.screening.page.index import TEMPLATES
from experiments.screening.rhythm import episodes, summary
from preprocess import spectrogram
from preprocess.constants import BEFORE, FS_HZ, WINDOW

MOST_ROWS = 40  # clusters with a row of their own
MOST_STRIPS = 30  # unreadable stretches shown
MV_PER_STEP = 0.005  # of traces in the page
# the axis of scores, in powers of ten of how rare they are among normal beats
RAREST, COMMONEST_TOP = 8.0, 4.0  # it ends between the two
NO_RARER = 1e-30  # of tail probabilities, which may be 0
# the small pictures of a cluster's row, in px
THUMB_PX, THUMB_STEP, THUMB_LEAST_MV = (120, 44), 4, 1.5
BARS_PX, BARS = (180, 24), 60
NO_BAND = (episodes.COUPLET, episodes.S_COUPLET)  # too short to be seen in the timeline
# Of bands in the timeline, names of CSS variables; other episodes have that of their beats' kind.
BAND_COLOURS = {
    episodes.VENTRICULAR_FIBRILLATION: "lost",
    episodes.ASYSTOLE: "lost",
    episodes.PAUSE: "lost",
    episodes.FIBRILLATION: "af",
    episodes.BRADYCARDIA: "beat",
    episodes.TACHYCARDIA: "beat",
}
# The definitions by which the page tells rhythms and figures anew after corrections: all constants.
RHYTHM = {
    name: value
    for module in (episodes, summary, corrections)
    for name, value in vars(module).items()
    if name.isupper()
}


def render(
    findings: Findings,
    cluster_pictures: list[ClusterPicture],
    context: str,
    checkpoint,
    settings,
) -> str:
    """Findings to the page.

    cluster_pictures: of the first clusters; the rest: how the findings were made.
    """
    environment = pages.environment(TEMPLATES)
    start = findings.summary["recording"]["start"]
    environment.filters["at"] = partial(pages.wall_clock, start=start)
    telling = events.telling(findings)
    data = json.dumps(
        _data(findings, cluster_pictures, settings.trace, telling, settings.pause),
        separators=(",", ":"),
    )
    return environment.get_template("screen.html").render(
        f=findings,
        s=findings.summary,
        start=start,
        alarms=words.first_alarms(findings.summary),
        headline=words.headline(findings.summary, findings.flagged.sum()),
        telling=telling,
        leads=findings.source.screened,
        band=trace.BAND,
        is_alone=not settings.trace or trace.fits_page(findings.source),
        unreadable=_longest(findings.unreadable),
        rows=[_row(findings, i) for i in range(len(findings.clusters[:MOST_ROWS]))],
        rarer=findings.clusters[MOST_ROWS:],
        kinds=words.KIND_NAMES,
        fs_hz=FS_HZ,
        checkpoint=checkpoint,
        settings=settings,
        context=context,
        calibration=_calibration(context, settings),
        data=data.replace("<", "\\u003c"),
    )


# ------------------------------------------------------------------------------------- in words


def _calibration(context, settings):
    own = "its own beats presumed normal, half an hour at a time; " if context == "record" else ""
    if settings.known_normal:
        return own + "minutes {:g} to {:g}, known to be normal".format(*settings.known_normal)
    return own + f"the first {settings.calibration_minutes:g} readable minutes"


def _longest(stretches):
    """The MOST_STRIPS longest unreadable stretches, in the order of time."""
    longest = sorted(stretches, key=lambda stretch: stretch.start - stretch.end)[:MOST_STRIPS]
    return sorted(longest, key=lambda stretch: stretch.start)


def _row(findings, index):
    """What the page shows of a cluster before it is opened."""
    table, cluster = findings.table, findings.clusters[index]
    rows = table[table["cluster"] == index]
    times_s = rows["sample"] / FS_HZ
    return {
        "number": index + 1,
        "count": cluster.count,
        "alike": f"{cluster.count:,} alike" if cluster.count > 1 else "1 beat",
        "text": words.describe(findings, index),
        "share": cluster.count / len(table),
        "thumb": _thumb(cluster.mean_mv, findings.patient_threshold.record_median_mv),
        "bars": _bars(times_s, findings.source.duration_s),
        "score": float(rows["score"].median()),
        "first_s": times_s.min(),
        "last_s": times_s.max(),
        "kind": findings.kind_of(index),
    }


def _thumb(*beats_mv):
    """Beats as the paths of one small picture."""
    width, height = THUMB_PX
    values = np.stack(beats_mv)[:, ::THUMB_STEP]
    middle, span = (values.max() + values.min()) / 2, max(np.ptp(values) * 1.1, THUMB_LEAST_MV)
    x = np.linspace(0, width, values.shape[1])
    return [
        "M" + "L".join(f"{a:.0f} {b:.1f}" for a, b in zip(x, y))
        for y in height / 2 - (values - middle) / span * height
    ]


def _bars(times_s, duration_s):
    """When over the recording beats come, as the path of a small histogram."""
    width, height = BARS_PX
    counts, _ = np.histogram(times_s, BARS, (0, duration_s))
    x, wide = np.arange(BARS) * width / BARS, width / BARS
    tall = np.where(counts, 2 + (height - 2) * counts / max(counts.max(), 1), 0)
    return "".join(
        f"M{a:.1f} {height}v-{b:.1f}h{wide - 0.6:.1f}v{b:.1f}z" for a, b in zip(x, tall) if b
    )


# ---------------------------------------------------------------------- what the page draws itself


def _data(findings, cluster_pictures, with_trace, telling, pause_s):
    """What the page draws from, as short as it goes: numbers in base64."""
    table, start = findings.table, findings.summary["recording"]["start"]
    rarity = -np.log10(np.maximum(table["tail_probability"], NO_RARER))
    highest = rarity.max() if len(rarity) else 0.0
    rarest = float(np.clip(np.ceil(highest / 2) * 2, COMMONEST_TOP, RAREST))
    return {
        "name": findings.source.name,
        "own": float(findings.source.ratio),  # samples at fs for one of the recording's own
        "ownHz": float(findings.source.fs_hz),
        "start": start and _seconds_of_day(start),
        "kind": _pack(table["kind"].map(corrections.KINDS.index), "u1"),
        "doubtful": _pack(table["doubtful"], "u1"),
        "notes": [note for note in outputs.other_annotations(findings, ()) if note[1] in '"~'],
        "episodes": [[e.code, e.start, e.end, e.beats] for e in findings.episodes],
        "rhythms": {code: [said, _colour(code)] for code, said in episodes.MEANINGS.items()},
        "noBand": NO_BAND,
        "rhythm": RHYTHM,
        "gaps": findings.gaps,
        "summary": {k: v for k, v in findings.summary.items() if k not in ("episodes", "alarms")},
        "enough": words.ENOUGH_S,
        "pause": pause_s,
        "shapes": len(findings.clusters),
        "fs": FS_HZ,
        "duration": findings.source.duration_s,
        "rarest": rarest,
        "level": float(-np.log10(findings.patient_threshold.rate)),
        "sample": _pack(table["sample"], "<u4"),
        "rarity": _pack(np.clip(rarity, 0, rarest) * 1000, "<u2"),
        "rr": _pack(np.nan_to_num(table["rr_s"]) * 1000, "<u2"),
        "cluster": _pack(table["cluster"], "<i2"),
        "bad": [
            [round(stretch.start / FS_HZ, 2), round(stretch.end / FS_HZ, 2), stretch.reason]
            for stretch in findings.unreadable
        ],
        "trace": trace.about(findings.source, with_trace),
        "telling": [[at_s, _pack(values, "<i2")] for _, at_s, values in telling],
        "step": MV_PER_STEP,
        "before": BEFORE,
        "window": WINDOW,
        "contour": style.CONTOUR_SD,
        "scale": style.ERROR_SCALE[1],
        "colours": _colours(),
        "clusters": [
            _cluster(cluster, picture)
            for cluster, picture in zip(findings.clusters, cluster_pictures)
        ],
    }


def _colour(code):
    return BAND_COLOURS.get(code, "s" if code in episodes.SUPRAVENTRICULAR_CODES else "v")


def _cluster(cluster, picture):
    error = np.clip(picture.error / style.ERROR_SCALE[1] * 255, 0, 255)
    error = error if error.ndim == 2 else error[None]
    return {
        "beat": _pack_mv(picture.beat_mv),
        "generated": None if picture.generated_mv is None else _pack_mv(picture.generated_mv),
        "error": _pack(error, "u1"),
        "rows": error.shape[0],
        "columns": error.shape[1],
        "hz": float(spectrogram.axes(picture.setting)[1][-1]) if error.shape[0] > 1 else None,
        "examples": [
            {"t": round(example.sample / FS_HZ, 3), "score": round(example.score, 2)}
            for example in sorted(cluster.examples.values(), key=lambda example: example.sample)
        ],
    }


def _colours():
    """The figures' error colours, 256 x 3 bytes: a table, as matplotlib is slow to load."""
    table = np.loadtxt(TEMPLATES / f"{style.ERROR_COLOURS}.csv", delimiter=",", skiprows=1)
    return _pack(table, "u1")


def _seconds_of_day(start):
    at = pages.moment(start)
    return 3600 * at.hour + 60 * at.minute + at.second


def _pack(values, dtype):
    return base64.b64encode(np.round(np.asarray(values)).astype(dtype).tobytes()).decode()


def _pack_mv(values_mv):
    """Traces as 16-bit steps of MV_PER_STEP, -32768 where there is nothing."""
    steps = np.clip(np.asarray(values_mv) / MV_PER_STEP, -32767, 32767)
    return _pack(np.where(np.isfinite(steps), steps, -32768), "<i2")
