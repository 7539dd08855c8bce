"""The comparison runs what is missing, and its table holds what the runs measured."""

import json

import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from experiments import compare


@pytest.fixture(scope="module")
def arguments(dataroot, tmp_path_factory):
    return [
        "--models",
        "b2igan",
        "pca",
        "rhythm",
        "--protocols",
        "beatgan",
        "--folds",
        "0",
        "1",
        "--niter",
        "1",
        "--datadir",
        str(dataroot.parent),
        "--outf",
        str(tmp_path_factory.mktemp("compare")),
        "--device",
        "cpu",
    ]


@pytest.fixture(scope="module")
def compared(arguments):
    compare.main(arguments)
    return compare.Path(arguments[arguments.index("--outf") + 1])


def test_table_holds_every_model_and_context(compared):
    table = pd.read_csv(compared / "table.csv")
    found = set(zip(table["model"], table["context"]))
    assert found == {
        ("b2igan", "none"),
        ("b2igan", "rhythm"),
        ("b2igan", "record"),
        ("pca", "none"),
        ("rhythm", "rhythm"),
    }
    assert (table["runs"] == 2).all()


def test_means_are_those_of_the_runs(compared):
    table = pd.read_csv(compared / "table.csv").set_index("model")
    folders = [compared / f"runs/pca/beatgan/fold{k}-seed0/none" for k in (0, 1)]
    values = [json.loads((folder / "metrics.json").read_text())["auc"] for folder in folders]
    assert table.loc["pca", "auc"] == pytest.approx(sum(values) / 2, abs=1e-5)


def test_markdown_and_figure_are_written(compared):
    text = (compared / "table.md").read_text()
    assert "### Protocol `beatgan`" in text and text.count("| `b2igan` (simulated) |") == 3
    for name in ("comparison.png", "scores.png"):
        assert (compared / name).read_bytes().startswith(b"\x89PNG")


def test_second_call_trains_nothing_and_a_smaller_one_keeps_all_rows(
    compared, arguments, monkeypatch
):
    monkeypatch.setattr(compare, "train", lambda *_: pytest.fail("this was done before"))
    before = (compared / "table.csv").read_text()
    compare.main([argument for argument in arguments if argument not in ("b2igan", "rhythm")])
    assert (compared / "table.csv").read_text() == before


def test_methods_that_labels_chose_alone_are_drawn_too(dataroot, tmp_path):
    compare.main(
        [
            "--models",
            "autoencoder",
            "--protocols",
            "beatgan",
            "--folds",
            "0",
            "--niter",
            "1",
            "--select",
            "paper",
            "--datadir",
            str(dataroot.parent),
            "--outf",
            str(tmp_path),
            "--device",
            "cpu",
        ]
    )
    assert "(labels choose the epoch)" in (tmp_path / "table.md").read_text()
    assert (tmp_path / "scores.png").read_bytes().startswith(b"\x89PNG")


def test_natural_share_weighs_normals_up():
    scores = pd.DataFrame({"class": ["N"] * 10 + ["V"] * 10, "score": [*range(10), *range(5, 15)]})

    plain = average_precision_score(scores["class"] != "N", scores["score"])
    assert compare.natural_ap(scores) < plain
