"""The original B2I-GAN: how far training gets it (--curve), and how fast it trains (--speed).

The curve is its AUC after each check of `--select paper`, which USES LABELS, as published: they
choose the epoch. Writes curve.csv and checkpoint.pt to OUTF/b2igan-original/PROTOCOL/foldK/;
--resume goes on after the last whole epoch. The speed is that of its step as published and as here,
with a discriminator that learns (live) and one without gradient (dead); last, one JSON object.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torch.optim import Optimizer

import options
from experiments.training.checkpoint import load
from experiments.training.device import autocast
from experiments.training.loop import train
from experiments.training.protocols import Split, split
from models.compared._layers import initialise
from models.compared.b2igan_original import B2IGANOriginal
from models.steps import COLLAPSED
from preprocess import dataset, spectrogram
from preprocess.beats import Beats
from preprocess.dataset import Dataset
from preprocess.files import whole_file

ORIGINAL = "b2igan-original"
OPTIONS = B2IGANOriginal.defaults | {"w_adv": 1.0, "seed": 0}
LOGGED = ["d_loss", "d_saturated"]  # columns of train_log.csv that stand in the curve too


def main(argv=None):
    opt = parse(argv)
    return curve(opt) if opt.curve else speed(opt)


def parse(argv):
    made = options.study(
        "original",
        "How the AUC of the original B2I-GAN moves with training, or how fast it trains.",
        f"--curve --dataroot {options.DATASET}/decibel --niter 30 --checks 4 --resume",
        groups="data training",
    )
    what = made.add_mutually_exclusive_group(required=True).add_argument
    what("--curve", action="store_true", help="train it, and write curve.csv")
    what("--speed", action="store_true", help="time its step, on images of noise")
    add = made.add_argument
    scored = "so many beats of the validation, and of the test, are scored at each check"
    add("--scored", type=options.integer(100), default=4000, metavar="N", help=scored)
    add("--steps", type=options.integer(1), default=5, metavar="N", help="timed of each way")
    made.set_defaults(model=ORIGINAL, select="paper", error_map=False, context="none")
    return made.parse_args(argv)


# --- the original's way ---------------------------------------------------------------------------


def original_image(beat_mv: np.ndarray) -> np.ndarray:
    """librosa 0.8's stft and amplitude_to_db of one beat, then the area resize: (320,) to
    (128, 128)."""
    n_fft, hann = spectrogram.N_FFT, spectrogram.HANN
    padded = np.pad(beat_mv, n_fft // 2, mode="reflect")
    window = np.zeros(n_fft)
    start = (n_fft - hann) // 2
    window[start : start + hann] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(hann) / hann)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[:: spectrogram.DECIBEL_HOP]
    power = np.abs(np.fft.rfft(frames * window, axis=1).T)  # [129, 161]
    decibel = 20 * np.log10(np.maximum(power, 1e-5))
    decibel = np.maximum(decibel, decibel.max() - spectrogram.DECIBEL_RANGE_DB)
    decibel = decibel[:, spectrogram.DECIBEL_COLUMNS]  # [129, 140]
    rows, columns = (spectrogram.area_weights(n, spectrogram.DECIBEL_SIZE) for n in decibel.shape)
    return rows @ decibel @ columns.T


def published_step(
    generator: nn.Module,
    discriminator: nn.Module,
    optimizers: Mapping[str, Optimizer],
    real: Tensor,
    w_adv: float,
) -> dict[str, float]:
    """The original's step, operation by operation, on real (n, 1, 128, 128) in [-1, 1].

    The generator runs for each update, and every loss sends gradients to all it depends on.
    Returns its losses, under the names of `training_step`.
    """
    cross_entropy = nn.BCELoss()
    optimizers["discriminator"].zero_grad()
    on_real, _ = discriminator(real)
    on_fake, _ = discriminator(generator(real))
    p_real, p_fake = on_real.float().sigmoid(), on_fake.float().sigmoid()
    real_loss = cross_entropy(p_real, torch.ones_like(p_real))
    d_loss = real_loss + cross_entropy(p_fake, torch.zeros_like(p_fake))
    d_loss.backward()
    optimizers["discriminator"].step()

    optimizers["generator"].zero_grad()
    fake = generator(real)
    _, of_fake = discriminator(fake)
    _, of_real = discriminator(real)
    feature_matching, reconstruction = mse_loss(of_fake, of_real), mse_loss(fake, real)
    (reconstruction + w_adv * feature_matching).backward()
    optimizers["generator"].step()
    if d_loss < COLLAPSED:
        discriminator.apply(initialise)
    return {
        "d_loss": d_loss.item(),
        "g_rec": reconstruction.item(),
        "g_adv": feature_matching.item(),
    }


# --- the curve ------------------------------------------------------------------------------------


def curve(opt):
    data = dataset.load(opt.dataroot)
    rows = split(data.index, opt.protocol, opt.folder, opt.select)
    folder = Path(opt.outf) / ORIGINAL / opt.protocol / f"fold{opt.folder}"
    watch = Watch(data, rows, opt, folder / "curve.csv")
    trained = train(data, rows, opt, folder, watch)
    watch.write(trained.epoch)
    dead = np.mean([epoch["d_saturated"] for epoch in trained.log])
    print(f"steps in which the discriminator had no gradient: {dead:.1%}")
    print(f"epoch of the best labelled validation AUC: {trained.best['auc']:.4f}; {folder}")


class Watch:
    """Scores validation and test beats, with batch norm by running statistics and by those of the
    batch, and adds a row to curve.csv."""

    def __init__(self, data: Dataset, rows: Split, opt, path: Path):
        self.data, self.classes, self.opt, self.path = data, rows.classes, opt, path
        # In an order of chance: that of batches whose statistics are taken.
        order = np.random.default_rng(0).permutation
        self.parts = {
            "validation": order(rows.select)[: opt.scored],
            "test": order(rows.test)[: opt.scored],
        }
        self.table = self._earlier()

    def _earlier(self) -> list[dict]:
        """Rows of the epochs that a resumed training keeps."""
        checkpoint = self.path.with_name("checkpoint.pt")
        if not (self.opt.resume and self.path.exists() and checkpoint.exists()):
            return []
        table = pd.read_csv(self.path)
        return table[table["epochs"] <= load(checkpoint).epoch].to_dict("records")

    def __call__(self, detector: B2IGANOriginal, epoch: int) -> None:
        row = {"epochs": (len(self.table) + 1) / (self.opt.checks or 1)}
        for mode in ("eval", "train"):
            for part, chosen in self.parts.items():
                row |= self._figures(detector, chosen, mode, f"{part}_{mode}")
        self.table.append({name: round(value, 4) for name, value in row.items()})
        self.write(epoch)
        print(self.table[-1], flush=True)

    def write(self, finished: int) -> None:
        """curve.csv, with what train_log.csv says of the discriminator in each finished epoch."""
        table = pd.DataFrame(self.table)
        if finished and len(table):
            log = pd.read_csv(self.path.with_name("train_log.csv")).set_index("epoch")[:finished]
            epoch = np.ceil(table["epochs"])
            for name in LOGGED:
                table[name] = epoch.map(log[name]).round(4)
        with whole_file(self.path) as new:
            table.to_csv(new, index=False)

    def _figures(self, detector, chosen, mode, name) -> dict[str, float]:
        precision = autocast(self.opt.amp, detector.device)
        with torch.no_grad(), batch_norm(detector, mode), precision:
            scores = np.concatenate(
                [
                    detector.squared_error(self._image(batch, detector)).mean((1, 2, 3)).cpu()
                    for batch in np.array_split(chosen, max(1, len(chosen) // 64))
                ]
            )
        classes = self.classes[chosen]
        result = {
            name: roc_auc_score(classes != "N", scores),
            f"{name}_ap": average_precision_score(classes != "N", scores),
        }
        if name == "test_eval":
            result["rec_normal"] = scores[classes == "N"].mean()
            for abnormal in "SVF":
                kept = np.isin(classes, ["N", abnormal])
                result[abnormal] = roc_auc_score(classes[kept] == abnormal, scores[kept])
        return result

    def _image(self, batch, detector):
        return torch.as_tensor(self.data.beats(batch).image, device=detector.device)


@contextlib.contextmanager
def batch_norm(detector: nn.Module, mode: str) -> Iterator[None]:
    """Within, batch norm of a detector in training goes by its running statistics ("eval") or by
    those of the batch ("train"), and the running ones stay as they are."""
    norms = [m for m in detector.modules() if isinstance(m, nn.BatchNorm2d)]
    running = [{name: value.clone() for name, value in n.named_buffers()} for n in norms]
    detector.train(mode == "train")
    try:
        yield
    finally:
        detector.train()
        for norm, values in zip(norms, running, strict=True):
            for name, value in values.items():
                getattr(norm, name).copy_(value)


# --- the speed ------------------------------------------------------------------------------------


def speed(opt):
    """Prints beats a second of each way to take a step; returns them as a dict.

    A step of each is taken in turn, so that what else a machine does meets all of them alike.
    """
    n = opt.batchsize or OPTIONS["batchsize"]
    shape = spectrogram.SETTINGS[B2IGANOriginal.image].shape
    image = np.random.default_rng(0).random((n, *shape), np.float32)
    ways = {
        "as published, live": (as_published(image), "off"),
        "as here, live": (as_here(image), "off"),
        "as here, dead": (as_here(image, dead=True), "off"),
        "as here, live, bfloat16": (as_here(image), "bfloat16"),
        "as here, dead, bfloat16": (as_here(image, dead=True), "bfloat16"),
    }
    seconds = in_turn(ways, opt.steps)
    result = {
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "batchsize": n,
        "beats_per_s": {name: n / wall for name, (wall, _) in seconds.items()},
        "beats_per_cpu_s": {name: n / cpu for name, (_, cpu) in seconds.items()},
    }
    slowest = result["beats_per_cpu_s"]["as published, live"]
    for name, wall in result["beats_per_s"].items():
        cpu = result["beats_per_cpu_s"][name]
        print(f"{name:24s}{wall:8.1f} beats/s{cpu:8.1f} a processor second  x {cpu / slowest:.2f}")
    print(json.dumps(result))
    return result


def as_published(image: np.ndarray) -> Callable[[], dict]:
    """A step on images (n, 1, 128, 128). Tensors lie in memory as published, channel by channel."""
    detector = B2IGANOriginal(OPTIONS).to(memory_format=torch.contiguous_format)
    real, optimizers = torch.as_tensor(image) * 2 - 1, detector.optimizers()
    networks = detector.generator, detector.discriminator
    return lambda: published_step(*networks, optimizers, real, OPTIONS["w_adv"])


def as_here(image: np.ndarray, dead: bool = False) -> Callable[[], dict]:
    """The same; dead: with a discriminator whose loss has no gradient."""
    detector, n = B2IGANOriginal(OPTIONS), len(image)
    if dead:
        kill(detector)
    beats = Beats(image, np.zeros((n, 0)), np.zeros(n), np.zeros(n), np.zeros((n, 3)))
    return lambda: detector.training_step(beats)


def kill(detector: B2IGANOriginal) -> None:
    """Sets the discriminator's last layer so that all its logits are far above 20: features, after
    LeakyReLU, are positive in the mean."""
    nn.init.ones_(detector.discriminator.encoder.head.weight)


def in_turn(
    ways: dict[str, tuple[Callable[[], dict], str]], n: int
) -> dict[str, tuple[float, float]]:
    """{name: (function, precision)} to the median seconds of a call, of the clock and of the
    processor; the first round warms up."""
    taken = {name: [] for name in ways}
    for _ in range(n + 1):
        for name, (function, amp) in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            with autocast(amp, torch.device("cpu")):
                function()
            taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {name: tuple(np.median(values[1:], 0).tolist()) for name, values in taken.items()}


if __name__ == "__main__":
    options.command(main)
