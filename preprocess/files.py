"""Files that are whole or not there at all."""

import json
import os
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path):
    """A temporary name to write to; it becomes `path` when all went well, else it is removed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_json(values, path):
    with whole_file(path) as part:
        part.write_text(json.dumps(values, indent=1))
