"""What clocks on a wall show, and which instant that is.

Two rules hold everywhere: a wall clock that does not exist (clocks go forward) is moved on by the
gap, one that occurs twice (clocks go back) means the first.
"""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from events.errors import VouchError

_DAY = timedelta(days=1)
_ZONES_OF_THE_MACHINE = frozenset({"localtime", "posixrules", "Factory"})


class TimeOfDayError(VouchError):
    """A text is not a time of day."""

    code: ClassVar[str] = "bad-time-of-day"

    def __init__(self, text: str) -> None:
        super().__init__(
            f'"{text}" is not a time of day',
            hint='write hours and minutes in quotes: "09:00"',
        )


def local_to_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, at which clocks in `zone` show the naive `wall`.

    A wall clock that does not exist is moved on by the gap, one that occurs twice means the
    first.

    >>> local_to_utc(datetime(2027, 3, 28, 2, 30), ZoneInfo("Europe/Amsterdam")).isoformat()
    '2027-03-28T01:30:00+00:00'
    """
    # fold=0 is the offset before the change: the first of two, and "moved on" in a gap.
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


@lru_cache(maxsize=4096)
def zone_or(name: str, fallback: ZoneInfo) -> tuple[ZoneInfo, bool]:
    """Return the zone called `name`, or `fallback` and True when there is none of this name.

    Never raises: names come from outside. Names that depend on the machine, and the copies that
    count leap seconds, are not names of zones.
    """
    if name in _ZONES_OF_THE_MACHINE or name.startswith(("posix/", "right/")):
        return fallback, True
    try:
        return ZoneInfo(name), False
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown, not a name, a folder
        return fallback, True


def time_of_day(text: str, *, end: bool = False) -> time:
    """Return the wall clock written `HH:MM`; with `end`, `24:00` is the midnight that ends a day.

    Raises:
        TimeOfDayError: `text` is not a time of day.
    """
    if end and text == "24:00":
        return time(0)
    hour, colon, minute = text.partition(":")
    digits = len(text) == len("HH:MM") and text.isascii() and (hour + minute).isdigit()
    if not (colon and digits and int(hour) < 24 and int(minute) < 60):  # noqa: PLR2004
        raise TimeOfDayError(text)
    return time(int(hour), int(minute))


def at_time_of_day(end: datetime, wall: time, zone: ZoneInfo, *, after: datetime) -> datetime:
    """Return when clocks in `zone` show `wall` on the day that `end` falls on, in UTC.

    Is that already past, seen from `after` (the run's time, from which the wait counts), it is
    the same time on the next day. So a wait of two days that ends on Friday at 15:00, with a
    `wall` of 10:00, is over on Friday at 10:00.
    """
    day = end.astimezone(zone).date()
    moment = local_to_utc(datetime.combine(day, wall), zone)
    if moment >= after:
        return moment
    return local_to_utc(datetime.combine(day + _DAY, wall), zone)
