"""Distance to the nearest normal beat, between STFT images."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from models.compared.knn import Neighbours
from preprocess.beats import Beats
from preprocess.spectrogram import COMPLEX


class ImageNeighbours(Neighbours):
    """As Neighbours, on the STFT image: (n, 2, 32, 32) with its phase."""

    image = COMPLEX.name

    def __init__(self, opt: Mapping):
        super().__init__(opt)
        self.memory = torch.zeros(0, math.prod(COMPLEX.shape), dtype=torch.float16)

    def finish(self, normals: Beats, calibration: Beats) -> None:
        """Remembers the images in float16, as they are on disk."""
        self.memory = torch.as_tensor(normals.image, device=self.device).flatten(1).half()

    def raw(self, beats: Beats) -> np.ndarray:
        return beats.image

    def embed(self, image: Tensor) -> Tensor:
        return image.float().flatten(1)

    def error_map(self, beats: Beats) -> np.ndarray:
        """Squared difference (n, 2, 32, 32) to the nearest image: the score is the root of its
        sum."""
        squared = lambda image: (image - self.neighbour(image).view_as(image)).square()
        return self.in_chunks(squared, beats.image)

    def generate(self, beats: Beats) -> np.ndarray:
        """(n, 2, 32, 32): the nearest image."""
        return self.in_chunks(lambda image: self.neighbour(image).view_as(image), beats.image)


DETECTOR = ImageNeighbours
