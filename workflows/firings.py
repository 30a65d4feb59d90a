"""When a schedule fires next, and what the changes of the clocks do to it, told beforehand."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from workflows.cron import Cron, CronError, parse_cron

NEXT = 3
"""How many of the next firings are told."""
AHEAD = timedelta(days=366)
"""How far ahead changes of the clocks are looked for."""

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Firing:
    """One firing of a schedule; `note` says what is not as on any other day."""

    at: datetime
    note: str = ""


def firings(schedule: str, zone: ZoneInfo, since: datetime) -> list[Firing]:
    """Return the next firings, and those of the coming year that a clock change touches.

    Of each change of the clocks: what fires on that day at another time than is written, or at
    a time that comes twice, and the first firing after it.

    >>> [f"{each.at:%d %b %H:%M} {each.note}".strip() for each in firings(
    ...     "30 2 * * *", ZoneInfo("Europe/Amsterdam"), datetime(2027, 3, 25, tzinfo=UTC))][:4]
    ['25 Mar 01:30', '26 Mar 01:30', '27 Mar 01:30', \
'28 Mar 01:00 02:30 does not exist that day: at the first moment after']
    """
    cron = parse_cron(schedule)
    found: dict[datetime, Firing] = {}
    at = since
    try:
        for _ in range(NEXT):
            at = cron.next(at, zone)
            found[at] = Firing(at, _note(cron, at, zone))
            at += _MINUTE
        for day in _changes(zone, since):
            for each in _around(cron, zone, day):
                found.setdefault(each.at, each)
    except CronError:
        pass  # past the years that can be written
    return [found[at] for at in sorted(found) if at >= since]


def _changes(zone: ZoneInfo, since: datetime) -> Iterator[date]:
    """Give the days on which the zone's clocks change."""
    day = since.astimezone(zone).date()
    last = day + AHEAD
    while day < last:
        if _midnight(day, zone).utcoffset() != _midnight(day + _DAY, zone).utcoffset():
            yield day
        day += _DAY


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _around(cron: Cron, zone: ZoneInfo, day: date) -> Iterator[Firing]:
    at, end = _midnight(day, zone).astimezone(UTC), _midnight(day + _DAY, zone).astimezone(UTC)
    while (at := cron.next(at, zone)) < end:
        note = _note(cron, at, zone)
        if note:
            yield Firing(at, note)
        at += _MINUTE
    yield Firing(at, f"the first after the clocks change on {day.isoformat()}")


def _note(cron: Cron, at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    wall = local.replace(tzinfo=UTC)
    start = datetime(local.year, local.month, local.day, tzinfo=UTC)
    if cron.next(wall, ZoneInfo("UTC")) != wall:
        meant = start
        while (following := cron.next(meant + _MINUTE, ZoneInfo("UTC"))) < wall:
            meant = following
        return f"{meant:%H:%M} does not exist that day: at the first moment after"
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        return f"{local:%H:%M} comes twice that day: once, at the first"
    return ""
