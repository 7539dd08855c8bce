"""Fit the network that names the kinds of beats, and say what it does on databases it never met.

Each recording is screened as any other: R peaks are detected, and a beat is what annotators call
the one within 150 ms; Q where they have none. Twice more it is taken otherwise: with real noise
added to every other two minutes, and with most beats far from supraventricular ones left out, as
there are patients in whom these are the rule. DS2 and paced records are in no fit.

For each database given: kinds and episodes of its recordings by a network fitted on all others.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from safetensors.numpy import save_file
from torch import nn
from tqdm import tqdm

import options
from experiments import rhythms
from experiments.agreement import MATCH_S, kind_counts, kinds_called, match
from experiments.noise import read_noise, with_noise
from experiments.screening.blocks import Reader, spans
from experiments.screening.location import features_of
from experiments.screening.rhythm import episodes, kinds
from experiments.screening.scoring import score
from experiments.screening.screener import SignalSource
from experiments.screening.shipped import WEIGHTS
from experiments.training.checkpoint import open_detector
from experiments.training.protocols import DS2
from preprocess.classes import CLASS_OF_EC57
from preprocess.constants import FS_HZ, LIKELY
from preprocess.files import whole_file
from preprocess.readers import wfdb as records
from preprocess.signal.atrial_fibrillation import fibrillation

LEFT_OUT = {*DS2, *records.PACED}
NOISES, NOISE_S = (("em", 12), ("em", 6), ("em", 0), ("ma", 6), ("bw", 6)), 900  # with dB; used
FEWEST_S, FAR_BEATS, FAR_KEPT = 20, 10, 0.1  # of copies in which S are the rule
RARE = -0.5  # power of a kind's count in a record, by which each of its beats weighs
# Added to what is learnt: of 0, 0.5 and 1 what gave DS1 and SVDB, each left out, the best kinds.
LIKELIER = {"V": 1.0, "S": 0.5}
HIDDEN, NETWORKS, EPOCHS, BATCH = (32, 16), 4, 8, 1024
LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 3e-3, 1e-3, 0.2


class Example(NamedTuple):
    """A recording, or a changed copy of one: what is seen of its n beats, and their labels."""

    database: str
    name: str
    features: np.ndarray  # (n, 19)
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
            recording = records.read(path, LIKELY)
            noise_mv, snr_db = noises[i % len(noises)]
            plain.append(example(folder.name, recording, recording.signal_mv, detector))
            noisy_mv = with_noise(recording, noise_mv, snr_db)
            copies.append(example(folder.name, recording, noisy_mv, detector))
            copies += dense(folder.name, recording, detector)
    rows = []
    for folder in map(Path, opt.records):
        fitted = fit([each for each in plain + copies if each.database != folder.name])
        rows.append(judged(folder, [e for e in plain if e.database == folder.name], fitted))
    table = pd.DataFrame(rows)
    with whole_file(Path(opt.outf) / "kinds.csv") as part:
        table.to_csv(part, index=False)
    print(table.to_string(index=False))
    save_file(fit(plain + copies), Path(opt.outf) / kinds.KINDS_WEIGHTS.name)


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


# -------------------------------------------------------------------------------- examples


def example(database, recording, signal_mv, detector) -> Example:
    """A recording with a signal (n,) of its length, screened."""
    source = SignalSource.of(signal_mv, FS_HZ, recording.name, recording.lead)
    reader, parts = Reader(source), []
    for span in spans(source):
        block = score(reader.read(*span), detector, "record")
        beats = block.beats
        in_fibrillation = fibrillation(
            beats.rr_s[:, 0].astype(float), ~beats.usual, beats.p_coherence.astype(float)
        )
        parts.append((features_of(block), beats.sample, in_fibrillation))
    features, sample, in_fibrillation = (np.concatenate(column) for column in zip(*parts))
    labels = labels_of(recording, sample)
    return Example(database, recording.name, features, labels, sample, in_fibrillation)


def labels_of(recording, sample):
    """R peaks found (n,) to labels (n,): "" for annotated Q and in ventricular flutter."""
    symbols, annotated = recording.symbols, recording.samples
    is_beat = np.isin(symbols, list(CLASS_OF_EC57))
    of_beats = np.array([CLASS_OF_EC57[symbol] for symbol in symbols[is_beat]])
    of_beats[of_beats == "Q"] = ""
    pairs = match(annotated[is_beat], sample, round(MATCH_S * FS_HZ))
    labels = np.full(len(sample), "Q")
    labels[pairs[:, 1]] = of_beats[pairs[:, 0]]
    flutter = annotated[np.isin(symbols, list("![]"))]
    if len(flutter):
        labels[np.abs(flutter[:, None] - sample).min(0) < FS_HZ] = ""
    return labels


def dense(database, recording, detector):
    """Copies with most beats left out that are far from supraventricular ones, if there are such.

    Beats are set one after another again, each at its own interval.
    """
    source, copies = SignalSource.of(recording.signal_mv, FS_HZ, recording.name, "ECG"), []
    reader = Reader(source)
    for span in spans(source):
        block = reader.read(*span)
        labels = labels_of(recording, block.beats.sample)
        if (labels == "S").sum() < FEWEST_S:
            continue
        near = np.convolve(labels == "S", np.ones(4), "same") > 0
        chance = np.random.default_rng(0).random(len(labels) // FAR_BEATS + 1) < FAR_KEPT
        kept = near | chance[np.arange(len(labels)) // FAR_BEATS]
        beats = block.beats[kept]
        steps = np.round(np.nan_to_num(beats.rr_s[:, 0], nan=0.8) * FS_HZ)
        moved = np.cumsum(steps).astype(int)
        everywhere = np.ones(len(beats), bool)
        rhythm = detector.rhythm_log_odds(moved)
        features = kinds.beat_features(beats, everywhere, rhythm, block.noise[kept])
        copy = (database, recording.name, features, labels[kept], moved, ~everywhere)
        copies.append(Example(*copy))
    return copies


# --------------------------------------------------------------------------------- fitting


def fit(examples) -> dict[str, np.ndarray]:
    """The arrays of kinds.network."""
    x = np.concatenate([kinds.with_neighbours(each.features) for each in examples])
    labels = np.concatenate([each.labels for each in examples])
    weight = np.concatenate([weights(each.labels) for each in examples])
    known = labels != ""
    x, labels, weight = x[known], labels[known], weight[known]
    mean, deviation = x.mean(0), x.std(0) + 1e-3
    x = torch.as_tensor(np.clip((x - mean) / deviation, -5, 5)).float()
    y = torch.as_tensor([kinds.NETWORK_CLASSES.index(label) for label in labels.tolist()])
    weight = torch.as_tensor(weight / weight.mean()).float()
    layers = [trained(x, y, weight, seed) for seed in range(NETWORKS)]
    arrays = {"mean": mean, "deviation": deviation}
    for i, of_nets in enumerate(zip(*layers)):
        arrays[f"weight.{i}"] = np.stack([layer.weight.detach().numpy().T for layer in of_nets])
        arrays[f"bias.{i}"] = np.stack([layer.bias.detach().numpy() for layer in of_nets])
    for kind, log_odds in LIKELIER.items():
        arrays[f"bias.{len(HIDDEN)}"][:, kinds.NETWORK_CLASSES.index(kind)] += log_odds
    return {name: np.ascontiguousarray(values, np.float32) for name, values in arrays.items()}


def weights(labels):
    """(n,) labels of a record to (n,): less for each of what there is much of."""
    _, index, count = np.unique(labels, return_inverse=True, return_counts=True)
    return count[index] ** RARE


def trained(x, y, weight, seed):
    """The linear layers of one network. x: (n, d), y: (n,) of CLASSES, weight: (n,)."""
    torch.manual_seed(seed)
    sizes = [x.shape[1], *HIDDEN]
    layers = []
    for size, width in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(size, width), nn.ReLU(), nn.Dropout(DROPOUT)]
    net = nn.Sequential(*layers, nn.Linear(sizes[-1], len(kinds.NETWORK_CLASSES)))
    optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(BATCH):
            loss = nn.functional.cross_entropy(net(x[rows]), y[rows], reduction="none")
            optimizer.zero_grad()
            (loss * weight[rows]).mean().backward()
            optimizer.step()
            schedule.step()
    return [layer for layer in net if isinstance(layer, nn.Linear)]


# --------------------------------------------------------------------------------- judging


def judged(folder, examples, arrays):
    """A row: F1 in % of kinds, of couplets and runs, of a database that was in no fit."""
    counts, pairs = [], []
    for each in examples:
        truth = rhythms.annotated(folder / each.name)
        shares = kinds.probabilities(each.features, arrays)
        flagged = np.zeros(len(shares), bool)
        kind, _ = kinds.decide(shares, flagged, each.fibrillation)
        found = episodes.episodes(each.sample, kind, each.fibrillation)
        pairs.append((truth, (found,)))
        counts.append(kind_counts(truth.kinds, each.labels, kind))
    called = kinds_called(pd.DataFrame(counts).sum().to_frame("all").T)
    row = {"left out": folder.name, **{f"kind {k}": called[f"{k} F1"].iloc[0] for k in "VS"}}
    for name in ("V runs", "V couplets", "S runs", "S couplets"):
        row[name] = rhythms.counted("", name, rhythms.COUNTED_EPISODES[name], pairs)["F1"]
    return row


if __name__ == "__main__":
    options.command(main)
