"""Rhythm: does a beat come when a normal one would? From R peaks alone, learnt from normal ones."""

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from models.b2igan.rhythm_features import (
    GRID_LEVELS,
    LOCAL_BEATS,
    N_RHYTHM,
    placed,
    rhythm_features,
    tachycardia,
)
from preprocess.readers.wfdb import FS_HZ
from preprocess.synthetic_rhythm import synthetic_rhythm

__all__ = ["Rhythm", "normal_intervals", "rhythm_features", "tachycardia"]

NORMAL_RR_LIMITS_S = (0.2, 3.3)  # of the intervals that synthetic rhythms are made from

COPIES = 3  # synthetic rhythms made from each recording
EXAMPLES = 60_000  # drawn from all of them, to learn from
SYNTHETIC_WEIGHT = 0.5  # of a synthetic normal beat, beside a real one
# Of atrial, ventricular and fusion beats: together they weigh as much as the normals.
KIND_SHARES = (0.4, 0.35, 0.25)

NETWORKS, HIDDEN = 3, 48  # networks whose outputs are averaged, and the width of each
EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 4, 512, 4e-3, 1e-2


def normal_intervals(samples: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """RR intervals, in samples, between normal beats (n,) bool; one with another beat in between is
    filled in."""
    rr = np.diff(samples, prepend=samples[0]).astype(float)[normal]
    between_normals = (normal & np.r_[False, normal[:-1]])[normal]
    if not between_normals.any():
        return np.zeros(0)
    filled = np.interp(np.arange(len(rr)), np.flatnonzero(between_normals), rr[between_normals])
    shortest_s, longest_s = NORMAL_RR_LIMITS_S
    return np.clip(filled, shortest_s * FS_HZ, longest_s * FS_HZ)


class Rhythm(nn.Module):
    """A few small networks that tell normal beats from early ones put into the same rhythms
    (preprocess.synthetic_rhythm)."""

    def __init__(self):
        super().__init__()
        grid = torch.zeros(GRID_LEVELS, N_RHYTHM, dtype=torch.float64)
        self.register_buffer("grid", grid)  # quantiles of each feature
        self.nets = nn.ModuleList(
            nn.Sequential(
                nn.Linear(N_RHYTHM, HIDDEN),
                nn.GELU(),
                nn.Dropout(0.1),
                nn.Linear(HIDDEN, HIDDEN),
                nn.GELU(),
                nn.Linear(HIDDEN, 1),
            )
            for _ in range(NETWORKS)
        )

    def fit(self, recordings: list[tuple[np.ndarray, np.ndarray]], seed: int) -> None:
        """recordings: [(R peaks (n,), normal (n,) bool), ...]; only normal beats count, the others
        are passed over."""
        x, kind, weight = _examples(recordings, np.random.default_rng(seed))
        quantiles = np.quantile(x, np.linspace(0, 1, GRID_LEVELS), axis=0)
        rising = np.arange(GRID_LEVELS)[:, None] * 1e-7  # strictly, for interpolation
        self.grid.copy_(torch.as_tensor(quantiles + rising))

        x, weight = self._placed(x), torch.as_tensor(weight).float()
        is_synthetic = torch.as_tensor(kind > 0).float()
        for i, net in enumerate(self.nets):
            _fit_network(net.cpu(), x, is_synthetic, weight, seed + i)
        self.to(self.grid.device)

    def score(self, samples: np.ndarray) -> np.ndarray:
        """R peaks (n,) of one recording, in order, to log odds (n,) that the beat does not come as
        a normal one would."""
        with torch.inference_mode():
            x = self._placed(rhythm_features(samples)).to(self.grid.device)
            log_odds = torch.stack([net.eval()(x)[:, 0] for net in self.nets])  # [nets, n]
            return log_odds.mean(0).cpu().numpy().astype(float)

    def _placed(self, x: np.ndarray) -> Tensor:
        """Features (n, N_RHYTHM) to their places among those seen in training, -2 to 2."""
        return torch.as_tensor(placed(x, self.grid.cpu().numpy()))


def _examples(
    recordings: list[tuple[np.ndarray, np.ndarray]], rng: Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, kinds (0 is normal) and weights of real normal beats and of synthetic rhythms made
    from them."""
    x, kinds, weights = [], [], []
    for samples, normal in recordings:
        x.append(rhythm_features(samples)[normal])
        kinds.append(np.zeros(normal.sum(), int))
        weights.append(np.ones(normal.sum()))
        rr = normal_intervals(samples, normal)
        for _ in range(COPIES if len(rr) > 2 * max(LOCAL_BEATS) else 0):
            peaks, kind = synthetic_rhythm(rr, rng)
            x.append(rhythm_features(peaks))
            kinds.append(kind)
            weights.append(np.full(len(kind), SYNTHETIC_WEIGHT))
    x, kinds, weights = np.concatenate(x), np.concatenate(kinds), np.concatenate(weights)
    for kind, share in enumerate(KIND_SHARES, 1):
        weights[kinds == kind] = share * weights[kinds == 0].sum() / max(1, (kinds == kind).sum())
    chosen = rng.permutation(len(x))[:EXAMPLES]
    return x[chosen], kinds[chosen], weights[chosen] / weights[chosen].mean()


def _fit_network(net: nn.Sequential, x: Tensor, y: Tensor, weight: Tensor, seed: int) -> None:
    """x: (n, N_RHYTHM); y: (n,), 1 for synthetic beats, 0 for normal ones; weight: (n,)."""
    torch.manual_seed(seed)
    for layer in net:
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
    steps = max(1, len(x) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    total_steps = EPOCHS * steps + 1
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=total_steps
    )
    net.train()
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).tensor_split(steps):
            loss = binary_cross_entropy_with_logits(net(x[rows])[:, 0], y[rows], weight[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()
