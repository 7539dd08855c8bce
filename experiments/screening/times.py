"""Times of a recording in words."""

from datetime import date, datetime, time, timedelta

ANY_DAY = date(1, 1, 1)  # where only a time of day is known


def clock(seconds: float) -> str:
    """Time from the start as h:mm:ss."""
    seconds = int(seconds)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def moment(start: datetime | time | str) -> datetime:
    """When a recording began, of an ISO date and time or time of day."""
    if isinstance(start, str):
        start = datetime.fromisoformat(start) if "T" in start else time.fromisoformat(start)
    return datetime.combine(ANY_DAY, start) if isinstance(start, time) else start


def wall_clock(seconds: float, start: datetime | time | str | None) -> str:
    """The time of day where the recording's start is known, else the time from the start."""
    if start is None:
        return clock(seconds)
    start = moment(start)
    at = start + timedelta(seconds=int(seconds))
    days = (at.date() - start.date()).days
    return f"{at:%H:%M:%S}" + (f" +{days} d" if days else "")
