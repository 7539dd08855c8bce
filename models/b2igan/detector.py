"""B2I-GAN: a GAN on STFT images of normal beats, whose latents and discriminator tell what is abnormal.

Training sees normal beats only, and from them makes its own anomalies (preprocess.synthetic):

    real image --encoder--> latent --decoder--> generated image
    real, synthetic and generated images --discriminator--> features --> whose beat? made wrong? generated?

Reconstruction error is not the score: a good generator rebuilds abnormal beats too. A beat is abnormal when its latent and
its features lie far from those of all remembered normal beats, and when the discriminator thinks it was made wrong.
"""

import math

import numpy as np
import torch
from torch.nn.functional import cross_entropy, mse_loss, softplus

from models.b2igan.context import Context
from models.b2igan.localiser import Localiser
from models.b2igan.memory import FEWEST, Memory, means
from models.b2igan.networks import FREQS, TIMES, Decoder, Discriminator, Encoder
from models.detector import Detector, evenly, step
from preprocess import spectrogram
from preprocess.spectrogram import STORED_AS
from preprocess.synthetic import synthetic

MEMORY, NEIGHBOURS = 4096, 5
ALIKE = 10  # nearest normals that the generated version of a beat is made from; beats to one of the memory
WARM_UP = 0.3  # share of training in which the learning rate rises; it falls to nothing by the end (Smith 2018)
BETAS = (0.9, 0.99)
W_REALITY = 0.02  # of real against generated, beside the classes, in the discriminator's loss
W_FEATURES = (
    0.1  # of feature matching at --w_adv 1, which brings it to the size of the reconstruction loss
)
W_DISTANCE = 1.0  # of keeping the distances between images in the latent space
IMAGE_DISTANCE = 45.0  # an image's 2048 pixels of unit variance, seen as one number: sqrt(2048)
PATIENTS_MET = ("beatgan", "patient")  # protocols whose test patients are among those trained on
COLLAPSED = (
    5e-6  # with a smaller loss the reality logit has nothing left to learn from: it starts anew
)


class B2IGAN(Detector):
    """Parts of the score of a beat alone, all on the scale of held-out normal beats and added up:

    latent      distance to the nearest normal latents (models.memory)
    features    the same for the discriminator's features
    odds        how much likelier the discriminator holds the beat for made wrong than for anyone's real one

    Where the tested patients are among those trained on (protocols `beatgan`, `patient`) all three count and distances
    are in local units. For strangers only the latent does: what the discriminator knows are its own patients, and on
    others it is worse than nothing (on DS1, leaving patients out: features 0.76, odds 0.61, latent 0.91).

    With a context the sum becomes one part, "beat", beside those of models.context; for strangers, whose whole recording
    is at hand, the latent's distance to those of the recording's own normal beats takes its place. `--without` leaves
    parts out.
    """

    contexts = ("none", "rhythm", "record")
    defaults = {"niter": 5, "lr": 4e-3, "batchsize": 256}

    def __init__(self, opt):
        super().__init__(opt)
        self.encoder, self.decoder = Encoder(), Decoder()
        self.discriminator = Discriminator(max(1, len(self.opt.get("records", ()))))
        self.patients_met = self.opt["protocol"] in PATIENTS_MET
        self.names = ("latent", "features", "odds") if self.patients_met else ("latent",)
        self.latents = Memory(NEIGHBOURS, local=self.patients_met)
        self.features = Memory(NEIGHBOURS, local=self.patients_met)
        self.register_buffer("image_unit", torch.ones(()))
        self.register_buffer("part_mean", torch.zeros(len(self.names)))
        self.register_buffer("part_std", torch.ones(len(self.names)))
        self.localiser = Localiser()
        self.context = Context()
        self._optimizers = {}

    def prepare(self, normals):
        """Sets the image's unit, and one class a record: whose beat it is, is no anomaly label."""
        self.opt["records"] = (
            sorted(set(normals.record.tolist())) if self.patients_met else ["anyone"]
        )
        self.discriminator = Discriminator(len(self.opt["records"])).to(self.device)
        self.image_unit.fill_(float(normals.image.std()))

    def optimizers(self):
        if not self._optimizers:
            generator = [*self.encoder.parameters(), *self.decoder.parameters()]
            self._optimizers = {
                "generator": torch.optim.AdamW(generator, self.opt["lr"], BETAS, weight_decay=1e-3),
                "discriminator": torch.optim.AdamW(
                    self.discriminator.parameters(), self.opt["lr"], BETAS, weight_decay=1e-2
                ),
            }
        return self._optimizers

    def begin_step(self, progress):
        """One cycle: a cosine up to the learning rate and another down to nothing."""
        phase = (
            progress / WARM_UP if progress < WARM_UP else 1 - (progress - WARM_UP) / (1 - WARM_UP)
        )
        rate = self.opt["lr"] * (
            0.04 + 0.96 * (1 - math.cos(math.pi * phase)) / 2
            if progress < WARM_UP
            else (1 - math.cos(math.pi * phase)) / 2
        )
        for optimizer in self.optimizers().values():
            for group in optimizer.param_groups:
                group["lr"] = rate

    def training_step(self, beats):
        real = self._image(beats.image)
        with torch.autocast(self.device.type, enabled=False):
            wrong = spectrogram.images(
                synthetic(torch.as_tensor(beats.beat_mv, device=self.device))
            )
            wrong = self._image(
                wrong.to(_STORED_AS).float()
            )  # rounded as real ones are, so that rounding tells nothing
        record = torch.as_tensor(
            np.searchsorted(self.opt["records"], beats.record), device=self.device
        )
        record = record.clamp_max(len(self.opt["records"]) - 1)
        latent = self.encoder(real)
        generated = self.decoder(latent)

        d_loss, real_features, d_named = discriminator_loss(
            self.discriminator, real, wrong, generated, record
        )
        step(self.optimizers()["discriminator"], d_loss)
        if d_named["d_reality"] < COLLAPSED:
            self.discriminator.reality.reset_parameters()

        self.discriminator.requires_grad_(False)
        g_loss, g_named = generator_loss(
            self.discriminator, real, generated, latent, real_features, self.opt["w_adv"]
        )
        step(self.optimizers()["generator"], g_loss)
        self.discriminator.requires_grad_(True)
        return d_named | g_named

    def finish(self, normals, held_out):
        """Fills the memories from training beats; the scale of each part comes from held-out normal beats."""
        start = evenly_by_record(normals.record, max(ALIKE, min(MEMORY, len(normals) // ALIKE)))
        self.latents.fit(self._embed(normals.image, self.encoder), start)
        if self.patients_met:
            self.features.fit(
                self._embed(normals.image, lambda image: self.discriminator(image)[0]), start
            )
        parts = torch.as_tensor(self.in_chunks(lambda image: self._parts(image)[0], held_out.image))
        self.part_mean.copy_(parts.mean(0))
        self.part_std.copy_(parts.std(0))

    @property
    def knows_where(self):
        return len(self.localiser.traces) > 0

    def learn_where(self, normals, held_out):
        self.eval()
        self.localiser.traces = self._mean_traces(normals)
        self.localiser.fit(normals.beat_mv, self._usual(normals), self._show, self.opt["seed"])
        self.localiser.calibrate(*self._find(held_out))

    def _mean_traces(self, normals):
        """(points, 320) float16, mV: of the training beats nearest to each remembered latent. A point with fewer than
        FEWEST has the trace of the nearest one with more, so that none is a single beat of anyone."""
        nearest = torch.as_tensor(
            self.in_chunks(lambda image: self._nearest(self._image(image), 1)[:, 0], normals.image)
        )
        blank = torch.zeros(len(self.latents.points), normals.beat_mv.shape[1])
        traces = means(torch.as_tensor(normals.beat_mv), nearest.long(), blank)
        enough = torch.bincount(nearest.long(), minlength=len(blank)).to(self.device) >= FEWEST
        if enough.any():
            lender = torch.cdist(self.latents.points[~enough], self.latents.points[enough]).argmin(
                1
            )
            traces[~enough.cpu()] = traces[enough.cpu()][lender.cpu()]
        return traces.half().to(self.device)

    def fit_context(self, recordings, held_out_scores):
        read = []
        for beats, normal in recordings:
            parts, latents = self.read(beats)
            beats.image = None
            read.append((beats, self.alone(parts), None if self.patients_met else latents, normal))
        self.context.fit(read, held_out_scores, self.left_out(), self.opt["seed"])

    def score(self, beats, context="none"):
        parts, latents = self.read(beats)
        alone = self.alone(parts)
        if context == "none":
            return alone
        if context == "rhythm" or self.patients_met:
            latents = None
        left_out, result = self.left_out(), np.zeros(len(beats))
        for name in np.unique(beats.record):
            rows = np.flatnonzero(beats.record == name)
            own = None if latents is None else latents[rows]
            result[rows] = self.context.score(beats[rows], alone[rows], own, context, left_out)
        return result

    def alone(self, parts):
        """Parts (n, len(names)) to the score of each beat alone (n,)."""
        return parts[:, [name not in self.opt["without"] for name in self.names]].sum(1)

    def left_out(self):
        """Names that --without gave, and "beat" where nothing of the beat alone is left."""
        given = set(self.opt["without"])
        return given | {"beat"} if given.issuperset(self.names) else given

    def read(self, beats):
        """Beats to their parts (n, len(names)), each in standard deviations of held-out normal beats, and to their latents
        (n, N_LATENT)."""

        def both(image):
            parts, latent = self._parts(image)
            return torch.cat([(parts - self.part_mean) / self.part_std, latent], 1)

        parts, latents = np.split(self.in_chunks(both, beats.image), [len(self.names)], 1)
        return parts.astype(float), latents

    def error_map(self, beats):
        """(n, 2, 32, 32): where the image is not a normal one (models.localiser), the same for both of its channels."""
        return self.errors(beats)[0]

    def errors(self, beats):
        over_time, over_map = (
            self.localiser.standard(logits, which) for which, logits in enumerate(self._find(beats))
        )
        over_time = self.localiser.sized(over_time, beats.beat_mv - self._usual(beats))
        return np.repeat(over_map[:, None], 2, 1), over_time

    def marks(self, over_time):
        return self.localiser.spans(over_time)

    def generate(self, beats):
        """(n, 2, 32, 32): the image generated from the mean of the nearest normal latents, what should be there."""
        return self.in_chunks(
            lambda image: self._normal_version(self._nearest(self._image(image))) * self.image_unit,
            beats.image,
        )

    def _image(self, image):
        return torch.as_tensor(image, device=self.device) / self.image_unit

    def _embed(self, image, network):
        return torch.as_tensor(
            self.in_chunks(lambda x: network(self._image(x)), image), device=self.device
        )

    def _parts(self, image):
        """Images to the logarithm of each part (n, len(names)), and to latents (n, N_LATENT)."""
        image = self._image(image)
        latent = self.encoder(image)
        parts = [self.latents(latent)]
        if self.patients_met:
            features, classes, _ = self.discriminator(image)
            real, wrong = classes.chunk(2, 1)
            parts += [
                self.features(features),
                softplus(0.3 * (wrong.logsumexp(1) - real.logsumexp(1))) + 0.01,
            ]
        return torch.stack(parts, 1).log(), latent

    def _find(self, beats):
        """Beats to the localiser's logits over time (n, 320) and over the map (n, 32, 32)."""
        both = self.in_chunks(
            lambda beat_mv, usual_mv: torch.cat(
                [logits.flatten(1) for logits in self.localiser(self._show(beat_mv, usual_mv))], 1
            ),
            beats.beat_mv,
            self._usual(beats),
        )
        over_time, over_map = np.split(both, [beats.beat_mv.shape[1]], 1)
        return over_time, over_map.reshape(len(beats), FREQS, TIMES)

    def _show(self, beat_mv, usual_mv):
        """(n, 320) in mV, both, to what the localiser reads: beats, their normal versions, nearest normals, usual beats."""
        image = self._image(spectrogram.images(beat_mv))
        nearest = self._nearest(image)
        return self.localiser.show(beat_mv, image, self._normal_version(nearest), nearest, usual_mv)

    @staticmethod
    def _usual(beats):
        """(n, 320) in mV: the recording's usual beat; where nobody knows it, the beat itself, which departs nowhere."""
        return beats.beat_mv if beats.usual_mv is None else beats.usual_mv

    def _nearest(self, image, k=ALIKE):
        return self.latents.nearest(self.encoder(image), k)[1]

    def _normal_version(self, nearest):
        """(n, ALIKE) rows of the memory to generated images (n, 2, 32, 32)."""
        return self.decoder(self.latents.points[nearest].mean(1))


def evenly_by_record(record, size):
    """Rows of about `size` beats, as many of each record as there are and evenly spread over it. record: (n,) names."""
    names, counts = np.unique(record, return_counts=True)
    share = max(1, size // len(names))
    return np.concatenate(
        [np.flatnonzero(record == name)[evenly(n, share)] for name, n in zip(names, counts)]
    )


_STORED_AS = {"float16": torch.float16, "float32": torch.float32}[STORED_AS.__name__]


def discriminator_loss(discriminator, real, wrong, generated, record):
    """Whose beat, real or made wrong, plus real against generated (detached). Images (n, 2, 32, 32); record: (n,) classes.

    Returns the loss, the features of the real images and the named parts.
    """
    n = len(real)
    features, classes, reality = discriminator(torch.cat([real, wrong, generated.detach()]))
    n_records = classes.shape[1] // 2
    naming = cross_entropy(classes[: 2 * n], torch.cat([record, record + n_records]))
    telling = softplus(-reality[:n]).mean() + softplus(reality[2 * n :]).mean()
    return (
        naming + W_REALITY * telling,
        features[:n].detach(),
        {"d_class": naming.item(), "d_reality": telling.item()},
    )


def generator_loss(discriminator, real, generated, latent, real_features, w_adv):
    """Reconstruction, w_adv times feature matching, and latents as far apart as their images are."""
    reconstruction = mse_loss(generated, real)
    matching = mse_loss(discriminator(generated)[0], real_features)
    image_distance = (real - real.roll(1, 0)).flatten(1).norm(dim=1) / IMAGE_DISTANCE
    distance = mse_loss((latent - latent.roll(1, 0)).norm(dim=1), image_distance)
    loss = reconstruction + w_adv * W_FEATURES * matching + W_DISTANCE * distance
    return loss, {
        "g_rec": reconstruction.item(),
        "g_adv": matching.item(),
        "g_dist": distance.item(),
    }


DETECTOR = B2IGAN
