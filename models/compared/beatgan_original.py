"""BeatGAN as it was published: the steps of the original B2I-GAN, which took them from it."""

import numpy as np
from torch import Tensor, nn

from models.compared._adversarial import Discriminator
from models.compared._layers import PUBLISHED_WIDTHS, TRACE_LATENT, decoder, encoder
from models.compared.autoencoder import AutoEncoder
from models.compared.b2igan_original import B2IGANOriginal
from preprocess.beats import Beats


class BeatGANOriginal(B2IGANOriginal):
    """github.com/hi-bingo/BeatGAN, on traces of 3 to 45 Hz. `beatgan` is our recipe for it, which
    takes one epoch where this took 100."""

    image = None
    widths = PUBLISHED_WIDTHS

    def build(self) -> None:
        networks = encoder(TRACE_LATENT, self.widths), decoder(TRACE_LATENT, self.widths)
        self.generator = nn.Sequential(*networks)
        self.discriminator = Discriminator(self.widths)

    @staticmethod
    def read(beats: Beats) -> np.ndarray:
        """Traces (n, 320) in mV."""
        return beats.beat_mv

    @staticmethod
    def scaled(given: Tensor) -> Tensor:
        return AutoEncoder.rows(given)


DETECTOR = BeatGANOriginal
