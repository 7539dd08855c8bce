"""The notebook runs from its first cell to its last."""

import json
from pathlib import Path

import matplotlib

ROOT = Path(__file__).parents[1]


def test_every_cell_runs(tmp_path, monkeypatch):
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    cells = json.loads((ROOT / "docs/screen.ipynb").read_text())["cells"]
    code, names = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"], {}
    for source in code:
        exec(source, names)  # as a kernel does, in one namespace
    assert names["found"].beats["flagged"].any()
    assert len(list(Path("experiments/ecg/notebook/screened").glob("*.html"))) == 1
