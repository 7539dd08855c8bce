"""The commands as users call them: the launcher's variables arrive, bad input is one sentence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import main

ROOT = Path(__file__).parent.parent
QUICK = ("--seed", "3", "--train-beats", "300", "--bootstrap", "0", "--no-error-map")


def run(*command, **environment):
    return subprocess.run(
        [str(c) for c in command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHON": sys.executable} | environment,
    )


@pytest.fixture(scope="module")
def launched(cohort, tmp_path_factory):
    """The launcher on the small cohort, with variables from the environment."""
    out = tmp_path_factory.mktemp("launched")
    environment = {"niter": "1", "lr": "0.002", "w_adv": "0.5", "n_aug": "1", "threshold": "0.1"}
    environment |= {"MITDB_DIR": str(cohort), "dataroot": f"{out}/data", "outf": f"{out}/out"}
    return run("bash", "run_ecg.sh", *QUICK, **environment), out, environment


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


def test_launcher_passes_only_what_its_user_set(tmp_path):
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    free = {name: "" for name in ("MITDB_DIR", "test", "records", "niter")}
    result = run("bash", "run_ecg.sh", **free | {"PYTHON": str(python)})
    assert result.stdout.splitlines() == ["-m preprocess", "main.py", "main.py --istest"]
    result = run("bash", "run_ecg.sh", **free | {"PYTHON": str(python), "test": "1"})
    assert result.stdout.splitlines() == ["-m preprocess", "main.py --istest"]
    own = {"records": "/data/own", "lead": "II", "niter": "2", "test": "0"}
    lines = run("bash", "run_ecg.sh", **own | {"PYTHON": str(python)}).stdout.splitlines()
    data = "experiments/ecg/dataset/own"
    assert lines == [
        f"-m preprocess --records /data/own --lead II --dataroot {data}",
        f"main.py --dataroot {data} --outf experiments/ecg/output/own --niter 2",
    ]


def test_launcher_refuses_nonsense():
    for name, value in (("test", "2"), ("fold_cnt", "9"), ("protocol", "external")):
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


def test_bad_input_gives_one_sentence_and_status_2():
    result = run(sys.executable, "main.py", "--dataroot", "/nowhere")
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "python -m preprocess" in result.stderr
