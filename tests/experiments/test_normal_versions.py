"""The picture of what the GAN does for an unseen patient is made of its own detector alone."""

import pytest
from PIL import Image

from experiments import normal_versions
from preprocess import BadInput


def test_a_picture_is_drawn(dataroot, unseen_weights, tmp_path):
    normal_versions.main(flags(dataroot, unseen_weights, tmp_path))
    with Image.open(tmp_path / "normal_versions.png") as picture:
        assert picture.width > 800 and len(picture.getcolors(1 << 20)) > 50


def test_a_detector_of_known_patients_is_refused(dataroot, weights, tmp_path):
    with pytest.raises(BadInput, match="knows the recordings"):
        normal_versions.main(flags(dataroot, weights, tmp_path))


def flags(dataroot, checkpoint, folder):
    given = {"--dataroot": dataroot, "--checkpoint": checkpoint, "--outf": folder}
    return [str(part) for pair in given.items() for part in pair]
