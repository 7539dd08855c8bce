"""What pages are made of: templates, numbers as text, embedded pictures. Needs no matplotlib."""

import base64
import math
from numbers import Real
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Undefined

DASH = "\u2013"  # stands for what is missing


def environment(folder):
    """Jinja environment for a folder of templates, with the filters of this module."""
    made = Environment(
        loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        function.__name__: function
        for function in (fixed, percent, count, interval, dash, significant)
    }
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


def significant(value):
    return DASH if is_missing(value) else f"{float(value):.5g}"


def interval(limits, digits=4):
    if is_missing(limits) or len(limits) != 2 or any(is_missing(limit) for limit in limits):
        return DASH
    return f"{fixed(limits[0], digits)} to {fixed(limits[1], digits)}"


def dash(value):
    return DASH if is_missing(value) or value == "" else value


def embed(path):
    """A PNG file as the address of an image inside a page: the page needs no other file."""
    return "data:image/png;base64," + base64.b64encode(Path(path).read_bytes()).decode()
