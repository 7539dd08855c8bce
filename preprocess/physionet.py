"""The MIT-BIH Arrhythmia Database from PhysioNet: download, verify, resume; and whose records are these?"""

import contextlib
import hashlib
import io
import os
import socket
from pathlib import Path

import wfdb
from tqdm import tqdm

from preprocess import BadInput

CHECKSUMS = Path(__file__).with_name(
    "mitdb_sha256.txt"
)  # PhysioNet's SHA256SUMS.txt, MIT-BIH 1.0.0
PHYSIONET = "physionet.org"


def source_of(folder):
    """What the records in a folder are: "mitdb", "simulated" or, for anyone's own, the folder's name."""
    headers = sorted(Path(folder).glob("*.hea"))
    if headers and "simulated" in headers[0].read_text(errors="replace").lower():
        return "simulated"
    published = published_checksums()
    if headers and any(h.name in published and sha256(h) == published[h.name] for h in headers):
        return "mitdb"
    return Path(folder).resolve().name


def published_checksums():
    """{file name: sha256} of the MIT-BIH Arrhythmia Database 1.0.0, as published by PhysioNet."""
    rows = (line.split() for line in CHECKSUMS.read_text().splitlines() if line)
    return {name: digest for digest, name in rows}


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def complete(folder):
    """True when a folder holds every file of the MIT-BIH database (sizes are checked by reading, sums by download)."""
    return all((Path(folder) / name).exists() for name in published_checksums())


def reachable(host=PHYSIONET, port=443, timeout_s=5.0):
    """True when a connection to PhysioNet opens within timeout_s."""
    try:
        socket.create_connection((host, port), timeout=timeout_s).close()
        return True
    except OSError:
        return False


def download(folder):
    """Download the MIT-BIH Arrhythmia Database through wfdb, file by file, each checked against its published sum.

    Files already there and right are kept, so that a broken download goes on where it stopped.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, digest in tqdm(
        published_checksums().items(), desc="MIT-BIH from PhysioNet", unit="file"
    ):
        if (folder / name).exists() and sha256(folder / name) == digest:
            continue
        _download_file(folder, name, digest)


def _download_file(folder, name, digest):
    part = folder / ".part"
    part.mkdir(exist_ok=True)
    for _ in range(2):  # a second try in full, for a first that was cut off or altered on its way
        with contextlib.redirect_stdout(
            io.StringIO()
        ):  # wfdb prints four lines a file, through the progress bar
            wfdb.dl_files("mitdb", str(part), [name])
        if sha256(part / name) == digest:
            os.replace(part / name, folder / name)
            return
        (part / name).unlink()
    raise BadInput(
        f"{name} from PhysioNet does not match its published checksum: try again later, or give --records"
    )
