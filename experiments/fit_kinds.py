"""Fit the network that names the kinds of beats, and say what it does on databases it never met.

Each recording is screened as any other: R peaks are detected, and a beat is what annotators call
the one within 150 ms; Q where they have none. It is taken otherwise too: with real noise added to
every other two minutes; with supraventricular beats as the rule, and with tachycardias that go on,
as in some patients; and all as if there were one lead alone. DS2 and paced records are in no fit.

For each database given: kinds and episodes of its recordings by a network fitted on all others.
"""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn
from tqdm import tqdm

import options
from experiments import rhythms
from experiments.agreement import MATCH_S, kind_counts, kinds_called, match
from experiments.noise import read_noise, with_noise
from experiments.screening.blocks import Reader, spans
from experiments.screening.location import look
from experiments.screening.rhythm import episodes, kinds
from experiments.screening.rhythm.kinds_network import REACH, KindsNetwork
from experiments.screening.scoring import score
from experiments.screening.screener import SignalSource
from experiments.screening.shipped import WEIGHTS
from experiments.training.checkpoint import open_detector
from experiments.training.protocols import DS2
from preprocess.beats import rr_intervals
from preprocess.classes import labelled
from preprocess.constants import FS_HZ, LIKELY
from preprocess.files import write_text
from preprocess.readers import open_source
from preprocess.readers import wfdb as records
from preprocess.signal.atrial_fibrillation import fibrillation

LEFT_OUT = {*DS2, *records.PACED}
NOISES, NOISE_S = (("em", 12), ("em", 6), ("em", 0), ("ma", 6), ("bw", 6)), 900  # with dB; used
FEWEST_S, FAR_BEATS, FAR_KEPT = 20, 10, 0.1  # of copies in which S are the rule
SUSTAINED_BEATS = 150  # and of those in which their runs go on
RARE = -0.5  # power of a kind's count in a record, by which each of its beats weighs
# Added to the logits: of 0, 0.5 and 1 what gave DS1 and SVDB, each left out, the best kinds.
LIKELIER = {"S": 0.5}
EPOCHS, BATCH, PIECE = 3, 16, 256  # a piece: beats in a row, of which so many are in a batch
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 1e-3
UNKNOWN = -1


class Example(NamedTuple):
    """A block of a recording, or a changed copy of one: what is seen of its n beats, and their
    labels."""

    database: str
    name: str
    seen: kinds.Seen
    labels: np.ndarray  # (n,) of kinds.NETWORK_CLASSES, "" where nobody knows
    sample: np.ndarray
    fibrillation: np.ndarray


def main(argv=None):
    opt = parse(argv)
    _, detector = open_detector(opt.checkpoint or WEIGHTS, opt.device)
    noises = [(read_noise(Path(opt.noise) / kind)[: NOISE_S * FS_HZ], db) for kind, db in NOISES]
    plain, copies = [], []
    for folder in map(Path, opt.records):
        for i, path in enumerate(tqdm(records.find_records(folder), desc=folder.name)):
            if path.name in LEFT_OUT:
                continue
            recording, source = records.read(path, LIKELY), open_source(path, likely=LIKELY)
            leads_mv = source.stretch(0, source.length)[0]  # [n, leads]
            noisy_mv = with_noise_on(leads_mv, recording, *noises[i % len(noises)])
            plain += examples(folder.name, recording, leads_mv, detector)
            copies += examples(folder.name, recording, noisy_mv, detector)
            copies += rearranged(folder.name, recording, leads_mv, detector)
    rows = []
    for folder in map(Path, opt.records):
        fitted = fit([each for each in plain + copies if each.database != folder.name])
        rows.append(judged(folder, [e for e in plain if e.database == folder.name], fitted))
    table = pd.DataFrame(rows)
    write_text(table.to_csv(index=False), Path(opt.outf) / "kinds.csv")
    print(table.to_string(index=False))
    fit(plain + copies).save(Path(opt.outf) / kinds.KINDS_WEIGHTS.name)


def parse(argv):
    made = options.study(
        "fit_kinds",
        "Fit the network that names kinds of beats; kinds.safetensors, and kinds.csv: what it does "
        "on each database when fitted on the others.",
        "--records /data/mitdb /data/svdb /data/qtdb --noise /data/nstdb",
        groups="weights outf device",
    )
    folders = "databases with annotated beats, a folder each"
    made.add_argument("--records", nargs="+", metavar="DIR", required=True, help=folders)
    made.add_argument("--noise", metavar="DIR", required=True, help="noise records (nstdb)")
    return made.parse_args(argv)


def examples(database, recording, leads_mv, detector) -> list[Example]:
    """A recording with signals (n, leads) of its length, screened."""
    found = []
    for block in blocks(recording, leads_mv):
        scored = score(block, detector, "record")
        beats = scored.beats
        in_fibrillation = fibrillation(
            beats.rr_s[:, 0].astype(float), ~beats.usual, beats.p_coherence.astype(float)
        )
        seen, labels = look(scored), labels_of(recording, beats.sample)
        found.append(Example(database, recording.name, seen, labels, beats.sample, in_fibrillation))
    return found


def blocks(recording, leads_mv):
    names = [f"ECG{k + 1}" for k in range(leads_mv.shape[1])]
    source = SignalSource.of(leads_mv, FS_HZ, recording.name, names)
    reader = Reader(source)
    return (reader.read(*span) for span in spans(source))


def with_noise_on(leads_mv, recording, noise_mv, snr_db):
    """(n, leads), each with the same noise, as strong as the lead asks for."""
    of_leads = (replace(recording, signal_mv=lead_mv) for lead_mv in leads_mv.T)
    return np.stack([with_noise(each, noise_mv, snr_db) for each in of_leads], 1)


def labels_of(recording, sample):
    """R peaks found (n,) to labels (n,): "" for annotated Q and in ventricular flutter."""
    symbols, annotated = recording.symbols, recording.samples
    is_beat, of_beats = labelled(symbols)
    of_beats[of_beats == "Q"] = ""
    pairs = match(annotated[is_beat], sample, round(MATCH_S * FS_HZ))
    labels = np.full(len(sample), "Q")
    labels[pairs[:, 1]] = of_beats[pairs[:, 0]]
    flutter = annotated[np.isin(symbols, list("![]"))]
    if len(flutter):
        labels[np.abs(flutter[:, None] - sample).min(0) < FS_HZ] = ""
    return labels


def rearranged(database, recording, leads_mv, detector):
    """Copies of the blocks with supraventricular beats: one in which most beats far from these are
    left out, one in which their runs go on for minutes."""
    copies = []
    for block in blocks(recording, leads_mv):
        labels = labels_of(recording, block.beats.sample)
        if (labels == "S").sum() < FEWEST_S:
            continue
        for rows in (dense(labels), sustained(labels)):
            beats, noise = block.beats[rows], block.noise[rows]
            # one after another again, each at its own interval
            steps = np.round(np.nan_to_num(beats.rr_s[:, 0], nan=0.8) * FS_HZ)
            moved = np.cumsum(steps).astype(int)
            beats.rr_s = np.stack(rr_intervals(moved), 1).astype(np.float32)
            everywhere = np.ones(len(beats), bool)
            seen = kinds.look(beats, everywhere, detector.rhythm_log_odds(moved), noise)
            nowhere = np.zeros(len(beats), bool)
            copies.append(Example(database, recording.name, seen, labels[rows], moved, nowhere))
    return copies


def dense(labels):
    """Rows without most beats that are far from supraventricular ones, as there are patients in
    whom these are the rule."""
    near = np.convolve(labels == "S", np.ones(4), "same") > 0
    chance = np.random.default_rng(0).random(len(labels) // FAR_BEATS + 1) < FAR_KEPT
    return np.flatnonzero(near | chance[np.arange(len(labels)) // FAR_BEATS])


def sustained(labels):
    """Rows with runs of supraventricular beats repeated, as there are patients in whom a
    tachycardia goes on."""
    rows, after = [], 0
    for first, end in episodes.marked_runs(labels == "S"):
        if end - first >= episodes.RUN_BEATS:
            times = -(-SUSTAINED_BEATS // (end - first))
            rows += [np.arange(after, first), np.tile(np.arange(first, end), times)]
            after = end
    return np.concatenate([*rows, np.arange(after, len(labels))]).astype(int)


def fit(examples) -> KindsNetwork:
    """Several networks, each from its own beginning, on the same pieces."""
    torch.manual_seed(0)
    fitted = KindsNetwork()
    given = [
        (kinds.features(seen), each.labels, weights(each.labels) / len(views))
        for each in examples
        for views in [on_leads(each.seen)]
        for seen in views
    ]
    all_features = np.concatenate([features for features, *_ in given])
    fitted.mean.copy_(torch.as_tensor(all_features.mean(0)))
    fitted.deviation.copy_(torch.as_tensor(all_features.std(0) + 1e-3))
    in_pieces = [pieces(fitted.standard(features), *rest) for features, *rest in given]
    x, y, weight = (torch.cat(column) for column in zip(*in_pieces))
    weight /= weight[y != UNKNOWN].mean()
    for seed, network in enumerate(fitted.networks):
        torch.manual_seed(seed)
        train(network, x, y, weight)
    for kind, log_odds in LIKELIER.items():
        fitted.likelier[kinds.NETWORK_CLASSES.index(kind)] = log_odds
    return fitted.eval()


def on_leads(seen):
    """What is seen on all leads, and on each as if it were the only one."""
    n_leads = seen.of_leads.shape[1]
    return [seen] + [seen.on([k]) for k in range(n_leads) if n_leads > 1]


def weights(labels):
    """(n,) labels of a block to (n,): less for each of what there is much of."""
    _, index, count = np.unique(labels, return_inverse=True, return_counts=True)
    return count[index] ** RARE


def pieces(x, labels, weight):
    """(KIND_FEATURES, n), (n,), (n,) to pieces (k, KIND_FEATURES, PIECE + 2 * REACH), classes and
    weights (k, PIECE + 2 * REACH), which are UNKNOWN in the REACH beats on both sides and where no
    beat is."""
    n = len(labels)
    classes = [kinds.NETWORK_CLASSES.find(label) if label else UNKNOWN for label in labels.tolist()]
    end = -n % PIECE + REACH
    x = nn.functional.pad(x, (REACH, end))
    known = nn.functional.pad(torch.tensor(classes, dtype=int), (0, -n % PIECE), value=UNKNOWN)
    known = nn.functional.pad(known.reshape(-1, PIECE), (REACH, REACH), value=UNKNOWN)
    weight = nn.functional.pad(torch.as_tensor(weight).float(), (0, -n % PIECE))
    weight = nn.functional.pad(weight.reshape(-1, PIECE), (REACH, REACH))
    return x.unfold(1, PIECE + 2 * REACH, PIECE).transpose(0, 1), known, weight


def train(network, x, y, weight):
    """On pieces, of pieces()."""
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    loss_of = nn.CrossEntropyLoss(reduction="none", ignore_index=UNKNOWN)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(BATCH):
            losses = loss_of(network(x[rows]), y[rows]) * weight[rows]
            optimizer.zero_grad()
            (losses.sum() / (y[rows] != UNKNOWN).sum()).backward()
            optimizer.step()
            schedule.step()


def judged(folder, examples, fitted):
    """A row: F1 in % of kinds, of couplets and runs, of a database that was in no fit."""
    counts, pairs = [], []
    for name in dict.fromkeys(each.name for each in examples):
        truth, parts = rhythms.annotated(folder / name), [e for e in examples if e.name == name]
        shares = np.concatenate([kinds.probabilities(each.seen, fitted) for each in parts])
        labels, sample, in_fibrillation = (
            np.concatenate([getattr(each, column) for each in parts])
            for column in ("labels", "sample", "fibrillation")
        )
        kind, _ = kinds.decide(shares, np.zeros(len(shares), bool), in_fibrillation)
        pairs.append((truth, (episodes.episodes(sample, kind, in_fibrillation),)))
        counts.append(kind_counts(truth.kinds, labels, kind))
    called = kinds_called(pd.DataFrame(counts).sum().to_frame("all").T)
    row = {"left out": folder.name, **{f"kind {k}": called[f"{k} F1"].iloc[0] for k in "VS"}}
    for name in ("V runs", "V couplets", "S runs", "S couplets"):
        row[name] = rhythms.counted("", name, rhythms.COUNTED_EPISODES[name], pairs)["F1"]
    return row


if __name__ == "__main__":
    options.command(main)
