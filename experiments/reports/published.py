"""Published figures, with which those measured here are compared."""

# {model: (method, AUC, AP)} as published for the split of the protocol that is_published. Each
# chose its epoch with labelled abnormal beats. Zhou et al., BeatGAN, IJCAI 2019; the B2I-GAN row is
# the original work's, one fold.
PUBLISHED = {
    "b2igan-original": ("B2I-GAN, one fold", 0.9460, 0.9058),
    "beatgan-augmented": ("BeatGAN with augmentation", 0.9475, 0.9143),
    "beatgan": ("BeatGAN", 0.9447, 0.9108),
    "ganomaly": ("Ganomaly", 0.9083, 0.8701),
    "autoencoder": ("Autoencoder", 0.8944, 0.8415),
    "anogan": ("AnoGAN", 0.8642, 0.8035),
}
