"""B2I-GAN, the method: networks, losses, memory, rhythm, context, error map, and their detector."""

# Parts of the score, for --without: of a beat's own window (models.b2igan.beat_parts), and those
# that its rhythm and its recording add (models.b2igan.context).
PARTS = ("latent", "features", "synthetic", "timing", "neighbours", "qrs")
