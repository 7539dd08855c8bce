"""Times of a recording in words."""

from datetime import datetime, timedelta


def clock(seconds: float) -> str:
    """Time from the start as h:mm:ss."""
    seconds = int(seconds)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def wall_clock(seconds: float, start: datetime | str | None) -> str:
    """The time of day where the recording's start is known, else the time from the start."""
    if start is None:
        return clock(seconds)
    start = datetime.fromisoformat(start) if isinstance(start, str) else start
    at = start + timedelta(seconds=int(seconds))
    days = (at.date() - start.date()).days
    return f"{at:%H:%M:%S}" + (f" +{days} d" if days else "")
