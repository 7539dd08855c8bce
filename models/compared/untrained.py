"""Nothing learnt: how early a beat comes, and how far its QRS is from the median one of its
recording. What trained methods have to beat."""

from collections.abc import Mapping

import numpy as np
import torch

from models.b2igan.own_recording import aligned
from models.detector import Detector
from preprocess.beats import QRS, WINDOW, Beats

EARLY = 0.1  # of RR: as abnormal as a distance of one height of the recording's QRS


class Untrained(Detector):
    """Root of the sum of the squares of prematurity and distance."""

    image = None
    contexts = ("record",)

    def __init__(self, opt: Mapping):
        super().__init__(opt)
        # For the error map alone, of beats whose recording nobody knows.
        self.register_buffer("usual_mv", torch.zeros(WINDOW))

    def finish(self, normals: Beats, calibration: Beats) -> None:
        self.usual_mv.copy_(torch.as_tensor(np.median(normals.beat_mv, 0)))

    def score(self, beats: Beats, context: str = "record") -> np.ndarray:
        result = np.zeros(len(beats))
        for name in np.unique(beats.record):
            rows = np.flatnonzero(beats.record == name)
            rr_before_s, _, rr_local_s = beats.rr_s[rows].T
            early = np.nan_to_num(np.maximum(0, 1 - rr_before_s / rr_local_s)) / EARLY
            qrs = aligned(beats.beat_mv[rows])[:, QRS]
            result[rows] = np.hypot(early, np.linalg.norm(qrs - np.median(qrs, 0), axis=1))
        return result

    def error_map(self, beats: Beats) -> np.ndarray:
        """Difference to the recording's median beat, in mV."""
        usual_mv = beats.record_median_mv
        if usual_mv is None:
            usual_mv = np.tile(self.usual_mv.cpu().numpy(), (len(beats), 1))
        return self.in_chunks(lambda a, b: (a - b).abs(), beats.beat_mv, usual_mv)


DETECTOR = Untrained
