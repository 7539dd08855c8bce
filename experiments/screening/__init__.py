"""A recording that nobody has looked at: from file to page.

    from experiments.screening import Screener

is the same from a program of yours, on samples in mV. It is loaded when asked for: flags are not.
"""


def __getattr__(name: str):
    if name in ("Findings", "Screener", "Settings"):
        from experiments.screening import screener

        return getattr(screener, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
