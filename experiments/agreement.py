"""What screening finds against what annotators wrote, on records that it has not seen.

Compared as bxb does (ANSI/AAMI EC57): a beat and a label within 150 ms, one to one, the first five
minutes and ventricular flutter left out.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import resample_poly
from sklearn.metrics import roc_auc_score
from tqdm import tqdm
from wfdb.processing import compare_annotations

import options
from experiments.screening import pipeline
from experiments.screening.screener import Screener, SignalSource
from experiments.screening.shipped import WEIGHTS
from experiments.training.checkpoint import open_detector
from experiments.training.protocols import DS2, LEARNING_S
from preprocess import BadInput
from preprocess.classes import labelled
from preprocess.constants import FS_HZ
from preprocess.readers import wfdb as records

MATCH_S = 0.15
NAMED = "VS"  # kinds that EC57 wants told
NOT_COUNTED = {"V": "FQ", "S": "Q"}  # labels of which a beat called so is no false positive (EC57)


def main(argv=None):
    """Screens records and prints their table. Returns (DataFrame, scores (n,), classes (n,))."""
    opt = parse(argv)
    checkpoint, detector = open_detector(opt.checkpoint or WEIGHTS, opt.device)
    screener = Screener.of(checkpoint, detector, opt)
    rows, scores, classes = [], [], []
    for name in tqdm(opt.names or DS2, desc="agreement", unit="record", disable=None):
        path = Path(opt.records) / name
        annotated, symbols = labels(path)
        source = pipeline.opened(path, checkpoint, opt)
        if opt.resample:
            annotated = np.round(annotated * (opt.resample / source.fs_hz)).astype(int)
            source = resampled(source, opt.resample)
        counts, score, of = compare(annotated, symbols, screener.findings(source))
        rows.append(counts)
        scores.append(score)
        classes.append(of)
    result = pd.DataFrame(rows).set_index("record")
    print(report(result, np.concatenate(scores), np.concatenate(classes)))
    return result, np.concatenate(scores), np.concatenate(classes)


def labels(path):
    """Samples and symbols (n,) of a record's annotations. Raises BadInput where it has no whole
    file of them or ends in the first minutes, which are not compared: before it is screened."""
    header = records.read_header(path)
    file = path.with_name(f"{path.name}.atr")
    samples, symbols = records.read_annotations(file, header.fs, header.sig_len or 0)
    if not (labelled(symbols)[0] & (samples >= LEARNING_S * header.fs)).any():
        raise BadInput(
            f"{path} has no labelled beat after its first {LEARNING_S // 60} minutes, which are "
            "not compared: give a longer record"
        )
    return samples, symbols


def parse(argv):
    made = options.study(
        "agreement",
        "Screen labelled records as if nobody had labelled them, and hold the outputs against the "
        "labels, as bxb does.",
        "--records /data/mitdb",
        groups="records weights device context screening",
    )
    add = made.add_argument
    add("--names", nargs="+", metavar="NAME", help="records (default: DS2, the test patients)")
    rate_hz = options.number(100, 2000)
    add("--resample", type=rate_hz, metavar="HZ", help="screen them at this sampling rate")
    return made.parse_args(argv)


def match(reference, found, reach):
    """Sorted samples (n,), (m,) to pairs (k, 2) of indices no more than `reach` apart, nearest
    first, one to one."""
    if not len(found):
        return np.zeros((0, 2), int)
    partner = compare_annotations(reference, found, reach).matching_sample_nums
    there = np.flatnonzero(partner >= 0)
    return np.stack([there, partner[there]], 1).astype(int)


def compare(annotated, symbols, findings):
    """One record's counts, scores and classes (n,) of its matched beats, from what annotators wrote
    and what was found."""
    source, table = findings.source, findings.beats
    fs_hz = source.fs_hz
    is_beat, classes = labelled(symbols)
    compared = _compared(annotated[is_beat], annotated, symbols, LEARNING_S * fs_hz)
    reference, classes = annotated[is_beat][compared], classes[compared]
    table = table[_compared(table["sample"], annotated, symbols, LEARNING_S * fs_hz)]
    samples, flagged, scores, kinds = (
        table[name].to_numpy() for name in ("sample", "flagged", "score", "kind")
    )
    pairs = match(reference, samples, round(MATCH_S * fs_hz))
    of, flag, score = classes[pairs[:, 0]], flagged[pairs[:, 1]], scores[pairs[:, 1]]
    counts = {
        "record": source.name,
        "matched": len(pairs),
        "N": int((classes == "N").sum()),
        "N_flagged": int((flag & (of == "N")).sum()),
        "hours": (source.duration_s - LEARNING_S) / 3600,
    }
    for name in "VSFQ":
        counts |= {
            name: int((classes == name).sum()),
            f"{name}_flagged": int((flag & (of == name)).sum()),
        }
    label = np.full(len(kinds), "")  # of beats that annotators do not have
    label[pairs[:, 1]] = classes[pairs[:, 0]]
    return counts | kind_counts(classes, label, kinds), score, of


def kind_counts(classes, label, kinds):
    """Of each of NAMED: how many annotators have; beats called so rightly, wrongly, and at all.

    classes: (n,) of annotated beats; label, kinds: (m,) of found ones, what annotators and
    screening call each.
    """
    result = {"beats": len(classes), "found": len(kinds)}
    for name in NAMED:
        result[name] = int((classes == name).sum())
        called = kinds == name
        wrong = called & (label != name) & ~np.isin(label, list(NOT_COUNTED[name]))
        result[f"{name}_right"] = int((called & (label == name)).sum())
        result[f"{name}_wrong"] = int(wrong.sum())
        result[f"{name}_called"] = int(called.sum())
    return result


def _compared(samples, annotated, symbols, from_sample):
    """True for samples after the learning time and outside flutter ([ to ])."""
    keep = samples >= from_sample
    for start in annotated[symbols == "["]:
        ends = annotated[(symbols == "]") & (annotated > start)]
        keep &= (samples < start) | (samples > (ends[0] if len(ends) else np.inf))
    return keep


def resampled(source, fs_hz):
    """The leads of a recording at another rate."""
    leads_mv, _ = source.stretch(0, source.length)
    ratio = Fraction(round(fs_hz * 1000), FS_HZ * 1000)
    resampled_mv = resample_poly(leads_mv, *ratio.as_integer_ratio())
    return SignalSource.of(resampled_mv, fs_hz, source.name, list(source.screened))


def report(rows, scores, classes):
    """The counts as text: each record, then all of them together."""
    median = (rows["N_flagged"] / rows["hours"]).median()
    rows = pd.concat([rows, rows.sum().to_frame("all").T])
    share = lambda a, b: (100 * a / b.where(b > 0)).map(lambda v: "" if np.isnan(v) else f"{v:.2f}")
    lines = {
        "beats": rows["beats"].astype(int),
        "beat Se": share(rows["matched"], rows["beats"]),
        "beat P+": share(rows["matched"], rows["found"]),
    }
    for name in NAMED:
        flagged = rows[f"{name}_flagged"]
        lines[name] = rows[name].astype(int)
        lines[f"{name} Se"] = share(flagged, rows[name])
        lines[f"{name} P+"] = share(flagged, flagged + rows["N_flagged"])
    lines["false/h"] = (rows["N_flagged"] / rows["hours"]).map("{:.1f}".format)
    both = 0 < (classes != "N").sum() < len(classes)
    auc = roc_auc_score(classes != "N", scores) if both else np.nan
    return (
        f"{pd.DataFrame(lines).to_string()}\n\n{kinds_called(rows).to_string()}\n"
        f"Se: of the beats of that class, how many were flagged (%); P+: of the flagged beats "
        f"of that class and N together, how many are of it\n"
        f"second table: beats called V and S against the labels (EC57); V burden: called less "
        f"annotated, in points of % of the beats\n"
        f"false alarms an hour of the median record: {median:.1f}\n"
        f"AUC over all matched beats: {auc:.4f}"
    )


def kinds_called(rows):
    """Se, P+ and F1 in % of each of NAMED; the error of the V burden."""
    percent = lambda a, b: 100 * a / b.where(b > 0)
    columns = {}
    for name in NAMED:
        right, wrong = rows[f"{name}_right"], rows[f"{name}_wrong"]
        columns[f"{name} Se"] = percent(right, rows[name])
        columns[f"{name} P+"] = percent(right, right + wrong)
        columns[f"{name} F1"] = percent(2 * right, rows[name] + right + wrong)
    burden = percent(rows["V_called"], rows["found"])
    columns["V burden"] = burden - percent(rows["V"], rows["beats"])
    return pd.DataFrame(columns).astype(float).round(2).astype(object).fillna("")


if __name__ == "__main__":
    options.command(main)
