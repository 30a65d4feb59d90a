"""An office of Amsterdam, its hours, and local times there."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from workflows.calendars import make_calendar

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NEW_YORK = ZoneInfo("America/New_York")
NUUK = ZoneInfo("America/Nuuk")
WEEK = ["mon", "tue", "wed", "thu", "fri"]
EVERY_DAY = [*WEEK, "sat", "sun"]
OFFICE = make_calendar(WEEK, ("09:00", "17:00"), "NL", AMSTERDAM)
SLOT = time(10)
QUIET = (time(20), time(8))


def local(text: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    """Return the instant of a local time that occurs once."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
