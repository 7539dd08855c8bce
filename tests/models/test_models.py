"""Detectors are found by their files, loaded when asked for, and known by earlier names too."""

import subprocess
import sys

import pytest

from models import ALIASES, MODELS, canonical
from models.detector import Detector


@pytest.mark.parametrize("name", MODELS)
def test_every_name_is_a_detector(name):
    assert issubclass(MODELS[name], Detector)


def test_names_load_no_torch():
    asked = "import sys, models, models.b2igan; assert len(models.MODELS) > 10; "
    asked += "assert 'b2igan' in models.MODELS; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


def test_earlier_names_are_understood():
    for earlier, now in ALIASES.items():
        assert earlier not in MODELS and canonical(earlier) == now and now in MODELS
    assert canonical("beatgan") == "beatgan"
