"""Cron lines of five fields: when a schedule fires next, and when it fired last.

Wall clocks are those of one zone. A time that does not exist (clocks go forward) fires at the
first moment after the gap, one that occurs twice (clocks go back) fires once, at the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import ClassVar
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from events.errors import VouchError
from workflows.wallclock import local_to_utc

CRON_TEXT_MAX = 200
FIELDS = ("minute", "hour", "day of the month", "month", "weekday")
HINT = "five fields: minute, hour, day, month, weekday, such as 0 9 * * 1"
CHANGE_MAX = timedelta(hours=4)
"""The clocks of no zone are put on or back by more at once."""

_LEAP = datetime(2024, 1, 1, tzinfo=UTC)  # 29 February is a day
_SECOND = timedelta(seconds=1)
_ALL = "*"


class CronError(VouchError):
    """A text is no cron line, or one that never fires."""

    code: ClassVar[str] = "bad-schedule"


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron line that some day comes true; `parse_cron` makes it."""

    text: str

    def next(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return the first firing at or after an instant, in UTC.

        Raises:
            CronError: There is none before the calendar ends.
        """
        # Walls in order are instants in order, so the first that is not too early is it. A
        # clock change lets a wall well before the present one come after it.
        start = at.astimezone(zone).replace(tzinfo=None) - CHANGE_MAX
        for wall in self._walls(start):
            moment = first_moment(wall, zone)
            if moment >= at:
                return moment
        raise _never(self.text)

    def last(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return the last firing at or before an instant, in UTC.

        Raises:
            CronError: There is none since the calendar began.
        """
        start = at.astimezone(zone).replace(tzinfo=None) + CHANGE_MAX
        for wall in self._walls(start, reverse=True):
            moment = first_moment(wall, zone)
            if moment <= at:
                return moment
        raise _never(self.text)

    def _walls(self, start: datetime, *, reverse: bool = False) -> Iterator[datetime]:
        """Give the wall clocks that the line names, as if clocks were never changed."""
        try:
            yield from CronSim(self.text, start, reverse=reverse)
        except (OverflowError, ValueError):
            return  # past the years that can be written


@lru_cache(maxsize=512)
def parse_cron(text: str) -> Cron:
    """Return the cron line that `text` writes.

    A field is `*`, a number, a range `1-5`, a list `1,15`, each with a step as in `*/15`;
    months and weekdays also go by their first three letters, `L` is the last day. With a day
    of the month and a weekday both given, either will do, as cron has always had it.

    Raises:
        CronError: It is none, or names a day that no year has.

    >>> parse_cron("0 9 1 * *").next(datetime(2027, 3, 2, tzinfo=UTC), ZoneInfo("UTC")).isoformat()
    '2027-04-01T09:00:00+00:00'
    """
    if len(text) > CRON_TEXT_MAX:
        message = f"a schedule has at most {CRON_TEXT_MAX} characters"
        raise CronError(message, hint=HINT)
    parts = text.split()
    if len(parts) != len(FIELDS):
        message = (
            f'"{text}" has {len(parts)} field{"s" * (len(parts) != 1)}, and a schedule has five'
        )
        raise CronError(message, hint=HINT)
    wrong = wrong_field(parts)
    if wrong is not None:
        raise CronError(f'"{parts[wrong]}" is no {FIELDS[wrong]}', hint=HINT)
    if not _reads(text) or next(CronSim(text, _LEAP), None) is None:
        raise _never(text)
    return Cron(text)


def wrong_field(parts: list[str]) -> int | None:
    """Return the number of the first field that is none, counted from 0."""
    for number, part in enumerate(parts):
        alone = [_ALL] * len(FIELDS)
        alone[number] = part
        if not _reads(" ".join(alone)):
            return number
    return None


def _reads(text: str) -> bool:
    try:
        CronSim(text, _LEAP)
    except (CronSimError, AssertionError, TypeError, ValueError):
        return False  # it asserts what it has not looked at
    return True


def _never(text: str) -> CronError:
    message = f'"{text}" never comes true: there is no such day'
    return CronError(message, hint="look at the day and the month")


def first_moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when clocks in a zone first show `wall`; the end of the gap where they never do."""
    after = local_to_utc(wall, zone)
    if after.astimezone(zone).replace(tzinfo=None) == wall:
        return after
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)  # by the offset after the change
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
