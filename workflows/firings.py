"""When a schedule fires next, and what the changes of the clocks do to it, told beforehand."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from workflows.cron import Cron, CronError, parse_cron

NEXT = 3
"""How many of the next firings are told."""
AHEAD = timedelta(days=366)
"""How far ahead changes of the clocks are looked for."""

TOUCHED_MAX = 10
"""How many firings that one change touches are told."""

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_REACH = timedelta(hours=2)  # a change by more is none that a zone has made for its clocks


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
        for change in _changes(zone, since):
            for each in _around(cron, zone, change):
                found.setdefault(each.at, each)
    except CronError:
        pass  # past the years that can be written
    return [found[at] for at in sorted(found) if at >= since]


def _changes(zone: ZoneInfo, since: datetime) -> Iterator[datetime]:
    """Give the instants at which the zone's clocks change."""
    before, last = since, since + AHEAD
    while before < last:
        after = before + _DAY
        if _offset(before, zone) != _offset(after, zone):
            yield _between(before, after, zone)
        before = after


def _between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the minute from which on the offset is that of `after`."""
    while after - before > _MINUTE:
        half = before + (after - before) / 2
        if _offset(half, zone) == _offset(after, zone):
            after = half
        else:
            before = half
    return after.replace(second=0, microsecond=0)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def _around(cron: Cron, zone: ZoneInfo, change: datetime) -> Iterator[Firing]:
    """Give the firings that a change touches: at most an hour before it, or at it; and the next."""
    at, told = change - _REACH, 0
    while (at := cron.next(at, zone)) <= change and told < TOUCHED_MAX:
        note = _note(cron, at, zone)
        if note:
            told += 1
            yield Firing(at, note)
        at += _MINUTE
    day = change.astimezone(zone).date().isoformat()
    yield Firing(cron.next(change + _MINUTE, zone), f"the first after the clocks change on {day}")


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
