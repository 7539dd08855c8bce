"""What stands for a cluster of beats: its most typical one, and what the detector sees in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.screening.clusters import Cluster
from experiments.screening.threshold import PatientThreshold
from preprocess import spectrogram
from preprocess.beats import Beats

if TYPE_CHECKING:
    from models.detector import Detector


@dataclass
class ClusterPicture:
    """The example nearest to a cluster's mean, and the normal beat generated in its place.

    beat_mv, generated_mv: (320,); error: (F, T) or (320,) in standard deviations of normal beats'.
    """

    beat_mv: np.ndarray
    generated_mv: np.ndarray | None
    error: np.ndarray
    setting: str


def cluster_pictures(
    clusters: list[Cluster], detector: Detector, patient: PatientThreshold
) -> list[ClusterPicture]:
    """One of each cluster, beside what this patient's normal beats look like."""
    if not clusters:
        return []
    beats = _typical(clusters, patient.record_median_mv)
    errors = detector.errors(beats)[0]  # [n, channels, F, T] or [n, 320]
    generated_mv = detector.normal_versions(beats, patient.references_mv)
    if generated_mv is None:
        generated_mv = _generated_mv(beats, detector)
    return [
        ClusterPicture(
            beats.beat_mv[i],
            None if generated_mv is None else generated_mv[i],
            errors[i].max(0) if errors.ndim == 4 else errors[i],
            detector.image or "complex",
        )
        for i in range(len(clusters))
    ]


def _typical(clusters, record_median_mv):
    """The example of each cluster that is nearest to its mean."""
    examples = []
    for cluster in clusters:
        away = lambda example, mean_mv=cluster.mean_mv: np.square(example.beat_mv - mean_mv).sum()
        examples.append(min(cluster.examples.values(), key=away))
    n, with_image = len(examples), examples[0].image is not None
    return Beats(
        np.stack([example.image for example in examples]) if with_image else None,
        np.stack([example.beat_mv for example in examples]),
        np.full(n, "shown"),
        np.array([example.sample for example in examples]),
        np.stack([example.rr_s for example in examples]),
        record_median_mv=np.tile(record_median_mv.astype(np.float32), (n, 1)),
    )


def _generated_mv(beats, detector):
    """(n, 320), or None where the detector generates nothing that has a trace."""
    generated = detector.generate(beats)
    if generated is None or generated.ndim != 4:
        return generated
    if detector.image != "complex":
        return None
    import torch

    return spectrogram.invert(torch.as_tensor(generated), torch.as_tensor(beats.beat_mv)).numpy()
