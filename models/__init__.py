"""Detectors of abnormal beats, by the name that --model takes."""

import preprocess  # noqa: F401  says how threads wait, before torch is loaded

# isort: split
from models.anogan import AnoGAN
from models.autoencoder import AutoEncoder
from models.b2igan import B2IGAN
from models.b2igan_seed import B2IGANSeed
from models.baselines import OCSVM, PCAReconstruction, Rhythm
from models.beatgan import BeatGAN
from models.ganomaly import Ganomaly
from models.neighbours import ImageNeighbours, Neighbours, WhitenedNeighbours

MODELS = {"b2igan": B2IGAN, "b2igan-seed": B2IGANSeed, "beatgan": BeatGAN, "ganomaly": Ganomaly, "anogan": AnoGAN,
          "autoencoder": AutoEncoder, "knn": Neighbours, "knn-pca": WhitenedNeighbours, "knn-image": ImageNeighbours,
          "pca": PCAReconstruction, "ocsvm": OCSVM, "rhythm": Rhythm}
