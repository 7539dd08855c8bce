"""What the tests of pictures share."""

import pytest
from PIL import Image


@pytest.fixture(scope="session")
def assert_is_modest_png():
    def check(path):
        with Image.open(path) as image:
            image.verify()
            assert image.format == "PNG"
        assert path.stat().st_size < 300_000
        assert not list(path.parent.glob("*.part"))

    return check
