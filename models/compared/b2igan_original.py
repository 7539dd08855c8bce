"""The original B2I-GAN: its network on its image (dB, 128 x 128), scored by its reconstruction
error."""

from collections.abc import Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, mse_loss
from torch.optim import Adam, Optimizer

from models.compared._layers import initialise, min_max, to_unit
from models.detector import Detector
from models.steps import COLLAPSED, descend
from preprocess.beats import Beats

WIDTHS, STRIDES = (32, 64, 128, 256, 512), (2, 2, 2, 2, 1)
IMAGE_KERNEL = 7  # as long as what the strides leave
IMAGE_LATENT = 50
# Of running statistics. The original runs its generator twice a step on the same batch with the
# same weights, 0.1 each; here one pass counts for both. (Those of the discriminator, which is used
# in training alone, have no say in anything.)
PASSES_A_STEP, MOMENTUM = 2, 0.1
MOMENTUM_OF_BOTH = 1 - (1 - MOMENTUM) ** PASSES_A_STEP


class B2IGANOriginal(Detector):
    """github.com/dlgosla/B2I-GAN: 8,084,288 weights in the generator, 2,812,800 in the
    discriminator.

    Each image is scaled to [-1, 1] by its own extremes. Scores are mean squared reconstruction
    errors, in eval mode; with --select paper the epoch is chosen by scores in train mode, as the
    original did. Losses, weights and Adam's moments are the original's within rounding (tests
    compare them with the published step), with less of its arithmetic.

    Its discriminator dies: once all its sigmoids are 1 in float32 the loss is 100 and its gradient
    exactly zero. What is left trains an autoencoder with feature matching against a frozen network.
    `d_saturated` is 1 in such a step; in train_log.csv, the share of them in an epoch.
    """

    image = "decibel"
    most_normals = 2048

    def __init__(self, opt: Mapping):
        super().__init__(opt)
        self.build()
        self.apply(initialise)
        self.to(memory_format=torch.channels_last)
        for norm in _norms(self.generator):
            norm.momentum = MOMENTUM_OF_BOTH
        # Mean squared error of each pixel or sample of normal beats.
        self.register_buffer("normal_error", torch.ones(1))
        self._optimizers = {}

    def build(self) -> None:
        """Makes the networks."""
        self.generator, self.discriminator = Generator(), Discriminator()

    def optimizers(self) -> dict[str, Optimizer]:
        if not self._optimizers:
            for name in ("generator", "discriminator"):
                weights = getattr(self, name).parameters()
                self._optimizers[name] = Adam(weights, lr=self.opt["lr"], betas=(0.5, 0.999))
        return self._optimizers

    def training_step(self, beats: Beats) -> dict[str, float]:
        steps = self.optimizers()
        real = self.scaled(torch.as_tensor(self.read(beats), device=self.device))
        # Serves both updates: the first does not touch the generator.
        fake = self.generator(real)
        on_real, of_real = self.discriminator(real)
        on_fake, of_fake = self.discriminator(fake)
        d_loss, saturated = discriminator_loss(on_real, on_fake)
        if saturated:
            has_moved = descend_without_gradient(steps["discriminator"])
        else:
            descend(steps["discriminator"], d_loss)
            has_moved = True
        if has_moved:  # then its features are others
            with torch.no_grad():
                _, of_real = self.discriminator(real)
            _, of_fake = self.discriminator(fake)

        # Feature matching (BeatGAN, Zhou et al., IJCAI 2019); no gradient for the discriminator.
        feature_matching = mse_loss(of_fake, of_real.detach())
        reconstruction = mse_loss(fake, real)
        descend(steps["generator"], reconstruction + self.opt["w_adv"] * feature_matching)
        if d_loss < COLLAPSED:
            self.discriminator.apply(initialise)
        return {
            "d_loss": d_loss.item(),
            "d_saturated": float(saturated),
            "g_rec": reconstruction.item(),
            "g_adv": feature_matching.item(),
        }

    def finish(self, normals: Beats, calibration: Beats) -> None:
        """Remembers how large the error of each pixel or sample is on normal beats, the unit of
        error_map."""
        error = self.in_chunks(self.squared_error, self.read(calibration)[: self.most_normals])
        self.normal_error = torch.as_tensor(error.mean(0) + 1e-6, device=self.device)

    def score(self, beats: Beats, context: str = "none") -> np.ndarray:
        return self.in_chunks(self.mean_error, self.read(beats)).astype(float)

    def selection_score(self, beats: Beats) -> np.ndarray:
        """As the original validates: in train mode, in shuffled batches, whose statistics then
        move the running ones. Those of the epoch that is kept are of labelled validation beats."""
        given = self.read(beats)
        order = np.random.default_rng(self.opt["seed"]).permutation(len(beats))
        batches = np.array_split(order, max(1, len(order) // self.opt["batchsize"]))
        scores = np.empty(len(beats))
        with torch.no_grad(), _momentum(self.generator, MOMENTUM):
            was_training = self.training
            self.train()
            for batch in batches:
                some = torch.as_tensor(given[batch], device=self.device)
                scores[batch] = self.mean_error(some).cpu().numpy()
            self.train(was_training)
        return scores

    def error_map(self, beats: Beats) -> np.ndarray:
        def relative_error(given: Tensor) -> Tensor:
            return (self.squared_error(given) / self.normal_error).sqrt()

        return self.in_chunks(relative_error, self.read(beats))

    def generate(self, beats: Beats) -> np.ndarray:
        """Generated beats, in the shape and unit of what is read, on each beat's own scale."""

        def in_its_unit(given: Tensor) -> Tensor:
            return to_unit(self.generator(self.scaled(given)).reshape(given.shape), given)

        return self.in_chunks(in_its_unit, self.read(beats))

    def mean_error(self, given: Tensor) -> Tensor:
        """What is read, (n, ...), to the mean squared error of each beat (n,)."""
        return self.squared_error(given).flatten(1).mean(1)

    def squared_error(self, given: Tensor) -> Tensor:
        """What is read, (n, ...), to the squared error of each of its values."""
        real = self.scaled(given)
        return (self.generator(real) - real).square().reshape(given.shape)

    @staticmethod
    def read(beats: Beats) -> np.ndarray:
        """What of the beats is read: images (n, 1, 128, 128) in dB."""
        return beats.image

    @staticmethod
    def scaled(given: Tensor) -> Tensor:
        """What is read to network input (n, 1, height, width) in [-1, 1], each by its own
        extremes."""
        return min_max(given).contiguous(memory_format=torch.channels_last)


class Encoder(nn.Module):
    """(n, 1, 128, 128) to (n, n_out, 1, 1): 4 x 4 kernels halve the side four times, take one off,
    and 7 x 7 ends it."""

    def __init__(self, n_out: int):
        super().__init__()
        layers, before = [], 1
        for width, stride in zip(WIDTHS, STRIDES, strict=True):
            layers += [nn.Conv2d(before, width, 4, stride, 1, bias=False)]
            if before > 1:
                layers += [nn.BatchNorm2d(width)]
            layers += [nn.LeakyReLU(0.2, inplace=True)]
            before = width
        self.features = nn.Sequential(*layers)  # [n, 512, 7, 7]
        self.head = nn.Conv2d(before, n_out, IMAGE_KERNEL, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.features(image))


class Decoder(nn.Sequential):
    """(n, IMAGE_LATENT, 1, 1) to (n, 1, 128, 128) in [-1, 1]: the Encoder backwards."""

    def __init__(self):
        layers, before = [], IMAGE_LATENT
        kernels = [(IMAGE_KERNEL, 1, 0), *((4, stride, 1) for stride in reversed(STRIDES[1:]))]
        for width, (kernel, stride, padding) in zip(reversed(WIDTHS), kernels, strict=True):
            layers += [
                nn.ConvTranspose2d(before, width, kernel, stride, padding, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            before = width
        last = nn.ConvTranspose2d(before, 1, 4, STRIDES[0], 1, bias=False)
        super().__init__(*layers, last, nn.Tanh())


class Generator(nn.Module):
    """An autoencoder: image (n, 1, 128, 128) to its generated normal version, of the same shape."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(IMAGE_LATENT), Decoder()

    def forward(self, image: Tensor) -> Tensor:
        return self.decoder(self.encoder(image))


class Discriminator(nn.Module):
    """Image to (logit (n,), features before the last layer (n, 512, 7, 7)): high where the image is
    real."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder(1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.encoder.features(image)
        return self.encoder.head(features).flatten(), features


def discriminator_loss(on_real: Tensor, on_fake: Tensor) -> tuple[Tensor, bool]:
    """Logits of real and generated images, (n,) each, to the binary cross-entropy of their sigmoids
    and whether its gradient is exactly zero.

    As published: not of logits, and in float32 whatever the precision around it. A logit above 16.6
    has the sigmoid 1, and the logarithm of 1 - 1 is held at -100.
    """
    with torch.autocast(on_real.device.type, enabled=False):
        p_real, p_fake = on_real.float().sigmoid(), on_fake.float().sigmoid()
        real_loss = binary_cross_entropy(p_real, torch.ones_like(p_real))
        fake_loss = binary_cross_entropy(p_fake, torch.zeros_like(p_fake))
    p = torch.cat([p_real, p_fake]).detach()
    return real_loss + fake_loss, not (p * (1 - p)).any()


def descend_without_gradient(optimizer: Optimizer) -> bool:
    """A step of Adam whose gradients are all zero: its moments fade, and until they are gone they
    move weights. Returns whether any has moved."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    before = [weight.detach().clone() for weight in weights]
    for weight in weights:
        weight.grad = torch.zeros_like(weight)
    # Autograd counts every write to a weight, also one that changes nothing, and would then refuse
    # a backward pass through what was computed before.
    with torch.autograd._unsafe_preserve_version_counter(tuple(weights)):
        optimizer.step()
    torch.clear_autocast_cache()
    return not all(torch.equal(*pair) for pair in zip(weights, before, strict=True))


@contextmanager
def _momentum(module: nn.Module, momentum: float):
    """Within, running statistics move by another share."""
    before = [norm.momentum for norm in _norms(module)]
    try:
        for norm in _norms(module):
            norm.momentum = momentum
        yield
    finally:
        for norm, value in zip(_norms(module), before, strict=True):
            norm.momentum = value


def _norms(module: nn.Module) -> list[nn.BatchNorm2d]:
    return [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]


DETECTOR = B2IGANOriginal
