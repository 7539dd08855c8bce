"""Flags: names are understood, help is quick, imports run one way."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import options
from models import ALIASES, MODELS

ROOT = Path(__file__).parent.parent


def test_help_loads_neither_network_nor_figure_library():
    code = (
        "import sys, options\n"
        "try:\n"
        "    options.parse('main', ['--help'])\n"
        "except SystemExit:\n"
        "    sys.exit(bool({'torch', 'matplotlib', 'pandas', 'scipy', 'wfdb'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_earlier_names_of_detectors_are_understood():
    for earlier, name in ALIASES.items():
        assert name in MODELS and options.parse("main", ["--model", earlier]).model == name


def test_protocols_are_named_as_they_are():
    from experiments.training import protocols

    assert options.PROTOCOL_NAMES == tuple(protocols.PROTOCOLS)


@pytest.mark.parametrize(
    "files, others",
    [
        ("options.py", "experiments"),
        ("preprocess/**/*.py", "options|models|experiments"),
        ("models/**/*.py", "options|experiments"),
    ],
)
def test_imports_run_one_way(files, others):
    command_line = ROOT / "preprocess/__main__.py"  # may import options
    for path in set(ROOT.glob(files)) - {command_line}:
        assert not re.search(rf"^\s*(from|import) ({others})\b", path.read_text(), re.MULTILINE)
