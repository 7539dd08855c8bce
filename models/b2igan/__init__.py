"""B2I-GAN, the method: its networks, memory, rhythm, context and error map, and the detector made of them."""

from models.b2igan.detector import B2IGAN

__all__ = ["B2IGAN"]
