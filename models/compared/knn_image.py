"""Distance to the nearest normal beat, between STFT images."""

import torch

from models.compared.knn import Neighbours


class ImageNeighbours(Neighbours):
    """As Neighbours, on the STFT image: (n, 2, 32, 32) with its phase."""

    image = "complex"
    explains = "image"

    def __init__(self, opt):
        super().__init__(opt)
        self.memory = torch.zeros(0, 2 * 32 * 32, dtype=torch.float16)

    def finish(self, normals, calibration):
        """Remembers the images in float16, as they are on disk."""
        self.memory = torch.as_tensor(normals.image, device=self.device).flatten(1).half()

    def raw(self, beats):
        return beats.image

    def embed(self, image):
        return image.float().flatten(1)

    def error_map(self, beats):
        """Squared difference (n, 2, 32, 32) to the nearest image: the score is the root of its sum."""
        return self.in_chunks(
            lambda image: (image - self.neighbour(image).view_as(image)).square(), beats.image
        )

    def generate(self, beats):
        """(n, 2, 32, 32): the nearest image."""
        return self.in_chunks(lambda image: self.neighbour(image).view_as(image), beats.image)


DETECTOR = ImageNeighbours
