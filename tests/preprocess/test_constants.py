"""The shared numbers, and that naming a flag's choices loads no heavy library."""

import subprocess
import sys

import pytest

from preprocess.constants import AFTER, BEFORE, FS_HZ, WINDOW


def test_a_window_is_what_readers_of_its_files_count_on():
    assert (BEFORE, AFTER, WINDOW, FS_HZ) == (140, 180, 320, 360)


@pytest.mark.parametrize("module", ["constants", "classes", "spectrogram", "commands"])
def test_what_flags_need_loads_no_heavy_library(module):
    code = (
        f"import sys, preprocess.{module};"
        "print(*{'torch', 'scipy', 'wfdb', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
