"""Times as scenarios write them: wall clock of the programme, unless they have an offset."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from workflows.wallclock import local_to_utc

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def is_instant(text: object) -> bool:
    """Tell whether a text is an instant: `2027-02-11T16:00`, seconds and offset as wanted.

    >>> is_instant("2027-02-11T16:00"), is_instant("2027-02-30T16:00"), is_instant("2027-02-11")
    (True, False, False)
    """
    return isinstance(text, str) and bool(_INSTANT.fullmatch(text)) and _exists(text)


def is_day(text: object) -> bool:
    """Tell whether a text is a date: `2027-02-11`."""
    return isinstance(text, str) and bool(_DAY.fullmatch(text)) and _exists(text)


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def to_utc(text: str, zone: ZoneInfo) -> datetime:
    """Return the instant that a scenario writes; a date is its midnight.

    >>> to_utc("2027-02-11T16:00", ZoneInfo("Europe/Amsterdam")).isoformat()
    '2027-02-11T15:00:00+00:00'
    >>> to_utc("2027-02-11T16:00Z", ZoneInfo("Europe/Amsterdam")).isoformat()
    '2027-02-11T16:00:00+00:00'
    """
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo else local_to_utc(at, zone)


def to_local(at: datetime, zone: ZoneInfo) -> str:
    """Return an instant as a scenario would write it.

    The second of two equal wall clocks has its offset, so that it means itself.

    >>> to_local(datetime(2027, 2, 11, 15, 0, 5, tzinfo=UTC), ZoneInfo("Europe/Amsterdam"))
    '2027-02-11T16:00:05'
    """
    local = at.astimezone(zone)
    timespec = "milliseconds" if local.microsecond else "seconds" if local.second else "minutes"
    wall = local.replace(tzinfo=None)
    text = wall.isoformat(timespec=timespec)
    if local_to_utc(wall, zone) == at:
        return text
    return local.isoformat(timespec=timespec)
