"""The print of a page as a PDF, by a headless Chromium or Chrome."""

import os
import shutil
import subprocess
from pathlib import Path

from preprocess import BadInput

# Nothing of the network: without one, a browser that looks for updates may not end.
OFFLINE = ("background-networking", "component-update", "sync", "default-apps", "extensions")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
LONGEST_S = 180


def browser() -> str:
    """Raises BadInput where there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise BadInput(
            "--pdf needs Chromium or Chrome, and there is none here: leave it out, open the page "
            "and print it"
        )
    return found


def print_page(page: Path, target: Path):
    """A page on this disk to a PDF. Raises BadInput where the browser makes none."""
    command = [browser(), "--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer"]
    command += [f"--user-data-dir={target}.profile", f"--print-to-pdf={target}"]
    command += [f"--disable-{part}" for part in OFFLINE]
    if os.geteuid() == 0:  # it refuses to run as root otherwise
        command.append("--no-sandbox")
    try:
        subprocess.run(
            [*command, page.resolve().as_uri()], capture_output=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        pass
    finally:
        shutil.rmtree(f"{target}.profile", ignore_errors=True)
    if not target.exists():
        raise BadInput(f"{command[0]} made no PDF of {page.name}: leave --pdf out, and print it")
