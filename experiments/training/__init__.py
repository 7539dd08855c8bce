"""Protocols, training, checkpoints, scoring and metrics; needs no matplotlib."""
