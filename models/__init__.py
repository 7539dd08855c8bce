"""Detectors of abnormal beats, by the name that --model takes."""

import preprocess  # noqa: F401  says how threads wait, before torch is loaded

# isort: split
from models.b2igan.detector import B2IGAN
from models.compared.anogan import AnoGAN
from models.compared.autoencoder import AutoEncoder
from models.compared.b2igan_original import B2IGANSeed
from models.compared.beatgan import BeatGAN
from models.compared.classical import OCSVM, PCAReconstruction, Rhythm
from models.compared.ganomaly import Ganomaly
from models.compared.neighbours import ImageNeighbours, Neighbours, WhitenedNeighbours

MODELS = {
    "b2igan": B2IGAN,
    "b2igan-seed": B2IGANSeed,
    "beatgan": BeatGAN,
    "ganomaly": Ganomaly,
    "anogan": AnoGAN,
    "autoencoder": AutoEncoder,
    "knn": Neighbours,
    "knn-pca": WhitenedNeighbours,
    "knn-image": ImageNeighbours,
    "pca": PCAReconstruction,
    "ocsvm": OCSVM,
    "rhythm": Rhythm,
}
