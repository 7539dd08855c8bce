"""Detectors of abnormal beats, by the name that --model takes."""

from models.b2igan import B2IGAN
from models.b2igan_seed import B2IGANSeed

MODELS = {"b2igan": B2IGAN, "b2igan-seed": B2IGANSeed}
