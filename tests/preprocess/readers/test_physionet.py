"""The download resumes, checks every file, and says whose records a folder holds."""

import hashlib
import shutil

import pytest

from preprocess import BadInput
from preprocess.readers import physionet


def test_download_goes_on_where_it_stopped_and_checks_every_file(tmp_path, monkeypatch):
    published = {"a.dat": b"whole a", "b.dat": b"whole b", "c.dat": b"whole c"}
    monkeypatch.setattr(
        physionet,
        "published_checksums",
        lambda: {name: hashlib.sha256(content).hexdigest() for name, content in published.items()},
    )
    fetched, tries = [], {"b.dat": [b"cut", b"whole b"]}

    def fetch(database, folder, names):
        fetched.append(names)
        for name in names:
            content = tries.get(name, [published[name]]).pop(0)
            (physionet.Path(folder) / name).write_bytes(content)

    monkeypatch.setattr(physionet.wfdb, "dl_files", fetch)
    (tmp_path / "a.dat").write_bytes(b"whole a")
    with pytest.raises(BadInput, match="b.dat from PhysioNet does not match"):
        physionet.download(tmp_path)
    assert not (tmp_path / "b.dat").exists()
    physionet.download(tmp_path)
    assert fetched == [["b.dat", "c.dat"]] * 2  # a was there; b came cut off once
    assert {n: (tmp_path / n).read_bytes() for n in published} == published


def test_source_is_recognised(tmp_path, mitdb):
    for ending in (".hea", ".dat", ".atr"):
        shutil.copy(mitdb / f"100{ending}", tmp_path)
    assert physionet.source_of(tmp_path) == "mitdb"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "r1.hea").write_text("r1 1 360 7200\n")
    assert physionet.source_of(tmp_path / "mine") == "mine"
