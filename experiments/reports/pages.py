"""What pages are made of: templates, numbers and times as text, embedded pictures.

Needs no matplotlib.
"""

import base64
import math
from datetime import datetime, timedelta
from numbers import Real
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Undefined

DASH = "\u2013"  # stands for what is missing


def environment(folder):
    """Jinja environment for a folder of templates, and base.html, with this module's filters."""
    folders = [folder, Path(__file__).parent / "templates"]
    made = Environment(
        loader=FileSystemLoader(folders), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    filters = (fixed, percent, count, interval, lasting)
    made.filters |= {function.__name__: function for function in filters}
    return made


def is_missing(value):
    return (
        value is None
        or isinstance(value, Undefined)
        or (isinstance(value, Real) and not math.isfinite(value))
    )


def fixed(value, digits=4):
    return DASH if is_missing(value) else f"{float(value):.{digits}f}"


def percent(value, digits=1):
    return DASH if is_missing(value) else f"{100 * float(value):.{digits}f}\u202f%"


def count(value):
    return DASH if is_missing(value) else f"{round(float(value)):,}".replace(",", "\u202f")


def interval(limits, digits=4):
    if is_missing(limits) or len(limits) != 2 or any(is_missing(limit) for limit in limits):
        return DASH
    return f"{fixed(limits[0], digits)} to {fixed(limits[1], digits)}"


def clock(seconds: float) -> str:
    """Time from the start as h:mm:ss."""
    seconds = int(seconds)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def lasting(seconds: float) -> str:
    """A length, told the same way wherever it stands, by the page's figures.js too."""
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds else "0 s"
    whole = round(seconds)
    minutes, hours = whole // 60 % 60, whole // 3600
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {whole % 60:02d} s"


def moment(start: str) -> datetime:
    """When a recording began, of an ISO date and time, or of a time of day, on any day."""
    return datetime.fromisoformat(start if "T" in start else f"0001-01-01T{start}")


def wall_clock(seconds: float, start: str | None) -> str:
    """The time of day where the recording's start is known, else the time from the start."""
    if start is None:
        return clock(seconds)
    began = moment(start)
    at = began + timedelta(seconds=int(seconds))
    days = (at.date() - began.date()).days
    return f"{at:%H:%M:%S}" + (f" +{days} d" if days else "")


def embed(path):
    """A PNG file as the address of an image inside a page: the page needs no other file."""
    return "data:image/png;base64," + base64.b64encode(Path(path).read_bytes()).decode()
