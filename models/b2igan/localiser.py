"""Where a beat is abnormal: a network that has learned to find where normal beats were made wrong.

    the beat, its generated normal version, the normal beats nearest to it, its recording's median beat
        --> error in time x frequency, and over time

A difference alone does not do: normal beats differ from each other where waves are steep or patients are noisy, and a
large change moves the generated version, so that the error spreads; and what is normal in one patient is not in
another. The network is shown all of them, and from anomalies made of normal beats, of which it is known where they
depart, learns what a difference means (in the manner of DRAEM:
Zavrtanik V, Kristan M, Skocaj D. A discriminatively trained reconstruction embedding for surface anomaly detection.
ICCV 2021). No label of any abnormal beat is involved.
"""

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d, label
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate, max_pool1d

from models.detector import step
from preprocess import BadInput, spectrogram
from preprocess.beats import BEFORE, WINDOW
from preprocess.records import FS_HZ
from preprocess.synthetic import disturbed, ectopic, synthetic

FREQS, TIMES = spectrogram.COMPLEX.shape[1:]
SAMPLES = WINDOW // TIMES  # of a trace that belong to one column of the image
CHANNELS = 4 * FREQS + 4 * SAMPLES + 1
WIDTH, MIXED = 48, 128
BATCH, PASSES, FEWEST_STEPS, LEARNING_RATE = 128, 2, 150, 3e-3
DISTURBED = 0.3  # share of the anomalies that are noise of some band, slow shifts included
ECTOPIC = 0.15  # and share that are early beats of another shape
FLOOR_MV, FLOOR_OF_HEIGHT = 0.05, 0.04  # a departure counts above both
FLOOR_OF_MAP = 0.25  # and in time x frequency above this share of its largest value
BRIDGED = 7  # samples: shorter gaps between departures (20 ms) are none
SPREAD_MV = 0.03  # noise of a lead, added to the spread of normal beats
SIZE_MV, SIZE_SAMPLES, SIZE_SHARE = (
    0.1,
    3,
    0.8,
)  # beyond the marks' level, how much the size of a departure counts
MARKED = 0.02  # share of held-out normal beats that have any mark


class Localiser(nn.Module):
    """Errors are in standard deviations of held-out normal beats. A span is marked where the error over time reaches
    `mark_from`, which MARKED of the normal beats do anywhere, and goes on for as long as it stays above `mark_to`: where
    the network holds a change for likelier than none.
    """

    def __init__(self):
        super().__init__()
        self.read, self.again = convolution(CHANNELS, WIDTH), convolution(WIDTH, WIDTH)
        self.place = nn.Parameter(torch.zeros(WIDTH, TIMES))  # P, QRS and T come at certain times
        self.halve, self.quarter = convolution(WIDTH, WIDTH, 2), convolution(WIDTH, WIDTH, 2)
        flat = WIDTH * TIMES // 4
        self.mix = nn.Sequential(
            nn.Flatten(),
            nn.Linear(flat, MIXED),
            nn.LeakyReLU(0.1),
            nn.Linear(MIXED, flat),
            nn.Unflatten(1, (WIDTH, TIMES // 4)),
        )
        self.join_quarter, self.join_half = (
            convolution(2 * WIDTH, WIDTH),
            convolution(2 * WIDTH, WIDTH),
        )
        self.write = nn.Conv1d(WIDTH, SAMPLES + FREQS, 3, 1, 1)
        self.register_buffer("traces", torch.zeros(0, WINDOW, dtype=torch.float16))
        for name, value in (
            ("mean", torch.zeros(2)),
            ("std", torch.ones(2)),
            ("mark_from", torch.tensor(4.0)),
            ("mark_to", torch.tensor(3.0)),
        ):
            self.register_buffer(name, value)

    def forward(self, shown):
        """(n, CHANNELS, TIMES) to the logits that a change is there: over time (n, WINDOW), map (n, FREQS, TIMES)."""
        whole = self.again(self.read(shown) + self.place)
        half = self.halve(whole)
        quarter = self.quarter(half)
        quarter = quarter + self.mix(quarter)
        half = self.join_quarter(torch.cat([half, interpolate(quarter, scale_factor=2)], 1))
        written = self.write(
            self.join_half(torch.cat([whole, interpolate(half, scale_factor=2)], 1))
        )
        return written[:, :SAMPLES].mT.flatten(1), written[:, SAMPLES:]

    def show(self, beat_mv, image, generated, nearest, usual_mv):
        """What the network reads. image, generated: (n, 2, 32, 32); nearest: (n, k) rows of the remembered traces;
        beat_mv, usual_mv: (n, WINDOW).
        Raises BadInput where nothing was learnt (main.py --no-error-map)."""
        if not len(self.traces):
            raise BadInput(
                "this checkpoint knows nothing of where errors are: train again without --no-error-map"
            )
        normal_mv = self.traces[nearest].float()
        mean_mv, scale = normal_mv.mean(1), spectrogram.beat_scale(beat_mv)
        spread_mv = (normal_mv - mean_mv[:, None]).square().mean(1).sqrt()
        off_mv = beat_mv - mean_mv
        traces = [
            3 * off_mv / scale,
            3 * spread_mv / scale,
            (off_mv.abs() / (spread_mv + SPREAD_MV)).clamp_max(20) / 5,
            3 * (beat_mv - usual_mv) / scale,
        ]
        return torch.cat(
            [
                image.flatten(1, 2),
                (image - generated).flatten(1, 2),
                *(trace.unflatten(1, (TIMES, SAMPLES)).mT for trace in traces),
                scale.log()[:, :, None].expand(-1, 1, TIMES),
            ],
            1,
        )

    def fit(self, normals_mv, usual_mv, show, seed):
        """Learn from normal beats and the usual beats of their recordings, both (n, WINDOW). show: the two in mV to what
        the network reads, as at any later time."""
        steps = max(FEWEST_STEPS, PASSES * len(normals_mv) // BATCH)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.apply(
                lambda module: (
                    module.reset_parameters() if hasattr(module, "reset_parameters") else None
                )
            )
            nn.init.zeros_(self.place)
            optimizer = torch.optim.AdamW(
                self.parameters(), LEARNING_RATE, (0.9, 0.99), weight_decay=1e-3
            )
            rate = torch.optim.lr_scheduler.OneCycleLR(
                optimizer, LEARNING_RATE, steps, cycle_momentum=False
            )
            self.train()
            for _ in range(steps):
                rows = torch.randint(len(normals_mv), (BATCH,)).numpy()
                self._step(
                    optimizer,
                    *(
                        torch.as_tensor(mv[rows]).to(self.mean.device)
                        for mv in (normals_mv, usual_mv)
                    ),
                    show,
                )
                rate.step()
        self.eval()

    def _step(self, optimizer, normal_mv, usual_mv, show):
        """One step on as many normal beats as anomalies."""
        wrong_mv = normal_mv.clone()
        half = len(wrong_mv) // 2
        noise, early = half + int(half * DISTURBED), half + int(half * (DISTURBED + ECTOPIC))
        wrong_mv[half:noise] = disturbed(normal_mv[half:noise])
        wrong_mv[noise:early] = ectopic(normal_mv[noise:early], normal_mv[: early - noise])
        wrong_mv[early:] = synthetic(normal_mv[early:])
        with torch.no_grad():
            shown, truth = show(wrong_mv, usual_mv), departures(normal_mv, wrong_mv)
        loss = sum(
            binary_cross_entropy_with_logits(logit, true) for logit, true in zip(self(shown), truth)
        )
        step(optimizer, loss)

    def calibrate(self, over_time, over_map):
        """Logits of held-out normal beats (n, WINDOW) and (n, FREQS, TIMES) to what is usual, and the marks' levels."""
        self.mean.copy_(torch.tensor([over_time.mean(), over_map.mean()]))
        self.std.copy_(torch.tensor([over_time.std(), over_map.std()]))
        highest = (over_time.max(1) - over_time.mean()) / over_time.std()
        self.mark_from.fill_(float(np.quantile(highest, 1 - MARKED)))
        self.mark_to.copy_(torch.minimum(-self.mean[0] / self.std[0], self.mark_from))

    def standard(self, logits, which):
        """Logits over time (which 0) or of the map (1), an array, to standard deviations above the usual, 0 below it."""
        return np.maximum((logits - self.mean[which].item()) / self.std[which].item(), 0)

    def sized(self, error, departure_mv):
        """(n, WINDOW) error over time and difference to the usual beat in mV to an error that, beyond the level of marks,
        grows with the difference. There it is certain that something is wrong, and the strongest point should be where
        the most is wrong: an early beat's QRS, not the T wave in front of it."""
        beyond = np.maximum(error - self.mark_from.item(), 0)
        size = np.log1p(gaussian_filter1d(np.abs(departure_mv), SIZE_SAMPLES, axis=1) / SIZE_MV)
        return error + (beyond > 0) * SIZE_SHARE * (size - beyond)

    def spans(self, error):
        """(n, WINDOW) error over time to the marked spans of each beat: [[(start_s, end_s), ...], ...] from R."""
        return [spans(row) for row in marked(error, float(self.mark_from), float(self.mark_to))]


def convolution(n_in, n_out, stride=1):
    return nn.Sequential(
        nn.Conv1d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm1d(n_out), nn.LeakyReLU(0.1)
    )


def departures(normal_mv, wrong_mv):
    """Where beats (n, WINDOW) depart from the normal ones that they were made of: (n, WINDOW) and (n, FREQS, TIMES), 1
    there and 0 elsewhere."""
    qrs_mv = normal_mv[:, BEFORE - 22 : BEFORE + 29]
    floor_mv = (FLOOR_OF_HEIGHT * (qrs_mv.amax(1) - qrs_mv.amin(1))).clamp_min(FLOOR_MV)[:, None]
    over_time = ((wrong_mv - normal_mv).abs() > floor_mv).float()[:, None]
    for sign in (1, -1):  # widen, then narrow
        over_time = sign * max_pool1d(sign * over_time, BRIDGED, 1, BRIDGED // 2)
    in_mv = [
        spectrogram.images(beat_mv) * spectrogram.beat_scale(beat_mv)[:, :, None, None]
        for beat_mv in (normal_mv, wrong_mv)
    ]
    size = torch.hypot(*(in_mv[1] - in_mv[0]).unbind(1))
    floor = (FLOOR_OF_MAP * size.amax((1, 2), keepdim=True)).clamp_min(
        FLOOR_MV * spectrogram.HANN / 4
    )
    return over_time[:, 0], (size > floor).float()


def marked(error, mark_from, mark_to):
    """(n, WINDOW) to bool: runs above mark_to that reach mark_from somewhere."""
    runs = label(error > mark_to, [[0, 0, 0], [1, 1, 1], [0, 0, 0]])[0]
    return np.isin(runs, np.setdiff1d(runs[error > mark_from], [0]))


def spans(is_marked):
    """(WINDOW,) bool to [(start_s, end_s), ...] in s from the R peak."""
    edges = np.flatnonzero(np.diff(np.pad(is_marked.astype(int), 1))).reshape(-1, 2)
    return [((start - BEFORE) / FS_HZ, (end - BEFORE) / FS_HZ) for start, end in edges.tolist()]
