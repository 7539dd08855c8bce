"""Rhythms that screening finds against what annotators wrote, and signals without any rhythm.

Of MIT-BIH, per DS1, DS2 and all records: fibrillation by duration against rhythm annotations; runs,
couplets, bigeminy, trigeminy and pauses against those that the same definitions make of annotated
beats. Runs, couplets and pauses are counted (one is found where one of its kind overlaps it), the
others are compared by duration. Of cudb: seconds of ventricular fibrillation that are flagged. Of
MIT-BIH and other databases without it: false alarms a day. With noise added: what is unreadable.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import wfdb
from tqdm import tqdm

import options
from experiments.noise import in_noise, read_noise, with_noise
from experiments.screening import pipeline
from experiments.screening.blocks import Reader, spans
from experiments.screening.corrections import merged
from experiments.screening.rhythm import episodes as rhythm
from experiments.screening.screener import Screener, SignalSource
from experiments.screening.shipped import WEIGHTS
from experiments.training.checkpoint import open_detector
from experiments.training.protocols import DS2
from preprocess.classes import labelled
from preprocess.constants import FS_HZ, LIKELY
from preprocess.files import write_text
from preprocess.readers import wfdb as records
from preprocess.signal import quality

COUNTED_EPISODES = {
    "V runs": (rhythm.VT, rhythm.SLOW_RUN),
    "V couplets": (rhythm.COUPLET,),
    "S runs": (rhythm.SVTA, rhythm.SLOW_S_RUN),
    "S couplets": (rhythm.S_COUPLET,),
    "pauses": (rhythm.PAUSE,),
}
TIMED = {
    "V bigeminy": (rhythm.BIGEMINY,),
    "V trigeminy": (rhythm.TRIGEMINY,),
    "fibrillation": (rhythm.FIBRILLATION, rhythm.SHORT_FIBRILLATION),
}
ALARM_CODES = (rhythm.VENTRICULAR_FIBRILLATION, rhythm.ASYSTOLE)
VF_NOTES = ("(VF", "(VFL", "(VFIB")
FIBRILLATION_NOTES = ("(AFIB", "(AFL")  # annotators' rhythms that screening calls (AFIB
STEP = FS_HZ // 10  # in which durations are compared
NEAR_S = 1.0  # of the middle of a second: a flagged beat so near makes a reader look
DAY_S = 24 * 3600
NOISE_DB = -6


class Annotated(NamedTuple):
    """length: samples at FS_HZ; lost: [(start, end), ...] annotated ventricular fibrillation;
    kinds: of its beats."""

    length: int
    episodes: list
    lost: list
    kinds: np.ndarray


def main(argv=None):
    """Prints and writes the table of all that was asked for; returns it."""
    opt = parse(argv)
    checkpoint, detector = open_detector(opt.checkpoint or WEIGHTS, opt.device)
    screener = Screener.of(checkpoint, detector, opt)

    def compared(folder):
        """Records, what annotators wrote of each, what is found in each."""
        paths = sorted(path.with_suffix("") for path in Path(folder).glob("*.hea"))
        truths = [annotated(path) for path in paths]
        bar = tqdm(paths, unit="record", disable=None)
        sources = (pipeline.opened(path, checkpoint, opt) for path in bar)
        return paths, truths, [findings(screener, source) for source in sources]

    rows, alarm_rows = [], []
    if opt.records:
        paths, truths, found = compared(opt.records)
        names = np.array([path.name for path in paths])
        unpaced = ~np.isin(names, records.PACED)
        groups = {
            "DS1": unpaced & ~np.isin(names, DS2),
            "DS2": np.isin(names, DS2),
            "all": np.ones(len(names), bool),
        }
        for group, chosen in groups.items():
            pairs = [(truths[i], found[i]) for i in np.flatnonzero(chosen)]
            rows += [counted(group, name, codes, pairs) for name, codes in COUNTED_EPISODES.items()]
            rows += [timed(group, name, codes, pairs) for name, codes in TIMED.items()]
        alarm_rows.append(false_alarms("MIT-BIH", truths, found))
    for folder in opt.without_vf or []:
        _, truths, found = compared(folder)
        alarm_rows.append(false_alarms(Path(folder).name, truths, found))
    if opt.vf:
        _, truths, found = compared(opt.vf)
        alarm_rows += vf_seconds(Path(opt.vf).name, truths, found)
    if opt.noise:
        alarm_rows += unreadable_in_noise(Path(opt.records), Path(opt.noise))
    return printed(rows, alarm_rows, opt.outf)


def parse(argv):
    made = options.study(
        "rhythms",
        "Hold rhythm episodes, alarms and what is unreadable against annotations and added noise; "
        "two tables, rhythms.csv and alarms.csv.",
        "--records /data/mitdb --vf /data/cudb",
        groups="weights outf device context screening",
    )
    options.add_records(made, required=False)
    add, without = made.add_argument, "databases without ventricular fibrillation"
    add("--without-vf", nargs="+", metavar="DIR", help=without)
    add("--vf", metavar="DIR", help="a database of it (PhysioNet's cudb)")
    add("--noise", metavar="DIR", help="noise records (nstdb), to add to --records")
    return made.parse_args(argv)


def findings(screener, source):
    """(episodes, samples of flagged beats, unreadable [(start, end), ...], all in FS_HZ)."""
    found = screener.findings(source)
    flagged = found.table["sample"].to_numpy()[found.flagged]
    return found.episodes, flagged, [(s.start, s.end) for s in found.unreadable]


# ------------------------------------------------------------------------------ annotations


def annotated(path) -> Annotated:
    """What annotators wrote of a record, as episodes by the definitions of screening."""
    header = records.read_header(path)
    file = path.with_name(f"{path.name}.atr")
    records.read_annotations(file, header.fs, header.sig_len or 0)  # or BadInput
    truth = wfdb.rdann(str(path), "atr")
    samples = np.round(truth.sample * (FS_HZ / header.fs)).astype(int)
    length = round(header.sig_len * FS_HZ / header.fs)
    symbols = np.array(truth.symbol)
    is_beat, kinds = labelled(symbols)
    peaks = samples[is_beat]
    changes = [
        (at, note.strip("\0"))
        for at, symbol, note in zip(samples, symbols, truth.aux_note)
        if symbol == "+" and note.startswith("(")
    ]
    ends = [at for at, _ in changes[1:]] + [length]
    rhythms = [(at, end, note) for (at, note), end in zip(changes, ends)]
    lost = [(a, b) for a, b, note in rhythms if note in VF_NOTES]
    closing = samples[symbols == "]"]
    for start in samples[symbols == "["]:
        lost.append((start, next((end for end in closing if end > start), length)))
    lost = merged(lost)
    found = rhythm.episodes(peaks, kinds, np.zeros(len(peaks), bool), lost)
    found += [
        rhythm.Episode(a, b, rhythm.FIBRILLATION, 0, np.nan)
        for a, b, note in rhythms
        if note in FIBRILLATION_NOTES
    ]
    return Annotated(length, found, lost, kinds)


# -------------------------------------------------------------------------------- comparing


def counted(group, name, codes, pairs):
    """A row: how many of these episodes overlap one of the other side."""
    right, annotated_n, confirmed, found_n = 0, 0, 0, 0
    for truth, (episodes, *_) in pairs:
        there = [(e.start, e.end) for e in truth.episodes if e.code in codes]
        here = [(e.start, e.end) for e in episodes if e.code in codes]
        right += sum(_meets(a, here) for a in there)
        confirmed += sum(_meets(b, there) for b in here)
        annotated_n, found_n = annotated_n + len(there), found_n + len(here)
    return _row(group, name, annotated_n, found_n, right, confirmed)


def timed(group, name, codes, pairs):
    """A row: how many seconds of these episodes are the same."""
    right = there_s = here_s = 0.0
    for truth, (episodes, *_) in pairs:
        there = marked(truth.episodes, codes, truth.length)
        here = marked(episodes, codes, truth.length)
        right += (there & here).sum() * STEP / FS_HZ
        there_s, here_s = there_s + there.sum() * STEP / FS_HZ, here_s + here.sum() * STEP / FS_HZ
    return _row(group, f"{name} (s)", round(there_s), round(here_s), right, right)


def marked(episodes, codes, length):
    """(steps,) bool."""
    result = np.zeros(length // STEP + 1, bool)
    for episode in episodes:
        if episode.code in codes:
            result[episode.start // STEP : episode.end // STEP] = True
    return result


def _meets(one, others):
    return any(one[0] <= end and start <= one[1] for start, end in others)


def _row(group, name, annotated_n, found_n, right, confirmed):
    se = 100 * right / annotated_n if annotated_n else np.nan
    ppv = 100 * confirmed / found_n if found_n else np.nan
    f1 = 2 * se * ppv / (se + ppv) if se + ppv > 0 else np.nan
    row = {"records": group, "rhythm": name, "annotated": annotated_n, "found": found_n}
    return row | {"Se": round(se, 1), "P+": round(ppv, 1), "F1": round(f1, 1)}


# ----------------------------------------------------------------------- lost rhythm, noise


def false_alarms(name, truths, found):
    """A row: alarms of lost rhythm that meet no annotated one, per 24 h."""
    seconds = sum(truth.length for truth in truths) / FS_HZ
    wrong = dict.fromkeys(ALARM_CODES, 0)
    for truth, (episodes, *_) in zip(truths, found):
        for e in episodes:
            if e.code in wrong and not _meets((e.start, e.end), truth.lost):
                wrong[e.code] += 1
    per_day = {code: n * DAY_S / seconds for code, n in wrong.items()}
    vf, asystole = (per_day[code] for code in ALARM_CODES)
    text = f"without electrical activity: {asystole:.1f}; {seconds / 3600:.1f} h"
    return _figure(f"false 'no organised rhythm' a day, {name}", vf, text)


def vf_seconds(name, truths, found):
    """Rows: of the seconds of annotated fibrillation, those flagged as an episode or by a beat."""
    total = by_episode = by_either = unreadable = 0
    for truth, (episodes, flagged, bad) in zip(truths, found):
        alarms = [(e.start, e.end) for e in episodes if e.code in ALARM_CODES]
        for start, end in truth.lost:
            for middle in range(start + FS_HZ // 2, end, FS_HZ):
                inside = _meets((middle, middle), alarms)
                near = np.abs(flagged - middle).min(initial=10**9) <= NEAR_S * FS_HZ
                total, by_episode = total + 1, by_episode + inside
                by_either += inside or near
                unreadable += not inside and not near and _meets((middle, middle), bad)
    share = lambda n: 100 * n / max(total, 1)
    return [
        _figure(
            "% of seconds of VF flagged: episode or beat", share(by_either), f"{total} s of {name}"
        ),
        _figure("% of seconds of VF in an episode", share(by_episode), ""),
        _figure("% of seconds of VF only unreadable", share(unreadable), ""),
    ]


def unreadable_in_noise(folder, noise_folder):
    """Rows: share of noisy, and of clean, seconds of MIT-BIH that are called unreadable."""
    noises = {kind: read_noise(noise_folder / kind) for kind in ("ma", "bw")}
    words = {"clean": "clean MIT-BIH", "ma": f"muscle noise at {NOISE_DB} dB"}
    words["bw"] = f"baseline wander at {NOISE_DB} dB"
    shares = {name: [] for name in words}  # of each record: unreadable, lost
    for path in tqdm(records.find_records(folder), unit="record", disable=None):
        recording = records.read(path, LIKELY)
        noisy = in_noise(np.arange(len(recording.signal_mv)))
        reasons = {"clean": judged(path, recording.signal_mv)}
        for kind, noise_mv in noises.items():
            reasons[kind] = judged(path, with_noise(recording, noise_mv, NOISE_DB))[noisy]
        for name, reason in reasons.items():
            shares[name].append([np.isin(reason, c).mean() for c in (UNREADABLE, quality.ALARMS)])
    rows = []
    for name, of_records in shares.items():
        unreadable, lost = 100 * np.mean(of_records, 0)
        text = f"called lost rhythm: {lost:.2f} %"
        rows.append(_figure(f"% of {words[name]} called unreadable", unreadable, text))
    return rows


UNREADABLE = tuple(set(range(1, len(quality.REASONS))) - set(quality.ALARMS))


def judged(path, signal_mv):
    """(n,) reasons of preprocess.signal.quality, as screening comes to them."""
    source = SignalSource.of(signal_mv, FS_HZ, path.name, "ECG")
    reader = Reader(source)
    return np.concatenate([reader.read(*span).reason for span in spans(source)])


def _figure(what, value, beside):
    return {"what": what, "figure": f"{value:.2f}", "beside": beside}


def printed(rows, alarm_rows, outf):
    """Both tables, as text and as files; those that hold something."""
    tables = {"rhythms": pd.DataFrame(rows), "alarms": pd.DataFrame(alarm_rows)}
    for name, table in tables.items():
        if len(table):
            write_text(table.to_csv(index=False), Path(outf) / f"{name}.csv")
            print(table.to_string(index=False, na_rep=""))
    return tables


if __name__ == "__main__":
    options.command(main)
