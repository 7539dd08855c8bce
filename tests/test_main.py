"""The commands as users call them: the launcher's variables arrive, bad input is one sentence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import main
from preprocess import BadInput

ROOT = Path(__file__).parent.parent


def run(*command, **environment):
    return subprocess.run(
        [str(c) for c in command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHON": sys.executable} | environment,
    )


def python(*arguments):
    return run(sys.executable, *arguments)


@pytest.fixture(scope="module")
def launched(cohort, tmp_path_factory):
    """The launcher on the small cohort, with variables from the environment."""
    out = tmp_path_factory.mktemp("launched")
    environment = {
        "MITDB_DIR": str(cohort),
        "dataroot": str(out / "data"),
        "outf": str(out / "out"),
        "niter": "1",
        "lr": "0.002",
        "w_adv": "0.5",
        "n_aug": "1",
        "threshold": "0.1",
    }
    return run("bash", "run_ecg.sh", "--seed", "3", **environment), out, environment


def test_launcher_ends_with_the_result_and_the_report(launched):
    result, out, _ = launched
    assert result.returncode == 0, result.stderr
    folder = out / "out/b2igan/beatgan/fold0"
    tail = result.stdout.splitlines()[-12:]
    assert any("AUC" in line for line in tail) and str(folder / "report.html") in tail[-1]
    assert (folder / "report.html").exists()


def test_every_variable_of_the_launcher_reaches_the_program(launched):
    import torch

    _, out, _ = launched
    folder = out / "out/b2igan/beatgan/fold0"
    used = torch.load(folder / "checkpoint.pt", weights_only=True)["options"]
    wanted = {"niter": 1, "lr": 0.002, "w_adv": 0.5, "n_aug": 1, "seed": 3}
    assert {k: used[k] for k in wanted} == wanted
    assert json.loads((folder / "metrics.json").read_text())["false_alarm_target"] == 0.1


def test_launcher_can_only_evaluate(launched):
    _, out, environment = launched
    checkpoint = out / "out/b2igan/beatgan/fold0/checkpoint.pt"
    before = checkpoint.stat().st_mtime_ns, (checkpoint.parent / "metrics.json").read_text()
    result = run("bash", "run_ecg.sh", "--seed", "3", test="1", **environment)
    assert result.returncode == 0, result.stderr
    assert (
        checkpoint.stat().st_mtime_ns,
        (checkpoint.parent / "metrics.json").read_text(),
    ) == before


def test_launcher_refuses_nonsense():
    for name, value in (("test", "2"), ("fold_cnt", "9")):
        result = run("bash", "run_ecg.sh", **{name: value})
        assert result.returncode == 2 and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--nonsense"], "unrecognized arguments"),
        (["--lr", "-1"], "above 0"),
        (["--niter", "many"], "not a whole number"),
    ],
)
def test_a_wrong_flag_gives_one_sentence_and_status_2(arguments, words, capsys):
    with pytest.raises(SystemExit) as ended:
        main.main(arguments)
    assert ended.value.code == 2 and words in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "command, words",
    [
        (["main.py", "--dataroot", "/nowhere"], "python -m preprocess"),
        (["-m", "preprocess", "--records", "/nowhere"], "no folder"),
    ],
)
def test_bad_input_gives_one_sentence_and_status_2(command, words):
    result = python(*command)
    assert result.returncode == 2 and words in result.stderr and "Traceback" not in result.stderr


def test_without_an_error_map_it_is_evaluated_all_the_same(dataroot, tmp_path):
    where = ["--dataroot", str(dataroot), "--outf", str(tmp_path), "--device", "cpu"]
    command = ["--niter", "1", *where, "--bootstrap", "0"]
    main.main([*command, "--no-error-map"])
    main.main([*command, "--istest"])
    folder = tmp_path / "b2igan/beatgan/fold0"
    assert (folder / "metrics.json").exists() and (folder / "curves.png").exists()
    assert not list(folder.glob("beats_*.png"))
    with pytest.raises(BadInput, match="error_map True instead of False"):
        main.main([*command, "--resume"])
