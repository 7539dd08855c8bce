"""The page of a screened recording: one HTML file that needs nothing else, and the words that describe its groups."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from experiments.reports import pages, scale
from experiments.screening.clusters import EARLY, LATE, STRIP_HZ, STRIP_S
from preprocess import spectrogram
from preprocess.beats import BEFORE, WINDOW, Beats
from preprocess.records import FS_HZ

MOST_ROWS = 40  # groups with a row of their own
MOST_STRIPS = 30  # unreadable stretches shown
BINS = 60  # over the recording, in a group's row
RAREST = 8.0  # scores rarer than one normal beat in 10 ** RAREST are drawn there
REGIONS = (
    ("what precedes P", -0.39, -0.25),
    ("P wave", -0.25, -0.06),
    ("QRS", -0.06, 0.10),
    ("ST and T", 0.10, 0.50),
)
MV_PER_STEP = 0.005  # of traces in the page


@dataclass
class Panel:
    """What stands for a group: the example nearest to its mean. error: (F, T) or (320,) in standard deviations."""

    beat_mv: np.ndarray
    generated_mv: np.ndarray | None
    error: np.ndarray
    setting: str


def panels(groups, detector, usual_mv):
    """Of each group, its most typical example, the normal beat generated in its place, and the error map. usual_mv:
    (320,), the recording's usual beat."""
    if not groups:
        return []
    typical = [
        min(g.examples.values(), key=lambda e: np.square(e.beat_mv - g.mean_mv).sum())
        for g in groups
    ]
    n, image = (
        len(typical),
        None if typical[0].image is None else np.stack([e.image for e in typical]),
    )
    beats = Beats(
        image,
        np.stack([e.beat_mv for e in typical]),
        np.full(n, "shown"),
        np.array([e.sample for e in typical]),
        np.stack([e.rr_s for e in typical]),
        usual_mv=np.tile(usual_mv.astype(np.float32), (n, 1)),
    )
    errors, generated = detector.errors(beats)[0], detector.generate(beats)
    if generated is not None and generated.ndim == 4:
        generated = (
            spectrogram.invert(torch.as_tensor(generated), torch.as_tensor(beats.beat_mv)).numpy()
            if detector.image == "complex"
            else None
        )
    return [
        Panel(
            beats.beat_mv[i],
            None if generated is None else generated[i],
            errors[i].max(0) if errors[i].ndim == 3 else errors[i],
            detector.image or "complex",
        )
        for i in range(n)
    ]


def describe(findings, index):
    """A group in a few words: when its beats come, and where in the beat they differ."""
    group, _ = findings.groups[index]
    rows = findings.table[findings.table["group"] == index]
    relative = (
        float(np.nanmedian(rows["rr_s"] / rows["rr_usual_s"]))
        if rows["rr_s"].notna().any()
        else float("nan")
    )
    when = "early" if relative < EARLY else "late" if relative > LATE else "on time"
    if np.isfinite(relative):
        when += f" ({100 * relative:.0f} % of the usual RR)"
    place = _place(*rows[["span_start_s", "span_end_s"]].median())
    return f"{'usual' if group.timing else 'other'} shape, {when}; differs {place}"


def _place(start_s, end_s):
    """A span from the R peak as the parts of the beat of which it takes more than half, or else the most."""
    if np.isnan(start_s):
        return "nowhere in particular"
    shares = [
        max(0, min(end_s, high) - max(start_s, low)) / (high - low) for _, low, high in REGIONS
    ]
    parts = [name for (name, *_), share in zip(REGIONS, shares) if share > 0.5] or [
        REGIONS[int(np.argmax(shares))][0]
    ]
    *others, last = parts
    return (
        "in all of the beat"
        if len(parts) == len(REGIONS)
        else f"in {', '.join(others)} and {last}"
        if others
        else f"in {last}"
    )


def usual_rr_s(table):
    """(n,): around each beat, the median RR interval between two unremarkable beats: what a minute of ectopics leaves."""
    calm = (
        (table["group"] < 0) & (table["group"].shift(1, fill_value=0) < 0) & table["rr_s"].notna()
    )
    if calm.sum() < 5:
        return table["rr_local_s"].to_numpy()
    median_s = table["rr_s"][calm].rolling(15, center=True, min_periods=1).median()
    return np.interp(table["sample"], table["sample"][calm], median_s)


def clock(seconds):
    """Time from the start as h:mm:ss."""
    seconds = int(seconds)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def render(findings):
    """Findings to the page."""
    source, table, flagged = findings.source, findings.table, findings.flagged
    readable_h = (source.duration_s - findings.unreadable_s) / 3600
    rare = [f"{n:,} alike" if n > 1 else "1 beat" for n in (g.count for g, _ in findings.groups)]
    beyond = findings.groups[MOST_ROWS:]
    rows = [
        {
            "number": i + 1,
            "count": group.count,
            "alike": rare[i],
            "text": describe(findings, i),
            "share": group.count / len(table),
            "thumb": _paths(group.mean_mv, findings.alarm.usual_mv),
            "bars": _bars(findings, i),
            "score": float(table["score"][table["group"] == i].median()),
            "first": clock(table["sample"][table["group"] == i].min() / FS_HZ),
            "last": clock(table["sample"][table["group"] == i].max() / FS_HZ),
        }
        for i, (group, _) in enumerate(findings.groups[:MOST_ROWS])
    ]
    rates = _rates_per_min(table)
    facts = {
        "name": source.name,
        "lead": source.lead,
        "leads": source.leads,
        "fs_hz": source.fs_hz,
        "duration": clock(source.duration_s),
        "beats": len(table),
        "rate": findings.rate_per_min,
        "slowest": rates.min(),
        "fastest": rates.max(),
        "flagged": int(flagged.sum()),
        "per_hour": flagged.sum() / readable_h,
        "shapes": len(findings.groups),
        "unreadable": findings.unreadable_s / source.duration_s,
        "bad": _bad_rows(findings),
        "threshold": findings.alarm.threshold,
        "one_in": 1 / findings.alarm.rate,
        "alarms": findings.alarm.per_hour,
        "context": findings.context,
        "model": findings.checkpoint.model,
        "trained_on": findings.checkpoint.source,
        "calibration": _calibration(findings),
        "peaks": f"annotation file {findings.opt.annotator}"
        if findings.opt.annotator
        else "detected",
        "beyond": (len(beyond), sum(group.count for group, _ in beyond)),
    }
    template = pages.environment(Path(__file__).parent / "templates").get_template("screen.html")
    data = json.dumps(_data(findings), separators=(",", ":")).replace("<", "\\u003c")
    return template.render(f=facts, rows=rows, data=data)


def _calibration(findings):
    own = "its own calm beats, half an hour at a time; " if findings.context == "record" else ""
    if findings.opt.known_normal:
        return own + "minutes {:g} to {:g}, known to be normal".format(*findings.opt.known_normal)
    return own + f"the first {findings.opt.calibration_minutes:g} readable minutes"


def _rates_per_min(table):
    """Median heart rate of each minute that has beats enough."""
    minute = (table["sample"] // (60 * FS_HZ)).to_numpy()
    per_minute = (60 / table["rr_s"]).groupby(minute).agg(["median", "count"])
    enough = per_minute["median"][per_minute["count"] >= 10].dropna()
    return enough if len(enough) else 60 / table["rr_s"].dropna()


def _bad_rows(findings):
    return {
        "n": len(findings.bad),
        "rows": [
            {
                "at": clock(start / FS_HZ),
                "start": start / FS_HZ,
                "long": (end - start) / FS_HZ,
                "reason": reason,
            }
            for start, end, reason, _ in _longest(findings.bad)
        ],
    }


def _longest(bad):
    """The MOST_STRIPS longest unreadable stretches, in the order of time."""
    return sorted(sorted(bad, key=lambda b: b[0] - b[1])[:MOST_STRIPS], key=lambda b: b[0])


def _data(findings):
    """What the page draws from, as short as it goes: numbers in base64."""
    table, alarm = findings.table, findings.alarm
    rarity = -np.log10(np.maximum(table["tail_probability"], 1e-30))
    rarest = float(np.clip(np.ceil(rarity.max() / 2) * 2, 4, RAREST))  # the axis ends there
    rarity = np.clip(rarity, 0, rarest)
    return {
        "fs": FS_HZ,
        "duration": findings.source.duration_s,
        "rarest": rarest,
        "level": float(-np.log10(alarm.rate)),
        "sample": _pack(table["sample"], "<u4"),
        "rarity": _pack(rarity * 1000, "<u2"),
        "rr": _pack(np.nan_to_num(table["rr_s"]) * 1000, "<u2"),
        "group": _pack(table["group"], "<i2"),
        "bad": [
            [round(a / FS_HZ, 2), round(b / FS_HZ, 2), reason] for a, b, reason, _ in findings.bad
        ],
        "badStrips": [_pack_mv(strip) for *_, strip in _longest(findings.bad)],
        "strip": {"seconds": STRIP_S, "hz": STRIP_HZ},
        "step": MV_PER_STEP,
        "before": BEFORE,
        "window": WINDOW,
        "contour": scale.CONTOUR_SD,
        "scale": scale.ERROR_SCALE[1],
        "colours": _colours(),
        "groups": [
            _group(group, shown) for (group, _), shown in zip(findings.groups, findings.panels)
        ],
    }


def _group(group, shown):
    error = np.clip(shown.error / scale.ERROR_SCALE[1] * 255, 0, 255)
    error = error if error.ndim == 2 else error[None]
    return {
        "beat": _pack_mv(shown.beat_mv),
        "generated": None if shown.generated_mv is None else _pack_mv(shown.generated_mv),
        "error": _pack(error, "u1"),
        "rows": error.shape[0],
        "columns": error.shape[1],
        "hz": float(spectrogram.axes(shown.setting)[1][-1]) if error.shape[0] > 1 else None,
        "examples": [
            {
                "t": round(e.sample / FS_HZ, 3),
                "score": round(e.score, 2),
                "strip": _pack_mv(e.strip_mv),
            }
            for e in sorted(group.examples.values(), key=lambda e: e.sample)
        ],
    }


def _colours():
    """The figures' error colours, 256 x 3 bytes."""
    from matplotlib import colormaps

    return _pack(colormaps[scale.ERROR_COLOURS](np.arange(256))[:, :3] * 255, "u1")


def _pack(values, dtype):
    return base64.b64encode(np.round(np.asarray(values)).astype(dtype).tobytes()).decode()


def _pack_mv(values_mv):
    """Traces as 16-bit steps of MV_PER_STEP, -32768 where there is nothing."""
    steps = np.clip(np.asarray(values_mv) / MV_PER_STEP, -32767, 32767)
    return _pack(np.where(np.isfinite(steps), steps, -32768), "<i2")


def _paths(*beats_mv, width=120, height=44, step=4):
    """Beats as the paths of one thumbnail, 1.5 mV high at least."""
    values = np.stack(beats_mv)[:, ::step]
    middle, span = (values.max() + values.min()) / 2, max(np.ptp(values) * 1.1, 1.5)
    x = np.linspace(0, width, values.shape[1])
    return [
        "M" + "L".join(f"{a:.0f} {b:.1f}" for a, b in zip(x, y))
        for y in height / 2 - (values - middle) / span * height
    ]


def _bars(findings, index, width=180, height=24):
    """When over the recording a group's beats come, as the path of a small histogram."""
    at = findings.table["sample"][findings.table["group"] == index] / FS_HZ
    counts, _ = np.histogram(at, BINS, (0, findings.source.duration_s))
    x, wide = np.arange(BINS) * width / BINS, width / BINS
    tall = np.where(counts, 2 + (height - 2) * counts / max(counts.max(), 1), 0)
    return "".join(
        f"M{a:.1f} {height}v-{b:.1f}h{wide - 0.6:.1f}v{b:.1f}z" for a, b in zip(x, tall) if b
    )
