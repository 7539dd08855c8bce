"""Rhythm: does a beat come when a normal one would? From R peaks alone, learnt from normal ones."""

import numpy as np
import torch
from numpy.random import Generator
from scipy.ndimage import median_filter
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim import AdamW

from preprocess.constants import FS_HZ
from preprocess.synthetic_rhythm import synthetic_rhythm

# What is usual: so many RR intervals on each side, some 15 s and a minute, and these quantiles.
LOCAL_BEATS = (8, 40)
LOCAL_QUANTILES = (0.5, 0.75, 0.9)
RR_LIMITS_S = (0.15, 4.0)  # beyond them an interval tells no more
N_RHYTHM = 22
GRID_LEVELS = 65  # quantiles of each feature, among which its values are ranked

# What a fast rhythm adds to a prior score: nothing at 100 a minute, all of it at 150; less what it
# adds to the slowest tenth of the recording, as some hearts are always fast.
TACHYCARDIA_MOST, TACHYCARDIA_RR_S, TACHYCARDIA_BEATS, TINY_S = 12.0, (0.6, 0.4), 17, 1e-3
SLOWEST = 0.1

NORMAL_RR_LIMITS_S = (0.2, 3.3)  # of the intervals that synthetic rhythms are made from

COPIES = 3  # synthetic rhythms made from each recording
EXAMPLES = 60_000  # drawn from all of them, to learn from
SYNTHETIC_WEIGHT = 0.5  # of a synthetic normal beat, beside a real one
# Of atrial, ventricular and fusion beats: together they weigh as much as the normals.
KIND_SHARES = (0.4, 0.35, 0.25)

NETWORKS, HIDDEN = 6, 48  # networks whose outputs are averaged, and the width of each
EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 4, 512, 4e-3, 1e-2


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
        # Each network learns from rhythms of its own: what one draw says by chance, the mean does
        # not.
        rng = np.random.default_rng(seed)
        real = [rhythm_features(samples)[normal] for samples, normal in recordings]
        draws = [_examples(recordings, real, rng) for _ in self.nets]
        quantiles = np.quantile(draws[0][0], np.linspace(0, 1, GRID_LEVELS), axis=0)
        rising = np.arange(GRID_LEVELS)[:, None] * 1e-7  # strictly, for interpolation
        self.grid.copy_(torch.as_tensor(quantiles + rising))
        for i, (net, (x, kind, weight)) in enumerate(zip(self.nets, draws)):
            is_synthetic = torch.as_tensor(kind > 0).float()
            weight = torch.as_tensor(weight).float()
            _fit_network(net.cpu(), self._ranked(x).cpu(), is_synthetic, weight, seed + i)
        self.to(self.grid.device)

    def score(self, samples: np.ndarray) -> np.ndarray:
        """R peaks (n,) of one recording, in order, to log odds (n,) that the beat does not come as
        a normal one would."""
        with torch.inference_mode():
            x = self._ranked(rhythm_features(samples)).to(self.grid.device)
            log_odds = torch.stack([net.eval()(x)[:, 0] for net in self.nets])  # [nets, n]
            return log_odds.mean(0).cpu().numpy().astype(float)

    def by_sinus_clock(
        self, samples: np.ndarray, log_odds: np.ndarray, other_qrs: np.ndarray
    ) -> np.ndarray:
        """R peaks (n,), their log odds (n,) and which beats have another QRS (n,) bool, to log odds
        (n,).

        A beat that follows one of another QRS comes in time if it does so either after that, as
        after a pause, or after the last beat of the usual QRS, as after an interpolated one.
        """
        result, usual = log_odds.copy(), np.flatnonzero(~other_qrs)
        follows = usual[np.r_[False, other_qrs[:-1]][usual]]
        if 2 * len(usual) > len(samples) and len(follows):
            without = np.full(len(samples), np.inf)
            without[usual] = self.score(samples[usual])
            result[follows] = np.minimum(result[follows], without[follows])
        return result

    def _ranked(self, x: np.ndarray) -> Tensor:
        """Features (n, N_RHYTHM) to where they lie among those of the training, -2 to 2."""
        places, grid = np.linspace(-2, 2, GRID_LEVELS), self.grid.cpu().numpy()
        columns = [np.interp(x[:, i], grid[:, i], places) for i in range(N_RHYTHM)]
        return torch.as_tensor(np.stack(columns, 1).astype(np.float32))


def rhythm_features(samples: np.ndarray) -> np.ndarray:
    """R peaks (n,) to (n, N_RHYTHM): logarithms of the RR intervals before and after, against
    what is usual around them.

    Usual is the median and the upper quantiles of the surrounding intervals: where most beats are
    early, the long intervals still tell when a beat should have come. Irregularity (as in
    fibrillation) is given too.
    """
    rr = np.log(np.clip(np.diff(samples) / FS_HZ, *RR_LIMITS_S))
    before, after = np.r_[rr[:1], rr], np.r_[rr, rr[-1:]]
    change = np.abs(np.diff(before, prepend=before[0]))
    columns = []
    for reach in LOCAL_BEATS:
        median, upper, top = _local_quantiles(before, reach, LOCAL_QUANTILES)
        (irregular,) = _local_quantiles(change, reach, (0.5,))
        columns += [
            median,
            before - median,
            before - upper,
            before - top,
            after - median,
            after - top,
            irregular,
            top - median,
        ]
    (median,) = _local_quantiles(before, LOCAL_BEATS[0], (0.5,))
    previous, following = np.r_[before[:1], before[:-1]], np.r_[after[1:], after[-1:]]
    columns += [
        before - previous,
        after - before,
        previous - median,
        following - median,
        np.logaddexp(before, after) - np.log(2) - median,
        before,
    ]
    return np.stack(columns, 1).astype(np.float32)


def tachycardia(samples: np.ndarray) -> np.ndarray:
    """R peaks (n,) to (n,), 0 to TACHYCARDIA_MOST: how fast the heart beats around each.

    A run that fills its surroundings has no early beat: only its rate, beside that of the rest,
    tells.
    """
    rr_s = np.diff(samples) / FS_HZ
    around_s = median_filter(np.r_[rr_s[:1], rr_s], TACHYCARDIA_BEATS, mode="nearest")
    slow_s, fast_s = TACHYCARDIA_RR_S
    share = np.log(slow_s / np.maximum(around_s, TINY_S)) / np.log(slow_s / fast_s)
    added = TACHYCARDIA_MOST * np.clip(share, 0, 1)
    return added - np.quantile(added, SLOWEST)


def _local_quantiles(x: np.ndarray, reach: int, quantiles: tuple[float, ...]) -> list[np.ndarray]:
    """(n,) to one (n,) a quantile, of the values up to `reach` beats away."""
    reach = min(reach, len(x) - 1)
    padded = np.pad(x, reach, "reflect")
    around = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), 1)
    return [around[:, round(q * 2 * reach)] for q in quantiles]


def _examples(
    recordings: list[tuple[np.ndarray, np.ndarray]], real: list[np.ndarray], rng: Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, kinds (0 is normal) and weights of real normal beats, whose features are given, and
    of synthetic rhythms made from them."""
    n_real = sum(map(len, real))
    x, kinds, weights = [*real], [np.zeros(n_real, int)], [np.ones(n_real)]
    for samples, normal in recordings:
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
    optimizer = AdamW(net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
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
