"""Flags: names are understood, help is quick, imports run one way."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import options
from models import ALIASES, MODELS
from preprocess import BadInput

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


OTHERS = {  # numbers become one more
    "model": "knn",
    "protocol": "patient",
    "folder": 1,
    "device": "cpu",
    "data": "simulated",
    "lead": "V5",
    "image": "decibel",
    "filter": "published",
    "amp": "off",
    "select": "paper",
    "context": "none",
}


@pytest.mark.parametrize(
    "name, table",
    [("main", "DEFAULTS"), ("preprocess", "PREPROCESSING")],
)
def test_every_default_takes_effect_where_it_is_edited(name, table, monkeypatch, capsys):
    for key, value in getattr(options, table).items():
        other = OTHERS.get(key, f"{value}-x" if isinstance(value, str) else value + 1)
        monkeypatch.setitem(getattr(options, table), key, other)
        assert getattr(options.parse(name, []), key) == other != value
        with pytest.raises(SystemExit):
            options.parse(name, ["--help"])
        assert f"(default:{other})" in "".join(capsys.readouterr().out.split())


def test_every_default_of_a_training_takes_effect_where_it_is_edited(monkeypatch):
    from experiments.training.loop import complete_options

    for model, own in options.TRAINING.items():
        for key, value in (options.TRAINING_OF_OTHERS | own).items():
            monkeypatch.setitem(options.TRAINING, model, own | {key: 2 * value + 1})
            asked = options.parse("main", ["--model", model, "--protocol", "beatgan"])
            assert complete_options(asked)[key] == 2 * value + 1
    defaults = complete_options(options.parse("main", ["--model", "knn"]))
    assert options.TRAINING_OF_OTHERS.items() <= defaults.items()


def test_settings_of_a_run_are_taken_back_and_flags_go_before_them(tmp_path):
    given = "--model knn --folder 2 --without qrs timing --no-error-map --lr 0.01 --threshold 0.2"
    asked, file = options.parse("main", given.split()), tmp_path / "options.json"
    trained = options.training_of("knn") | {"lr": 0.01}
    options.write_config(asked, trained, file)
    again = options.parse("main", ["--folder", "3", f"--config={file}"])
    assert vars(again) == vars(asked) | trained | {"folder": 3, "config": str(file)}


@pytest.mark.parametrize(
    "text, words", [(None, "No such file"), ("[1", "no file of options"), ('{"x": 1}', "no option")]
)
def test_a_config_that_is_none_is_one_sentence(text, words, tmp_path):
    file = tmp_path / "options.json"
    if text:
        file.write_text(text)
    with pytest.raises(BadInput, match=words):
        options.parse("main", ["--config", str(file)])


def test_protocols_are_named_as_they_are():
    from experiments.training import protocols

    assert options.PROTOCOL_NAMES == list(protocols.PROTOCOLS)


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
