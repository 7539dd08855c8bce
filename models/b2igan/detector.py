"""B2I-GAN: a GAN on STFT images of normal beats; its latents, its discriminator's features and its
discriminator's class say how abnormal a beat is.

Training sees normal beats only, and from them makes its own anomalies (preprocess.synthetic):

    real image --encoder--> latent --decoder--> generated image
    real, synthetic, generated images --discriminator--> features
                                      features --> which record? synthetic? generated?

Reconstruction error is not the score: a good generator rebuilds abnormal beats too. A beat is
abnormal when its latent and its features lie far from those of all remembered normal beats, and
when the discriminator thinks it is synthetic.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer

from models import evenly, parallel
from models.b2igan import record_names
from models.b2igan.beat_parts import BeatParts
from models.b2igan.context import Context, ScoredRecording
from models.b2igan.localiser import Localiser, mean_traces
from models.b2igan.losses import discriminator_loss, generator_loss
from models.b2igan.memory import evenly_by_record
from models.b2igan.networks import FREQS, TIMES, Decoder, Discriminator, Encoder
from models.b2igan.own_recording import normal_versions
from models.detector import Detector
from models.steps import COLLAPSED, descend, one_cycle, set_rate
from preprocess import spectrogram
from preprocess.beats import WINDOW, Beats
from preprocess.synthetic import synthetic

BETAS = (0.9, 0.99)  # of Adam
MEMORY = 4096  # remembered points at most
BEATS_PER_POINT = 10  # training beats to one of them, in a small data set
MOST_LOCATED = 32_768  # beats that the error map is calibrated on, of a larger number
MOST_FOLDS = 10  # by which seeds of the context lie apart from run to run
POINTS_AVERAGED = 10  # nearest remembered points that the normal version of a beat is made from


class B2IGAN(Detector):
    """Without context, the score is the sum of the parts of a beat's own window
    (models.b2igan.beat_parts). With one, that sum is a part, "beat", beside those of
    models.b2igan.context; for unseen patients with context "record" it does not count.
    `--without` leaves parts out.
    """

    contexts = ("none", "rhythm", "record")
    shares_batches = True
    # jitter: R peaks that are 3 samples (8 ms) off cost the beat alone 0.12 of AUC without it.
    # drift: later minutes of a patient do not look like those trained on.

    def __init__(self, opt: Mapping):
        """opt: beside those that training reads, shared_patients: whether the tested patients are
        among those trained on; known_recordings: whether with more than their first minutes;
        without: names of parts that have no say."""
        super().__init__(opt)
        self.shared_patients = self.opt["shared_patients"]
        self.encoder, self.decoder, self.discriminator = Encoder(), Decoder(), Discriminator(1)
        self.beat_parts = BeatParts(self.shared_patients)
        self.localiser = Localiser()
        self.context = Context(self.opt["known_recordings"])
        self.register_buffer("image_unit", torch.ones(()))
        # The discriminator's classes, where tested patients are trained on; else it has one.
        self.register_buffer("record_names", record_names.encode([]))
        self._optimizers = {}

    # --- the score ------------------------------------------------------------------------------

    def score(self, beats: Beats, context: str = "none") -> np.ndarray:
        return self.scores(beats, [context])[context]

    def scores(self, beats: Beats, contexts: Collection[str]) -> dict[str, np.ndarray]:
        beat_scores = np.zeros(len(beats))
        if any(map(self._counts_beat, contexts)):
            beat_scores = self.beat_scores(self.standard_parts(beats))  # [n]
        self.context.left_out = self.left_out()
        in_context = lambda context: self.context.score(beats, beat_scores, context)
        return {name: beat_scores if name == "none" else in_context(name) for name in contexts}

    def _counts_beat(self, context: str) -> bool:
        return context == "none" or "beat" in self.context.counted[context]

    def reads_image(self, context: str) -> bool:
        return self._counts_beat(context)  # the localiser makes its own from the trace

    def rhythm_log_odds(self, samples: np.ndarray) -> np.ndarray:
        return self.context.rhythm.score(samples)

    def standard_parts(self, beats: Beats) -> np.ndarray:
        """Beats to the parts of their scores (n, parts), in standard deviations of normal beats."""
        standard = lambda image: self.beat_parts.standard(self._log_parts(image))
        return self.in_chunks(standard, beats.image).astype(float)

    def beat_scores(self, parts: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Parts (n, parts) to the score of each beat's own window (n,)."""
        names, without = self.beat_parts.names, self.opt["without"]
        return parts[:, [i for i, name in enumerate(names) if name not in without]].sum(1)

    def left_out(self) -> set[str]:
        """Names that --without gave, with those that go with them: "beat" where nothing of the
        beat's own window is left, "rhythm" with timing."""
        given = set(self.opt["without"])
        goes = {"beat": self.beat_parts.names, "rhythm": ["timing"]}
        return given | {name for name, of in goes.items() if given.issuperset(of)}

    def _log_parts(self, image: Tensor) -> Tensor:
        """Images (n, 2, 32, 32) to the logarithm of each part (n, parts)."""
        image = self._scaled(image)
        latent = self.encoder(image)
        features, classes = None, None
        if self.shared_patients:
            features, classes, _ = self.discriminator(image)
        return self.beat_parts(latent, features, classes)

    # --- training -------------------------------------------------------------------------------

    def prepare(self, normals: Beats) -> None:
        """Sets the image's unit, and one class a record: whose beat it is, is no anomaly label."""
        names = sorted(set(normals.record.tolist())) if self.shared_patients else []
        self.record_names = record_names.encode(names).to(self.device)
        self.discriminator = Discriminator(max(1, len(names))).to(self.device)
        self.image_unit.fill_(float(normals.image.std()))

    def restore(self, state: dict[str, Tensor]) -> None:
        """With as many classes as there were records in training."""
        if len(state["record_names"]) != len(self.record_names):
            n_records = max(1, len(state["record_names"]))
            self.discriminator = Discriminator(n_records).to(self.device)
        super().restore(state)

    def optimizers(self) -> dict[str, Optimizer]:
        if not self._optimizers:
            rate, discriminator = self.opt["lr"], self.discriminator.parameters()
            generator = [*self.encoder.parameters(), *self.decoder.parameters()]
            self._optimizers = {
                "generator": AdamW(generator, rate, BETAS, weight_decay=1e-3, fused=True),
                "discriminator": AdamW(discriminator, rate, BETAS, weight_decay=1e-2, fused=True),
            }
        return self._optimizers

    def begin_step(self, progress: float) -> None:
        set_rate(self.optimizers().values(), self.opt["lr"] * one_cycle(progress))

    def training_step(self, beats: Beats) -> dict[str, float]:
        own, share = parallel.rows(len(beats)), parallel.share(len(beats))
        real = self._scaled(beats.image[own])  # [n, 2, 32, 32]
        corrupted = self._corrupted(beats.beat_mv, own)  # [n, 2, 32, 32]
        latent = self.encoder(real)  # [n, 48]
        generated = self.decoder(latent)  # [n, 2, 32, 32]

        images = torch.cat([real, corrupted, generated.detach()])  # [3 n, 2, 32, 32]
        classes = self._classes_of(beats.record[own])
        real_features, d_terms = self._discriminator_step(images, classes, share)
        g_loss, g_terms = generator_loss(
            self.discriminator, real, generated, latent, real_features, self.opt["w_adv"]
        )
        descend(self.optimizers()["generator"], g_loss, share)
        return d_terms | parallel.mean_terms(g_terms, share, self.device)

    def _discriminator_step(
        self, images: Tensor, record: Tensor, share: float
    ) -> tuple[Tensor, dict[str, float]]:
        """Real, corrupted and generated images (3 n, 2, 32, 32) and the class of each real one's
        record (n,). Returns the features (n, 64) of the real images as they were before the step,
        and the terms of the loss. No gradient reaches the generator."""
        features, classes, reality = self.discriminator(images)
        loss, terms = discriminator_loss(classes, reality, record)
        descend(self.optimizers()["discriminator"], loss, share)
        terms = parallel.mean_terms(terms, share, self.device)
        if terms["d_adv"] < COLLAPSED:  # of softplus: another adversarial loss has its own limit
            self.discriminator.reality.reset_parameters()
        return features[: len(record)].detach(), terms

    def _corrupted(self, beats_mv: np.ndarray, own: slice) -> Tensor:
        """Normal beats (n, 320) to images (own, 2, 32, 32) of synthetic anomalies made from them,
        rounded as real ones are, so that rounding tells nothing."""
        with torch.autocast(self.device.type, enabled=False):
            anomalies_mv = synthetic(torch.as_tensor(beats_mv, device=self.device))[own]
            return self._scaled(spectrogram.rounded_as_stored(spectrogram.images(anomalies_mv)))

    def _classes_of(self, record: np.ndarray) -> Tensor:
        """Record names (n,) to their classes (n,)."""
        names = record_names.decode(self.record_names)
        classes = np.searchsorted(names, record) if names else np.zeros(len(record), int)
        return torch.as_tensor(classes, device=self.device)

    def finish(self, normals: Beats, calibration: Beats) -> None:
        """Fills the memories from training beats; the scale of each part comes from others."""
        points = max(BEATS_PER_POINT, min(MEMORY, len(normals) // BEATS_PER_POINT))
        start = evenly_by_record(normals.record, points)
        self.beat_parts.latents.fit(self._embedded(normals.image, self.encoder), start)
        if self.shared_patients:
            features = self._embedded(normals.image, lambda image: self.discriminator(image)[0])
            self.beat_parts.features.fit(features, start)
        parts = self.in_chunks(self._log_parts, calibration.image)
        self.beat_parts.calibrate(torch.as_tensor(parts))

    @property
    def crosses_patients(self) -> bool:
        return not self.opt["known_recordings"]

    def fit_context(
        self, recordings: Iterable[tuple[Beats, np.ndarray]], calibration_scores: np.ndarray
    ) -> dict[str, np.ndarray] | None:
        scored = []
        for beats, normal in recordings:
            scores = self.beat_scores(self.standard_parts(beats))
            # all recordings are kept at once
            bare = replace(beats, image=None, record_median_mv=None)
            scored.append(ScoredRecording(bare, scores, normal))
        # Where patients are crossed all folds have the same recordings: each has its own networks.
        seed = self.opt["seed"] * MOST_FOLDS + self.opt.get("folder", 0)
        self.context.left_out = self.left_out()
        return self.context.fit(scored, calibration_scores, seed)

    def _embedded(self, image: np.ndarray, network: Callable[[Tensor], Tensor]) -> Tensor:
        """(n, 2, 32, 32) to what a network makes of it (n, d)."""
        found = self.in_chunks(lambda part: network(self._scaled(part)), image)
        return torch.as_tensor(found, device=self.device)

    # --- where in the beat ----------------------------------------------------------------------

    @property
    def has_error_map(self) -> bool:
        return len(self.localiser.traces) > 0

    def fit_error_map(self, normals: Beats, calibration: Beats) -> None:
        self.eval()
        nearest = self.in_chunks(
            lambda image: self._nearest(self._scaled(image), 1)[:, 0], normals.image
        )
        points = self.beat_parts.latents.points
        self.localiser.traces = mean_traces(normals.beat_mv, nearest, points)
        self.localiser.fit(
            normals.beat_mv, _record_median(normals), self._localiser_input, self.opt["seed"]
        )
        some = replace(calibration, image=None)[evenly(len(calibration), MOST_LOCATED)]
        self.localiser.calibrate(*self._localise(some))

    def error_map(self, beats: Beats) -> np.ndarray:
        """(n, 2, 32, 32): where the image is not a normal one, the same for both its channels."""
        return self.errors(beats)[0]

    def errors(self, beats: Beats) -> tuple[np.ndarray, np.ndarray]:
        over_time, over_map = self.localiser.standard(*self._localise(beats))
        over_time = self.localiser.scaled_by_departure(
            over_time, beats.beat_mv - _record_median(beats)
        )
        return np.repeat(over_map[:, None], 2, 1), over_time

    def segments(self, over_time: np.ndarray) -> list[list[tuple[float, float]]]:
        return self.localiser.segments(over_time)

    def generate(self, beats: Beats) -> np.ndarray:
        """(n, 2, 32, 32): generated from the mean of the nearest normal latents, what should be
        there."""

        def normal_version(image: Tensor) -> Tensor:
            return self._normal_version(self._nearest(self._scaled(image))) * self.image_unit

        return self.in_chunks(normal_version, beats.image)

    def normal_versions(self, beats: Beats, references_mv: np.ndarray) -> np.ndarray | None:
        if self.opt["known_recordings"]:
            return None
        return normal_versions(beats.beat_mv, references_mv)

    def _localise(self, beats: Beats) -> tuple[np.ndarray, np.ndarray]:
        """Beats to the localiser's logits over time (n, 320) and over the map (n, 32, 32)."""

        def logits(beat_mv: Tensor, median_mv: Tensor) -> Tensor:
            over_time, over_map = self.localiser(self._localiser_input(beat_mv, median_mv))
            return torch.cat([over_time, over_map.flatten(1)], 1)

        both = self.in_chunks(logits, beats.beat_mv, _record_median(beats))
        over_time, over_map = np.split(both, [WINDOW], 1)
        return over_time, over_map.reshape(len(beats), FREQS, TIMES)

    def _localiser_input(self, beat_mv: Tensor, median_mv: Tensor) -> Tensor:
        """Beats and the median beats of their records (n, 320), mV, to what the localiser reads."""
        image = self._scaled(spectrogram.images(beat_mv))
        nearest = self._nearest(image)
        generated = self._normal_version(nearest)
        return self.localiser.network_input(beat_mv, image, generated, nearest, median_mv)

    def _nearest(self, image: Tensor, k: int = POINTS_AVERAGED) -> Tensor:
        """Scaled images to the remembered points (n, k) whose latents are nearest to theirs."""
        return self.beat_parts.latents.nearest(self.encoder(image), k)[1]

    def _normal_version(self, nearest: Tensor) -> Tensor:
        """(n, POINTS_AVERAGED) remembered points to generated images (n, 2, 32, 32)."""
        return self.decoder(self.beat_parts.latents.points[nearest].mean(1))

    def _scaled(self, image: np.ndarray | Tensor) -> Tensor:
        return torch.as_tensor(image, device=self.device) / self.image_unit


def _record_median(beats: Beats) -> np.ndarray:
    """(n, 320) in mV: the record's median beat; where nobody knows it, the beat itself, which
    departs nowhere."""
    return beats.beat_mv if beats.record_median_mv is None else beats.record_median_mv


DETECTOR = B2IGAN
