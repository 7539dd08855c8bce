"""Where a beat is abnormal: a network that has learned to find where normal beats were corrupted.

    the beat, its generated normal version, the normal beats nearest to it, its record's median beat
        --> error in time x frequency, and over time

A difference by itself does not do: normal beats differ from each other where waves are steep or
patients are noisy, and a large change moves the generated version, so that the error spreads; and
what is normal in one patient is not in another. The network reads all of them, and from
anomalies made of normal beats, of which it is known where they depart, learns what a difference
means (in the manner of DRAEM: Zavrtanik V, Kristan M, Skocaj D. A discriminatively trained
reconstruction embedding for surface anomaly detection. ICCV 2021). No label of any abnormal beat is
involved.
"""

from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d, label
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate, max_pool1d

from models.b2igan.memory import FEWEST, means
from models.b2igan.networks import convolution
from models.steps import descend, start_anew
from preprocess import BadInput, spectrogram
from preprocess.beats import BEFORE, NARROW_QRS, WINDOW
from preprocess.constants import FS_HZ
from preprocess.synthetic import disturbed, ectopic, synthetic

IMAGE_CHANNELS, FREQS, TIMES = spectrogram.COMPLEX.shape  # 2, 32, 32
SAMPLES = WINDOW // TIMES  # of a trace that belong to one column of the image: 10
TRACES = 4  # that the network reads
# Two images, the traces, the scale: 169.
N_INPUTS = 2 * IMAGE_CHANNELS * FREQS + TRACES * SAMPLES + 1
N_FILTERS, MIXED = 48, 128  # of every convolution, and of the layer that joins the whole beat

BATCH, PASSES, FEWEST_STEPS, LEARNING_RATE = 128, 1.2, 150, 6e-3
DISTURBED = 0.3  # share of the anomalies that are noise of some band, slow shifts included
LOCATED_ECTOPIC = 0.15  # and share that are early beats of another shape

# What counts as a departure of a corrupted beat from the normal one.
FLOOR_MV, FLOOR_OF_HEIGHT = 0.05, 0.04  # in the trace: above both, the latter in heights of the QRS
FLOOR_OF_MAP = 0.25  # in time x frequency: above this share of its largest value
BRIDGED = 7  # samples: shorter gaps between departures (20 ms) are none

# How the network reads a trace: about as large as the image, and no single value dominates.
TRACE_GAIN = 3
SPREAD_MV = 0.03  # noise of a lead, added to the spread of normal beats
RATIO_MOST, RATIO_SCALE = 20, 5  # of a difference to that spread

SEGMENT_RATE = 0.02  # share of the normal beats that calibrate that have any segment
# Beyond the segments' level, how much the size of a departure counts: log(1 + size / SIZE_MV),
# smoothed over SIZE_SAMPLES.
SIZE_MV, SIZE_SAMPLES, SIZE_SHARE = 0.1, 3, 0.8


class Localiser(nn.Module):
    """Errors are in standard deviations of normal beats. A segment is where the error over time
    reaches `segment_from`, which SEGMENT_RATE of the normal beats do anywhere, and goes on for as
    long as it stays above `segment_to`: where the network holds a change for likelier than none.
    """

    def __init__(self):
        super().__init__()
        self.read = convolution(N_INPUTS, N_FILTERS, 3, 1)
        self.again = convolution(N_FILTERS, N_FILTERS, 3, 1)
        # P, QRS and T come at certain times.
        self.position = nn.Parameter(torch.zeros(N_FILTERS, TIMES))
        self.halve = convolution(N_FILTERS, N_FILTERS, 3, 2)
        self.quarter = convolution(N_FILTERS, N_FILTERS, 3, 2)
        flat = N_FILTERS * TIMES // 4
        self.mix = nn.Sequential(
            nn.Flatten(),
            nn.Linear(flat, MIXED),
            nn.LeakyReLU(0.1),
            nn.Linear(MIXED, flat),
            nn.Unflatten(1, (N_FILTERS, TIMES // 4)),
        )
        self.join_quarter = convolution(2 * N_FILTERS, N_FILTERS, 3, 1)
        self.join_half = convolution(2 * N_FILTERS, N_FILTERS, 3, 1)
        self.write = nn.Conv1d(N_FILTERS, SAMPLES + FREQS, 3, 1, 1)
        # Means of alike normal beats, in mV: one for each point of the memory of latents.
        self.register_buffer("traces", torch.zeros(0, WINDOW, dtype=torch.float16))
        # Of the logits over time and of those of the map.
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("std", torch.ones(2))
        self.register_buffer("segment_from", torch.tensor(4.0))
        self.register_buffer("segment_to", torch.tensor(3.0))

    def forward(self, given: Tensor) -> tuple[Tensor, Tensor]:
        """(n, N_INPUTS, TIMES) to the logits that a change is there: over time (n, WINDOW), and
        over the map (n, FREQS, TIMES)."""
        whole = self.again(self.read(given) + self.position)  # [n, 48, 32]
        half = self.halve(whole)  # [n, 48, 16]
        quarter = self.quarter(half)  # [n, 48, 8]
        quarter = quarter + self.mix(quarter)
        half = self.join_quarter(torch.cat([half, interpolate(quarter, scale_factor=2)], 1))
        whole = self.join_half(torch.cat([whole, interpolate(half, scale_factor=2)], 1))
        written = self.write(whole)  # [n, 42, 32]
        return written[:, :SAMPLES].mT.flatten(1), written[:, SAMPLES:]

    def network_input(
        self, beat_mv: Tensor, image: Tensor, generated: Tensor, nearest: Tensor, median_mv: Tensor
    ) -> Tensor:
        """What the network reads, (n, N_INPUTS, TIMES). image, generated: (n, 2, 32, 32); nearest:
        (n, k) rows of the remembered traces; beat_mv and median_mv, of its record: (n, WINDOW).

        Raises BadInput where nothing was learnt (main.py --no-error-map).
        """
        if not len(self.traces):
            raise BadInput(
                "this checkpoint knows nothing of where errors are: "
                "train again without --no-error-map"
            )
        normal_mv = self.traces[nearest].float()  # [n, k, 320]
        mean_mv, scale = normal_mv.mean(1), spectrogram.beat_scale(beat_mv)
        spread_mv = (normal_mv - mean_mv[:, None]).square().mean(1).sqrt()
        off_mv = beat_mv - mean_mv
        traces = [
            TRACE_GAIN * off_mv / scale,
            TRACE_GAIN * spread_mv / scale,
            (off_mv.abs() / (spread_mv + SPREAD_MV)).clamp_max(RATIO_MOST) / RATIO_SCALE,
            TRACE_GAIN * (beat_mv - median_mv) / scale,
        ]
        return torch.cat(
            [
                image.flatten(1, 2),  # [n, 64, 32]
                (image - generated).flatten(1, 2),
                *(trace.unflatten(1, (TIMES, SAMPLES)).mT for trace in traces),  # [n, 10, 32] each
                scale.log()[:, :, None].expand(-1, 1, TIMES),
            ],
            1,
        )

    def fit(
        self,
        normals_mv: np.ndarray,
        medians_mv: np.ndarray,
        make_input: Callable[[Tensor, Tensor], Tensor],
        seed: int,
    ) -> None:
        """Learn from normal beats and the median beats of their records, both (n, WINDOW).
        make_input: the two to what the network reads, as at any later time."""
        steps = max(FEWEST_STEPS, int(PASSES * len(normals_mv) / BATCH))
        with torch.random.fork_rng(devices=[]):
            # Start anew, whatever was learned before.
            torch.manual_seed(seed)
            self.apply(start_anew)
            nn.init.zeros_(self.position)
            optimizer = torch.optim.AdamW(
                self.parameters(), LEARNING_RATE, (0.9, 0.99), weight_decay=1e-3, fused=True
            )
            rate = torch.optim.lr_scheduler.OneCycleLR(
                optimizer, LEARNING_RATE, steps, cycle_momentum=False
            )
            self.train()
            for _ in range(steps):
                rows = torch.randint(len(normals_mv), (BATCH,)).numpy()
                normal_mv, median_mv = (
                    torch.as_tensor(mv[rows]).to(self.mean.device)
                    for mv in (normals_mv, medians_mv)
                )
                descend(optimizer, self._loss(normal_mv, median_mv, make_input))
                rate.step()
        self.eval()

    def _loss(
        self,
        normal_mv: Tensor,
        median_mv: Tensor,
        make_input: Callable[[Tensor, Tensor], Tensor],
    ) -> Tensor:
        """Cross-entropy of where a change is, on as many normal beats as corrupted ones."""
        corrupted_mv = normal_mv.clone()
        half = len(normal_mv) // 2
        noise = half + int(half * DISTURBED)
        early = half + int(half * (DISTURBED + LOCATED_ECTOPIC))
        corrupted_mv[half:noise] = disturbed(normal_mv[half:noise])
        corrupted_mv[noise:early] = ectopic(normal_mv[noise:early], normal_mv[: early - noise])
        corrupted_mv[early:] = synthetic(normal_mv[early:])
        with torch.no_grad():
            given = make_input(corrupted_mv, median_mv)
            true_over_time, true_over_map = departures(normal_mv, corrupted_mv)
        over_time, over_map = self(given)
        return binary_cross_entropy_with_logits(
            over_time, true_over_time
        ) + binary_cross_entropy_with_logits(over_map, true_over_map)

    def calibrate(self, over_time: np.ndarray, over_map: np.ndarray) -> None:
        """Logits of normal beats (n, WINDOW) and (n, FREQS, TIMES) that nothing was trained on, to
        what is usual, and the segments' levels."""
        self.mean.copy_(torch.tensor([over_time.mean(), over_map.mean()]))
        self.std.copy_(torch.tensor([over_time.std(), over_map.std()]))
        highest = (over_time.max(1) - over_time.mean()) / over_time.std()  # [n]
        self.segment_from.fill_(float(np.quantile(highest, 1 - SEGMENT_RATE)))
        even_odds = -self.mean[0] / self.std[0]  # a logit of 0
        self.segment_to.copy_(torch.minimum(even_odds, self.segment_from))

    def standard(
        self, over_time: np.ndarray, over_map: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Logits to standard deviations above the usual, 0 below it."""
        (mean, mean_of_map), (deviation, deviation_of_map) = self.mean.tolist(), self.std.tolist()
        over_time = np.maximum((over_time - mean) / deviation, 0)
        return over_time, np.maximum((over_map - mean_of_map) / deviation_of_map, 0)

    def scaled_by_departure(self, error: np.ndarray, departure_mv: np.ndarray) -> np.ndarray:
        """(n, WINDOW) error over time and difference to the median beat in mV to an error that,
        beyond the level of segments, grows with the difference. There it is certain that something
        is abnormal, and the strongest point should be where the most is: an early beat's QRS, not
        the T wave in front of it."""
        beyond = np.maximum(error - self.segment_from.item(), 0)
        size = np.log1p(gaussian_filter1d(np.abs(departure_mv), SIZE_SAMPLES, axis=1) / SIZE_MV)
        return error + (beyond > 0) * SIZE_SHARE * (size - beyond)

    def segments(self, error: np.ndarray) -> list[list[tuple[float, float]]]:
        """(n, WINDOW) error over time to the segments of each beat, (start_s, end_s) from R."""
        inside = in_segment(error, self.segment_from.item(), self.segment_to.item())
        return [segments(row) for row in inside]


def in_segment(error: np.ndarray, segment_from: float, segment_to: float) -> np.ndarray:
    """(n, WINDOW) to bool: runs above segment_to that reach segment_from somewhere."""
    along_time = [[0, 0, 0], [1, 1, 1], [0, 0, 0]]  # runs of one beat do not touch another's
    runs = label(error > segment_to, along_time)[0]
    return np.isin(runs, np.setdiff1d(runs[error > segment_from], [0]))


def segments(inside: np.ndarray) -> list[tuple[float, float]]:
    """(WINDOW,) bool to [(start_s, end_s), ...] in s from the R peak."""
    edges = np.flatnonzero(np.diff(np.pad(inside.astype(int), 1))).reshape(-1, 2)
    return [((start - BEFORE) / FS_HZ, (end - BEFORE) / FS_HZ) for start, end in edges.tolist()]


def mean_traces(beats_mv: np.ndarray, nearest: np.ndarray, points: Tensor) -> Tensor:
    """Normal beats (n, WINDOW) and the remembered point (n,) that each is nearest to, of points
    (m, d), to the mean trace of each point's beats: (m, WINDOW) float16, mV.

    A point with fewer than FEWEST has the trace of the nearest one with more, so that none is a
    single beat of anyone.
    """
    nearest = torch.as_tensor(nearest).long()
    blank = torch.zeros(len(points), WINDOW)
    traces = means(torch.as_tensor(beats_mv), nearest, blank)
    enough = torch.bincount(nearest, minlength=len(points)).to(points.device) >= FEWEST
    if enough.any():
        lender = torch.cdist(points[~enough], points[enough]).argmin(1)
        traces[~enough.cpu()] = traces[enough.cpu()][lender.cpu()]
    return traces.half().to(points.device)


def departures(normal_mv: Tensor, corrupted_mv: Tensor) -> tuple[Tensor, Tensor]:
    """Where beats (n, WINDOW) depart from the normal ones that they were made of: (n, WINDOW) and
    (n, FREQS, TIMES), 1 there and 0 elsewhere."""
    # In the trace: short gaps are closed by widening, then narrowing.
    qrs_mv = normal_mv[:, NARROW_QRS]
    height_mv = qrs_mv.amax(1) - qrs_mv.amin(1)
    floor_mv = (FLOOR_OF_HEIGHT * height_mv).clamp_min(FLOOR_MV)[:, None]
    over_time = ((corrupted_mv - normal_mv).abs() > floor_mv).float()[:, None]
    for sign in (1, -1):
        over_time = sign * max_pool1d(sign * over_time, BRIDGED, 1, BRIDGED // 2)

    # In the image, put back into mV.
    normal, corrupted = (
        spectrogram.images(beat_mv) * spectrogram.beat_scale(beat_mv)[:, :, None, None]
        for beat_mv in (normal_mv, corrupted_mv)
    )
    size = torch.hypot(*(corrupted - normal).unbind(1))  # [n, 32, 32]
    least = FLOOR_MV * spectrogram.HANN / 4
    floor = (FLOOR_OF_MAP * size.amax((1, 2), keepdim=True)).clamp_min(least)
    return over_time[:, 0], (size > floor).float()
