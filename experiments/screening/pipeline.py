"""Screen a recording that nobody has looked at: hours of ECG in, the few beats worth a look out.

A recording is taken in blocks of half an hour, so that a day needs no more memory than an hour:

    source -> readable stretches -> R peaks -> beats -> scores -> threshold -> where -> groups of alike beats -> outputs
"""

import ctypes
import os
import shutil
import sys
import tempfile
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import wfdb
from tqdm import tqdm

from experiments.reports.scale import CONTOUR_SD
from experiments.screening import page as screen_page
from experiments.screening.clusters import Example, Shapes, strip, timing_of
from experiments.training import checkpoint as checkpoints
from experiments.training.device import find_device
from experiments.training.scoring import usable_context
from preprocess import BadInput, quality, rpeaks, spectrogram
from preprocess import beats as beat_windows
from preprocess import formats as sources
from preprocess.beats import AFTER, BEFORE, Beats
from preprocess.classes import CLASS_OF
from preprocess.records import FS_HZ
from preprocess.spectrogram import CHUNK

WEIGHTS = Path(__file__).parents[1] / "weights/b2igan.pt"  # see the model card beside it
BLOCK_S, MARGIN_S, MOST_WORKERS = 1800.0, 30.0, 4
OUTPUTS = (".b2i", ".csv", ".html")
M_ARENA_MAX = -8  # of mallopt(3)
SHORTEST_S, FEWEST_BEATS = 10.0, 5
HEART_RATES_PER_MIN = (15, 300)  # outside, a recording's sampling rate must be wrong
LARGEST_MV = 50.0
CALM = 0.1  # share of the first minutes' beats that are taken for normal, whatever else is in them
TAIL = 0.02  # share of held-out normal beats whose scores shape the tail beyond the last of them
NORMAL, FLAGGED, QUALITY, NOTE = (
    "N",
    "Q",
    "~",
    '"',
)  # WFDB codes: unremarkable, unclassified, quality changes, note


def screen_all(opt):
    """Screen every recording of opt.screen. One that cannot be read does not stop the others; BadInput names them at the
    end. Two of one name would overwrite each other's outputs: BadInput before anything is read."""
    ask_allocator(
        "mallopt", M_ARENA_MAX, 1
    )  # each thread has a heap of its own: what it freed others cannot use
    checkpoint = checkpoints.load(opt.checkpoint or WEIGHTS)
    detector = checkpoint.detector(find_device(opt.device))
    paths, failures = [], []
    for path in opt.screen:
        try:
            paths += sources.find(path)
        except BadInput as error:
            failures.append(str(error))
    asked = len(paths) + len(failures)
    twice = [
        name for name, count in Counter(Path(path).stem for path in paths).items() if count > 1
    ]
    if twice:
        raise BadInput(
            f"two recordings are called {twice[0]}, and so would be their outputs: screen them one at a time, "
            "each with its own --outf"
        )
    for path in paths:
        try:
            print(screen(path, checkpoint, detector, opt).text(), flush=True)
        except BadInput as error:
            failures.append(str(error))
        except OSError as error:
            failures.append(
                f"{path}: {error.strerror or error} ({opt.outf}); earlier outputs are as they were"
            )
        except KeyboardInterrupt:
            raise BadInput(f"interrupted at {path}; earlier outputs are as they were") from None
    if asked == 1 and failures:
        raise BadInput(failures[0])
    if failures:
        raise BadInput(
            f"{len(failures)} of {asked} recordings could not be screened:\n  "
            + "\n  ".join(failures)
        )


def screen(path, checkpoint, detector, opt):
    """Screen one recording and write NAME.b2i, NAME.csv and NAME.html to opt.outf; returns its Findings."""
    source = sources.open_source(
        path, opt.lead, opt.fs, opt.units, likely=checkpoint.settings["lead"]
    )
    if any(
        (Path(opt.outf) / (source.name + ending)).resolve() == source.path.resolve()
        for ending in OUTPUTS
    ):
        raise BadInput(
            f"{source.path} would be overwritten by its own results: give another --outf"
        )
    if source.duration_s < SHORTEST_S:
        raise BadInput(
            f"{source.path} is {source.duration_s:.1f} s long; {SHORTEST_S:g} s are needed at least"
        )
    print(
        f"{source.name}: lead {source.lead}"
        + (f" of {', '.join(source.leads)}" if len(source.leads) > 1 else "")
        + (
            ""
            if opt.lead is not None or len(source.leads) == 1
            else " (choose another with --lead)"
        ),
        flush=True,
    )
    scorer = Scorer(source, checkpoint, detector, opt)
    scorer.alarm = calibrate(scorer, checkpoint.reference[scorer.context], opt)
    findings = Findings(source, checkpoint, opt, scorer.context, scorer.alarm)
    with tqdm(
        total=round(source.duration_s), unit="s", unit_scale=True, desc=f"screening {source.name}"
    ) as bar:
        for block in side_by_side(
            lambda span: scorer.locate(scorer.score(scorer.read(*span))), blocks(source)
        ):
            findings.add(block)
            ask_allocator(
                "malloc_trim", 0
            )  # between the few examples that stay, days of freed arrays would stay too
            bar.update((block.end - block.start) / FS_HZ)
    findings.finish(detector)
    write(findings, Path(opt.outf))
    return findings


def ask_allocator(function, *arguments):
    """Call a function of glibc's allocator, where there is one. Left to itself it keeps what threads free: three days
    would need half a gigabyte more than one."""
    if sys.platform == "linux" and hasattr(system := ctypes.CDLL(None), function):
        getattr(system, function)(*arguments)


def side_by_side(function, items):
    """Results in order, a few items at a time in threads of their own: better than all threads at one item's steps."""
    workers, threads = min(os.cpu_count() or 1, MOST_WORKERS), torch.get_num_threads()
    torch.set_num_threads(max(1, threads // workers))
    ahead, pool = deque(), ThreadPoolExecutor(workers)
    try:
        for item in items:
            ahead.append(pool.submit(function, item))
            if len(ahead) > workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def blocks(source):
    """Equal parts of at most BLOCK_S, as (start, end) in samples at FS_HZ."""
    edges = np.linspace(0, source.length, 1 + int(np.ceil(source.duration_s / BLOCK_S))).astype(int)
    edges[1:-1] -= edges[1:-1] % quality.CELL
    return list(zip(edges[:-1].tolist(), edges[1:].tolist()))


# ------------------------------------------------------------------------------------- signal to scored beats


@dataclass
class Block:
    """A part of a recording with its beats in the order of time. start: its first sample, at FS_HZ, in the recording.

    signal_mv: band-passed, with a margin on both sides that begins at sample `first`; beats.sample counts from the
    recording's start; reason: (end - start,) of quality.REASONS; scores: (n,); flagged: rows above the threshold, found:
    the beats there, the only ones whose images are kept; place: (len(flagged), 4), as from `places`.
    """

    start: int
    end: int
    first: int
    signal_mv: np.ndarray
    reason: np.ndarray
    beats: Beats
    scores: np.ndarray | None = None
    flagged: np.ndarray | None = None
    found: Beats | None = None
    place: np.ndarray | None = None


class Scorer:
    """Reads blocks of one recording and scores their beats."""

    def __init__(self, source, checkpoint, detector, opt):
        self.source, self.detector, self.alarm = source, detector, None
        self.context = usable_context(detector, opt.context)
        if self.context not in checkpoint.reference:
            raise BadInput(
                f"the checkpoint knows no scores of normal beats with context {self.context}: "
                "train it to the end"
            )
        self.annotated = None
        if opt.annotator:
            samples, symbols = source.annotated(opt.annotator)
            self.annotated = np.unique(samples[np.isin(symbols, list(CLASS_OF))])

    def read(self, start, end):
        """Block from start to end: the signal, what of it is readable, and its beats without scores."""
        margin = round(MARGIN_S * FS_HZ)  # a whole number of cells
        first, last = max(0, start - margin), min(self.source.length, end + margin)
        signal_mv, there = self.source.stretch(first, last)
        if (
            np.abs(signal_mv).max() > LARGEST_MV
            and np.median(np.abs(signal_mv - np.median(signal_mv))) > LARGEST_MV / 10
        ):
            raise BadInput(
                f"{self.source.path} reaches {np.abs(signal_mv).max():.0f} mV, which no heart does: "
                "say what its numbers are with --units uV"
            )
        filtered_mv, envelope = beat_windows.bandpass(signal_mv), rpeaks.qrs_envelope(signal_mv)
        reason = quality.unreadable(signal_mv, there, envelope)
        peaks = (
            rpeaks.find(filtered_mv, envelope, reason == 0)
            if self.annotated is None
            else self.annotated[slice(*np.searchsorted(self.annotated, (first, last)))] - first
        )
        return Block(
            start,
            end,
            first,
            filtered_mv,
            reason[start - first : end - first],
            self._beats(filtered_mv, reason, peaks, first),
        )

    def _beats(self, filtered_mv, reason, peaks, first):
        """Beats whose whole window is inside the block with its margins and readable."""
        unreadable_before = np.r_[0, np.cumsum(reason > 0)]
        fits = (peaks >= BEFORE) & (peaks + AFTER < len(filtered_mv))
        peaks = peaks[fits]
        peaks = peaks[unreadable_before[peaks + AFTER] == unreadable_before[peaks - BEFORE]]
        if len(peaks) < 2:
            peaks = peaks[:0]
            rr_s = np.zeros((0, 3), np.float32)
        else:
            rr_s = np.stack(beat_windows.rr_intervals(peaks), 1).astype(np.float32)
            across = (
                np.diff(unreadable_before[peaks]) > 0
            )  # nothing is known of an interval with a gap in it
            rr_s[1:, 0][across] = rr_s[:-1, 1][across] = np.nan
        waves = beat_windows.windows(filtered_mv, peaks)
        return Beats(None, waves, np.full(len(peaks), self.source.name), peaks + first, rr_s)

    def score(self, block):
        """The block with its images and scores; the beats of its margins, there for the context's sake, are left out."""
        beats = block.beats
        if len(beats):
            if self.detector.image:
                beats.image = images(beats.beat_mv, self.detector.image)
            block.scores = self.detector.score(_without_gaps(beats), self.context)
        else:
            block.scores = np.zeros(0)
        own = slice(*np.searchsorted(beats.sample, (block.start, block.end)))
        block.beats, block.scores = beats[own], block.scores[own]
        return block

    def locate(self, block):
        """The block with what is flagged in it, and where."""
        block.flagged = np.flatnonzero(block.scores > self.alarm.threshold)
        block.found, block.beats.image = block.beats[block.flagged], None
        if len(block.flagged):
            calm = block.scores <= np.median(block.scores)
            block.found.usual_mv = np.tile(
                np.median(block.beats.beat_mv[calm], 0), (len(block.flagged), 1)
            )
        block.place = places(self.detector, block.found)
        return block


def images(beats_mv, setting):
    """(n, 320) in mV to images as preprocess keeps them, rounded to half precision."""
    result = np.empty((len(beats_mv), *spectrogram.SETTINGS[setting].shape), np.float32)
    for i in range(0, len(beats_mv), CHUNK):
        result[i : i + CHUNK] = spectrogram.images(beats_mv[i : i + CHUNK], setting).half()
    return result


def _without_gaps(beats):
    """Beats with their RR intervals across unreadable stretches set to the local median, and R peaks to match."""
    local = np.where(
        np.isfinite(beats.rr_s[:, 2:]), beats.rr_s[:, 2:], np.nanmedian(beats.rr_s[:, :2])
    )
    rr_s = np.where(np.isfinite(beats.rr_s), beats.rr_s, local).astype(np.float32)
    sample = beats.sample[0] + np.r_[0, np.cumsum(np.round(rr_s[1:, 0] * FS_HZ))].astype(int)
    return Beats(beats.image, beats.beat_mv, beats.record, sample, rr_s)


# ------------------------------------------------------------------------------------------- scores to alarms


@dataclass
class Alarm:
    """What a score means: quantiles of held-out normal beats' scores, moved to this patient's."""

    quantiles: np.ndarray
    shift: float
    rate: float
    usual_mv: np.ndarray
    per_hour: float | None

    def tail_probability(self, scores):
        """Share of normal beats that score so high; beyond the held-out ones the tail falls exponentially."""
        scores, levels = np.asarray(scores) - self.shift, np.linspace(1, 0, len(self.quantiles))
        start = np.searchsorted(-levels, -TAIL)
        mean_excess = max(float(np.mean(self.quantiles[start:] - self.quantiles[start])), 1e-6)
        beyond = levels[start] * np.exp(-(scores - self.quantiles[start]) / mean_excess)
        return np.where(
            scores > self.quantiles[start], beyond, np.interp(scores, self.quantiles, levels)
        )

    @property
    def threshold(self):
        low, high = (
            self.quantiles[0] + self.shift,
            self.quantiles[-1] + self.shift + 50 * np.ptp(self.quantiles),
        )
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (
                (middle, high) if self.tail_probability(middle) > self.rate else (low, middle)
            )
        return high


def calibrate(scorer, quantiles, opt):
    """The patient's Alarm, from the first minutes, or from a stretch that someone knows to be normal.

    They give the heart rate, by which alarms per hour become a share of beats, and what a beat usually looks like; where
    nothing can be read in the first minutes, the next ones do. The median of a known normal stretch is set to that of
    held-out normal beats. First minutes are nobody's promise, many of their beats may be abnormal: their calmest tenth
    (CALM) stands in, and only where scores have not been measured against the recording's own beats before (context
    record; to do it twice loses a twentieth of the ventricular beats).
    """
    source, known = scorer.source, opt.known_normal is not None
    stretch_s = np.array(opt.known_normal if known else (0, opt.calibration_minutes)) * 60
    start, end = np.minimum(
        np.round(stretch_s * FS_HZ / quality.CELL) * quality.CELL, source.length
    ).astype(int)
    if end - start < SHORTEST_S * FS_HZ:
        raise BadInput(
            f"{source.path} is {source.duration_s / 60:.1f} min long: nothing is left "
            "of the stretch to calibrate on"
        )
    block = scorer.score(scorer.read(int(start), int(end)))
    while not known and len(block.scores) < FEWEST_BEATS and end < source.length:
        start, end = end, min(2 * end - start, source.length)
        block = scorer.score(scorer.read(int(start), int(end)))
    quantiles = np.asarray(quantiles, float)
    at = 0.5 if known else CALM
    moves = (known or scorer.context != "record") and len(block.scores) >= FEWEST_BEATS
    shift = float(np.quantile(block.scores, at) - np.quantile(quantiles, at)) if moves else 0.0
    beats_per_hour = (
        3600 / float(np.nanmedian(block.beats.rr_s[:, 0])) if len(block.beats) > 1 else 4500
    )
    rate = opt.false_alarm_rate or min(opt.false_alarms_per_hour / beats_per_hour, 0.5)
    calm = block.scores <= np.median(block.scores) if len(block.scores) else slice(None)
    usual = (
        np.median(block.beats.beat_mv[calm], 0) if len(block.beats) else np.zeros(BEFORE + AFTER)
    )
    return Alarm(
        quantiles, shift, rate, usual, None if opt.false_alarm_rate else opt.false_alarms_per_hour
    )


def places(detector, beats):
    """Beats to (n, 4): start and end in s from R of where they are abnormal, lowest and highest Hz (NaN without)."""
    if not len(beats):
        return np.full((0, 4), np.nan)
    errors, over_time = detector.errors(beats)
    result = where(errors, detector.image)
    for row, spans in enumerate(detector.segments(over_time)):
        if spans:
            result[row, :2] = max(spans, key=lambda span: span[1] - span[0])
    return result


def where(errors, setting="complex"):
    """Error maps (n, channels, F, T) of images of a setting, or (n, 320), to (n, 4): start and end in s from R, lowest and
    highest Hz (NaN without).

    The stretch around the largest error in which it stays above CONTOUR_SD, or above half of the largest if that is less.
    """
    if errors.ndim == 2:
        times_s, freqs_hz, errors = (
            (np.arange(errors.shape[1]) - BEFORE) / FS_HZ,
            None,
            errors[:, None],
        )
    else:
        (times_s, freqs_hz), errors = spectrogram.axes(setting), errors.max(1)
    half_s = (times_s[1] - times_s[0]) / 2
    result = np.full((len(errors), 4), np.nan)
    for i, error in enumerate(errors):
        if error.max() <= 0:  # the rhythm may be all that is wrong
            continue
        level = min(CONTOUR_SD, error.max() / 2)
        first, last = _run(error.max(0) > level, error.max(0).argmax())
        result[i, :2] = times_s[first] - half_s, times_s[last] + half_s
        if freqs_hz is not None:
            rows = error[:, first : last + 1].max(1)
            low, high = _run(rows > level, rows.argmax())
            result[i, 2:] = freqs_hz[low], freqs_hz[high]
    return result


def _run(marked, at):
    """First and last index of the unbroken run of True around `at`."""
    gaps = np.flatnonzero(~marked)
    place = np.searchsorted(gaps, at)
    return (gaps[place - 1] + 1 if place else 0), (
        gaps[place] - 1 if place < len(gaps) else len(marked) - 1
    )


# ---------------------------------------------------------------------------------------------- what was found


class Findings:
    """Everything that the outputs tell of a recording: some bytes a beat, and a few examples of each group."""

    def __init__(self, source, checkpoint, opt, context, alarm):
        self.source, self.checkpoint, self.opt, self.context, self.alarm = (
            source,
            checkpoint,
            opt,
            context,
            alarm,
        )
        self.shapes, self.tables, self.bad = Shapes(alarm.usual_mv), [], []

    def add(self, block):
        """Groups the flagged beats of a block, and keeps what the outputs need of it."""
        beats, flagged = block.beats, block.flagged
        self.bad += _stretches(
            block.reason, block.start, block.signal_mv, block.start - block.first
        )
        place, group = (
            np.full((len(beats), 4), np.nan, np.float32),
            np.full(len(beats), -1, np.int16),
        )
        place[flagged] = block.place
        if len(flagged):
            group[flagged] = self._group(block)
        self.tables.append(
            pd.DataFrame(
                {
                    "sample": beats.sample,
                    "rr_s": beats.rr_s[:, 0],
                    "rr_local_s": beats.rr_s[:, 2],
                    "score": block.scores.astype(np.float32),
                    "group": group,
                    "span_start_s": place[:, 0],
                    "span_end_s": place[:, 1],
                    "band_low_hz": place[:, 2],
                    "band_high_hz": place[:, 3],
                }
            )
        )

    def _group(self, block):
        """Group of each flagged beat, some of which are kept as its examples."""
        beats, scores = block.found, block.scores[block.flagged]
        group = self.shapes.add(beats.beat_mv, timing_of(beats.rr_s[:, 0], beats.rr_s[:, 2]))
        for row in self.shapes.worth_keeping(beats.sample, group):
            sample = int(beats.sample[row])
            self.shapes.keep(
                group[row],
                Example(
                    sample,
                    float(scores[row]),
                    beats.beat_mv[row].copy(),
                    None if beats.image is None else beats.image[row].copy(),
                    beats.rr_s[row].copy(),
                    strip(block.signal_mv, sample - block.first),
                ),
            )
        return group

    def finish(self, detector):
        """Puts the blocks together. Raises BadInput when there is nothing to tell."""
        table = self.table = pd.concat(self.tables, ignore_index=True)
        self.tables, self.bad = None, _joined(self.bad)
        self.unreadable_s = sum(end - start for start, end, *_ in self.bad) / FS_HZ
        name, minutes = self.source.path, self.source.duration_s / 60
        if self.unreadable_s > 0.99 * self.source.duration_s:
            raise BadInput(
                f"{name} is unreadable throughout ({self.bad[0][2]}): choose another --lead"
            )
        if len(table) < FEWEST_BEATS:
            raise BadInput(
                f"no R peaks were found in {name} ({len(table)} in {minutes:.1f} min): is lead "
                f"{self.source.lead} an ECG?"
            )
        self.rate_per_min = 60 / float(np.nanmedian(table["rr_s"]))
        if not HEART_RATES_PER_MIN[0] < self.rate_per_min < HEART_RATES_PER_MIN[1]:
            raise BadInput(
                f"{name} would have {self.rate_per_min:.0f} beats a minute: is its sampling rate really "
                f"{self.source.fs_hz:g} Hz (--fs)?"
            )
        table["tail_probability"] = self.alarm.tail_probability(table["score"]).astype(np.float32)
        self.groups = self.shapes.merged()
        number = np.full(len(self.shapes.groups) + 1, -1)
        for rank, (_, members) in enumerate(self.groups):
            number[list(members)] = rank
        table["group"] = number[table["group"]].astype(np.int16)
        table["rr_usual_s"] = screen_page.usual_rr_s(table)
        self.panels = screen_page.panels(
            [group for group, _ in self.groups[: screen_page.MOST_ROWS]],
            detector,
            self.alarm.usual_mv,
        )

    @property
    def flagged(self):
        return self.table["group"].to_numpy() >= 0

    def text(self):
        """The plain summary for the terminal."""
        table, hours = self.table, (self.source.duration_s - self.unreadable_s) / 3600
        lines = [
            f"  {screen_page.clock(self.source.duration_s)} long, {len(table)} beats, "
            f"{self.rate_per_min:.0f} a minute, {100 * self.unreadable_s / self.source.duration_s:.1f} % unreadable",
            f"  {self.flagged.sum()} beats to look at ({self.flagged.sum() / hours:.0f} an hour), "
            f"in {len(self.groups)} shapes",
        ]
        for number, (group, _) in enumerate(self.groups[:5], 1):
            lines.append(
                f"    {group.count:6d}  shape {number}: {screen_page.describe(self, number - 1)}"
            )
        if len(self.groups) > 5:
            lines.append(
                f"    {sum(g.count for g, _ in self.groups[5:]):6d}  in {len(self.groups) - 5} more"
            )
        return "\n".join([*lines, f"  {Path(self.opt.outf) / self.source.name}.html  .csv  .b2i"])


def _stretches(reason, start, signal_mv, offset):
    """Runs of one reason as [start, end, reason, strip] in samples of the recording."""
    edges = np.flatnonzero(np.diff(reason, prepend=0, append=0) != 0)
    return [
        [
            start + int(a),
            start + int(b),
            quality.REASONS[reason[a]],
            strip(signal_mv, offset + int(a + b) // 2),
        ]
        for a, b in zip(edges[:-1], edges[1:])
        if reason[a]
    ]


def _joined(stretches, gap_s=2.0):
    """Stretches with less than gap_s between them as one, which keeps the longer one's reason."""
    result = []
    for stretch in stretches:
        if result and stretch[0] - result[-1][1] < gap_s * FS_HZ:
            last = result[-1]
            if stretch[1] - stretch[0] > last[1] - last[0]:
                last[2:] = stretch[2:]
            last[1] = stretch[1]
        else:
            result.append(list(stretch))
    return result


# ------------------------------------------------------------------------------------------------------ outputs


def write(findings, folder):
    """NAME.b2i, NAME.csv and NAME.html: all or none, whatever happens on the way."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".screening-", dir=folder) as part:
        name, part = findings.source.name, Path(part)
        write_annotations(findings, part / f"{name}.b2i")
        write_table(findings, part / f"{name}.csv")
        (part / f"{name}.html").write_text(screen_page.render(findings), encoding="utf-8")
        for file in sorted(part.iterdir()):
            os.replace(file, folder / file.name)


def write_table(findings, path):
    """Every beat, one a row; times in s from the start, samples as in the recording itself."""
    table, source = findings.table, findings.source
    group = table["group"].to_numpy()
    pd.DataFrame(
        {
            "sample": source.to_own_sample(table["sample"]),
            "time_s": _decimals(table["sample"] / FS_HZ),
            "rr_s": _decimals(table["rr_s"]),
            "score": _decimals(table["score"], 4),
            "tail_probability": [f"{p:.3g}" for p in table["tail_probability"].tolist()],
            "flagged": (group >= 0).astype(int),
            "shape": np.where(group >= 0, (group + 1).astype(str), ""),
            **{
                name: _decimals(table[name])
                for name in ("span_start_s", "span_end_s", "band_low_hz", "band_high_hz")
            },
        }
    ).to_csv(path, index=False)


def _decimals(values, digits=3):
    """Numbers as text, nothing for NaN: four times as fast as pandas, for a day's beats a second."""
    rounded = np.round(values.to_numpy(float), digits) + 0.0  # no -0
    result, given = np.full(len(rounded), "", object), np.isfinite(rounded)
    result[given] = [f"{value:.{digits}f}" for value in rounded[given].tolist()]
    return result


def _place_in_words(start_s, end_s, low_hz, high_hz):
    span = "" if np.isnan(start_s) else f" span {start_s:+.3f}..{end_s:+.3f} s"
    return span + ("" if np.isnan(low_hz) else f" band {low_hz:.0f}..{high_hz:.0f} Hz")


def write_annotations(findings, path):
    """A WFDB annotation file: N for unremarkable beats, Q for those to look at (score, span, band and shape in the aux
    field), ~ where the signal becomes unreadable and readable again, and a note at the start."""
    table, source, flagged = findings.table, findings.source, findings.flagged
    notes = np.full(len(table), "", object)
    columns = table.loc[
        flagged,
        [
            "score",
            "tail_probability",
            "span_start_s",
            "span_end_s",
            "band_low_hz",
            "band_high_hz",
            "group",
        ],
    ]
    notes[flagged] = [
        f"score {s:.2f} p {p:.1g}{_place_in_words(*place)} shape {g + 1:.0f}"
        for s, p, *place, g in columns.itertuples(index=False)
    ]
    rows = [(source.to_own_sample(table["sample"]), np.where(flagged, FLAGGED, NORMAL), notes)]
    rows.append(
        (
            np.zeros(1, int),
            np.array([NOTE]),
            np.array(
                [f"B2I-GAN lead {source.lead}: Q beats score above {findings.alarm.threshold:.2f}"],
                object,
            ),
        )
    )
    for start, end, reason, _ in findings.bad:
        rows.append(
            (
                source.to_own_sample([start, end]),
                np.array([QUALITY] * 2),
                np.array([f"unreadable: {reason}", "readable"], object),
            )
        )
    samples, symbols, notes = (np.concatenate(column) for column in zip(*rows))
    order = np.argsort(samples, kind="stable")
    plain = path.parent / "x"
    wfdb.wrann(
        "x",
        "ann",
        samples[order],
        symbol=symbols[order].tolist(),
        fs=source.fs_hz,
        aux_note=notes[order].tolist(),
        write_dir=str(path.parent),
    )
    shutil.move(plain.with_suffix(".ann"), path)
