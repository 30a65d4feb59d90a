"""Cron lines of five fields: when a schedule fires next, and when it fired last.

Wall clocks are those of one zone. A time that does not exist (clocks go forward) fires at the
first moment after the gap, one that occurs twice (clocks go back) fires once, at the first.
"""

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import ClassVar
from zoneinfo import ZoneInfo

from events.errors import VouchError
from workflows.wallclock import local_to_utc

CRON_TEXT_MAX = 200
DAYS_MAX = 366 * 8 + 2
"""How far a firing is looked for: 29 February is at most eight years away."""

_FORM = "minute hour day month weekday, as in: 30 9 1 * *"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d{1,4}))?")
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class CronError(VouchError):
    """A text is no cron line, or one that never fires."""

    code: ClassVar[str] = "bad-schedule"


@dataclass(frozen=True, slots=True)
class _Field:
    """What a field may hold, and what it is called."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("weekday", 0, 7, _WEEKDAYS),  # 0 and 7 are Sunday
)


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron line, read.

    Attributes:
        times: Minutes of the day at which it fires, ascending.
        weekdays: Monday is 0.
        either: Days of the month and weekdays are both given, so either will do.
    """

    text: str
    times: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def is_day(self, day: date) -> bool:
        """Return whether it fires on a date."""
        if day.month not in self.months:
            return False
        fits = (day.day in self.days, day.weekday() in self.weekdays)
        return any(fits) if self.either else all(fits)

    def next(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return the first firing at or after an instant, in UTC.

        Raises:
            CronError: There is none within `DAYS_MAX` days.
        """
        day = at.astimezone(zone).date() - _DAY  # a gap may move yesterday's last time to today
        for _ in range(DAYS_MAX):
            if self.is_day(day):
                firings = _firings(self, day, zone)
                place = bisect_left(firings, at)
                if place < len(firings):
                    return firings[place]
            day += _DAY
        raise self._never()

    def last(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return the last firing at or before an instant, in UTC.

        Raises:
            CronError: There is none within `DAYS_MAX` days.
        """
        day = at.astimezone(zone).date()
        for _ in range(DAYS_MAX):
            if self.is_day(day):
                firings = _firings(self, day, zone)
                place = bisect_right(firings, at)
                if place:
                    return firings[place - 1]
            day -= _DAY
        raise self._never()

    def _never(self) -> CronError:
        return CronError(f'"{self.text}" never fires', hint="no year has such a day")


@lru_cache(maxsize=512)
def parse_cron(text: str) -> Cron:
    """Return the cron line that `text` writes.

    A field is `*`, a number, a range `1-5`, a list `1,15`, each with a step as in `*/15`;
    months and weekdays also go by their first three letters. With a day of the month and a
    weekday both given, either will do, as cron has always had it.

    Raises:
        CronError: It is none, or fires on a day that no year has.

    >>> parse_cron("0 9 1 * *").next(datetime(2027, 3, 2, tzinfo=UTC), ZoneInfo("UTC")).isoformat()
    '2027-04-01T09:00:00+00:00'
    """
    if len(text) > CRON_TEXT_MAX:
        raise CronError("the schedule is too long", hint=f"at most {CRON_TEXT_MAX} characters")
    words = text.split()
    if len(words) != len(_FIELDS):
        raise CronError(f'"{text}" has {len(words)} fields, a schedule has five', hint=_FORM)
    minutes, hours, days, months, weekdays = (
        _values(word, field) for word, field in zip(words, _FIELDS, strict=True)
    )
    cron = Cron(
        text,
        times=tuple(60 * hour + minute for hour in sorted(hours) for minute in sorted(minutes)),
        days=days,
        months=months,
        weekdays=frozenset((day - 1) % 7 for day in weekdays),
        either=not (words[2].startswith("*") or words[4].startswith("*")),
    )
    cron.next(datetime(2024, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))  # or it says that it never does
    return cron


def _values(word: str, field: _Field) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise CronError(f'"{part}" is no {field.name}', hint=_FORM)
        star, first, last, step = match.groups()
        low = field.low if star else _number(first, field)
        if star:
            high = 6 if field.names == _WEEKDAYS else field.high
        elif last:
            high = _number(last, field)
        else:
            high = field.high if step else low
        if high < low:
            raise CronError(f'"{part}" runs backwards', hint=f"write {last}-{first}")
        if step and int(step) == 0:
            raise CronError(f'"{part}" has a step of nothing', hint="a step is at least 1")
        found.update(range(low, high + 1, int(step or 1)))
    return frozenset(found)


def _number(word: str, field: _Field) -> int:
    named = word.lower()
    if named in field.names:
        return field.names.index(named) + (field.low if field.names == _MONTHS else 0)
    if not (word.isascii() and word.isdigit()) or not field.low <= int(word) <= field.high:
        hint = f"it is {field.low} to {field.high}"
        raise CronError(f'"{word}" is no {field.name}', hint=hint)
    return int(word)


@lru_cache(maxsize=4096)
def _firings(cron: Cron, day: date, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the instants at which a cron line fires on a day, each once, ascending."""
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall clock
    walls = (midnight + timedelta(minutes=minute) for minute in cron.times)
    return tuple(sorted({_first_moment(wall, zone) for wall in walls}))


def _first_moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when clocks first show `wall`; the end of the gap where they never do."""
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
