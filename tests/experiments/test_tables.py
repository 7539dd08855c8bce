"""Tables of the documents are those of experiments/results/, and the README says nothing else."""

import re
import shutil
from pathlib import Path

import pytest

from experiments import tables
from preprocess import BadInput

ROOT = Path(tables.__file__).resolve().parent.parent
README = ROOT / "README.md"
RESULTS = ROOT / "experiments" / "RESULTS.md"
LAYOUT = ROOT / "docs" / "layout.md"
# AUCs and APs, with three or four decimals, and percentages with decimals
MEASURED = re.compile(r"(?<![\w.])(?:0\.\d{3,4}|\d+\.\d+(?= %))(?![\w.])")


def test_documents_agree_with_the_measured_numbers(capsys):
    tables.main(["--check"])
    assert "nothing changed" in capsys.readouterr().out


def test_every_table_stands_in_a_document():
    text = "".join(document.read_text(encoding="utf-8") for document in tables.DOCUMENTS)
    names = {name for _, name, _, _ in tables.MARKED.findall(text)}
    assert names >= {*tables.TABLES, *tables.CROSSED}


def test_an_edited_number_in_a_document_is_noticed_and_mended(tmp_path):
    text = README.read_text()
    row = next(line for line in text.splitlines() if line.startswith("| `knn-pca`"))
    edited = tmp_path / "README.md"
    edited.write_text(text.replace(row, row.replace("0.9", "0.8", 1)))
    with pytest.raises(BadInput, match=f"table headline of {edited} is stale"):
        tables.main(["--check", "--documents", str(edited)])
    tables.main(["--documents", str(edited)])
    assert edited.read_text() == text


def test_an_edited_number_in_a_file_is_noticed(tmp_path):
    shutil.copytree(tables.RESULTS, tmp_path / "results")
    file = tmp_path / "results" / "noise.csv"
    file.write_text(file.read_text().replace("0.9718", "0.9719", 1))
    with pytest.raises(BadInput, match="table noise of .*RESULTS.md is stale"):
        tables.main(["--check", "--results", str(tmp_path / "results")])


def test_measured_numbers_in_prose_stand_in_the_results():
    """So that each can be followed to the command that made it."""
    results = RESULTS.read_text()
    for document in (README, *sorted((ROOT / "docs").glob("*.md"))):
        prose = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
        unknown = [number for number in MEASURED.findall(prose) if number not in results]
        assert not unknown, f"{document} says {unknown}, which RESULTS.md does not"


def test_links_name_what_is_there():
    for document in (README, ROOT / "CONTRIBUTING.md", RESULTS, *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
            if not link.startswith("http"):
                assert (document.parent / link).exists(), f"{document} links to {link}"


def drawn(document, heading):
    """Paths that a drawn layout names: a line that is not indented opens a folder."""
    layout = re.search(rf"## {heading}\n.*?```\n(.*?)```", document.read_text(), re.DOTALL)[1]
    folder, paths = ROOT, []
    for line in filter(None, layout.splitlines()):
        indent, first = re.match(r"( *)(\S+)", line).groups()
        inside = folder if indent else ROOT
        paths += [inside / name for name in re.findall(r"\w+\.(?:py|sh)|[\w/]+/(?= )", line)]
        if first.endswith("/") and not indent:
            folder = ROOT / first
    return paths


@pytest.mark.parametrize("document, heading", [(README, "Layout"), (LAYOUT, "Every file")])
def test_drawn_layouts_name_what_is_there(document, heading):
    for path in drawn(document, heading):
        assert path.exists(), f"{document} draws {path}"


def test_every_module_has_its_line_in_the_layout():
    named = drawn(LAYOUT, "Every file")
    for folder in ("preprocess", "models", "experiments"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.name != "__init__.py":
                assert path in named, f"{LAYOUT} has no line for {path.relative_to(ROOT)}"
