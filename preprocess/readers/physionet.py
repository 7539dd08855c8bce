"""The MIT-BIH Arrhythmia Database from PhysioNet: download, verify, resume.

Also tells whose records a folder holds, by the published checksums.
"""

import hashlib
import os
import socket
from pathlib import Path

import wfdb

from preprocess import BadInput

# PhysioNet's SHA256SUMS.txt of MIT-BIH 1.0.0.
CHECKSUMS = Path(__file__).with_name("mitdb_sha256.txt")


def source_of(folder: str | Path) -> str:
    """What the records in a folder are: "mitdb", "simulated" or, of others, the folder's name."""
    headers = sorted(Path(folder).glob("*.hea"))
    if headers and "simulated" in headers[0].read_text(errors="replace").lower():
        return "simulated"
    published = published_checksums()
    if headers and any(h.name in published and sha256(h) == published[h.name] for h in headers):
        return "mitdb"
    return Path(folder).resolve().name


def published_checksums() -> dict[str, str]:
    """{file name: sha256} of the MIT-BIH Arrhythmia Database 1.0.0, as published by PhysioNet."""
    rows = (line.split() for line in CHECKSUMS.read_text().splitlines() if line)
    return {name: digest for digest, name in rows}


def sha256(path: str | Path) -> str:
    """Hexadecimal digest of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def complete(folder: str | Path) -> bool:
    """Whether a folder has every file of the MIT-BIH database, by name alone."""
    return all((Path(folder) / name).exists() for name in published_checksums())


def reachable() -> bool:
    """True when a connection to PhysioNet opens within five seconds."""
    try:
        socket.create_connection(("physionet.org", 443), timeout=5.0).close()
        return True
    except OSError:
        return False


def download(folder: str | Path) -> None:
    """Download what is missing of the MIT-BIH Arrhythmia Database through wfdb, which goes on where
    it was cut off. Raises BadInput when a file does not match its published sum."""
    folder, wanted = Path(folder), published_checksums()
    part = folder / ".part"  # nobody finds half a file under its name
    part.mkdir(parents=True, exist_ok=True)
    is_there = lambda at, name: (at / name).exists() and sha256(at / name) == wanted[name]
    missing = [name for name in wanted if not is_there(folder, name)]
    wfdb.dl_files("mitdb", str(part), missing)
    for name in missing:
        if not is_there(part, name):
            (part / name).unlink(missing_ok=True)
            raise BadInput(
                f"{name} from PhysioNet does not match its published checksum: try again later, or "
                "give --records"
            )
        os.replace(part / name, folder / name)
