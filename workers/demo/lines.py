"""A line of the event file, and what makes such lines: seeded dice, sources that number."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson

from events.values import parse_instant

Via = Literal["http", "queue"]

YEAR = 2027
STARTS_AT = datetime(YEAR, 1, 1, tzinfo=UTC)
ENDS_AT = datetime(YEAR + 1, 1, 1, tzinfo=UTC)

SOURCES: dict[str, Via] = {
    "crm": "queue",
    "projects": "queue",
    "helpdesk": "http",
    "mailer": "http",
    "survey": "http",
    "website": "http",
}
"""The systems of the made-up company, and the way each of them publishes."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event on its way in: when it arrives, by which way, and what it says.

    `event` is whatever the source sent, which need not be an event at all.
    """

    arrival: datetime
    via: Via
    event: Any

    def encode(self) -> bytes:
        """Return the line as the file has it, with its end."""
        line = {"arrival": rfc3339(self.arrival), "via": self.via, "event": self.event}
        return orjson.dumps(line) + b"\n"

    @classmethod
    def decode(cls, text: bytes) -> "Line":
        """Return the line that `encode` wrote.

        Raises:
            ValueError: it is no such line.
        """
        line = orjson.loads(text)
        return cls(parse_instant(line["arrival"]), line["via"], line["event"])


def rfc3339(at: datetime) -> str:
    """Return an instant as events have it.

    >>> rfc3339(STARTS_AT)
    '2027-01-01T00:00:00Z'
    """
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def dice(*parts: object) -> Random:
    """Return dice that fall the same way for the same parts, in any process."""
    return Random("/".join(map(str, parts)))  # noqa: S311 - a made-up world, no secrets


def minutes(rng: Random, least: int, most: int) -> timedelta:
    """Return between `least` and `most` minutes, with odd seconds."""
    return timedelta(minutes=rng.randint(least, most), seconds=rng.randint(0, 59))


def at_work(rng: Random, day: datetime, zone: str) -> datetime:
    """Return a moment between nine and five on this day in a zone, or on the next working day."""
    local = day.astimezone(ZoneInfo(zone))
    while local.isoweekday() > 5:  # noqa: PLR2004 - Friday
        local += timedelta(days=1)
    moment = local.replace(hour=rng.randint(9, 16), minute=rng.randint(0, 59), second=0)
    return (moment + timedelta(seconds=rng.randint(0, 59))).astimezone(UTC)


def is_work(moment: datetime, zone: str) -> bool:
    """Tell whether a moment is one that `at_work` could give."""
    local = moment.astimezone(ZoneInfo(zone))
    return local.isoweekday() <= 5 and 9 <= local.hour < 17  # noqa: PLR2004 - Friday; nine to five


def quarter(at: datetime) -> datetime:
    """Return the next quarter of an hour: systems that publish in batches do so on the clock."""
    whole = at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
    return whole + timedelta(minutes=15)


class Wire:
    """The upstream systems: collects what they publish, to be numbered when all of it is there."""

    def __init__(self) -> None:
        self._said: list[Line] = []

    def say(
        self,
        source: str,
        kind: str,
        subject: str,
        data: dict[str, Any],
        *,
        time: datetime,
        arrival: datetime,
        natural_key: str = "",
    ) -> None:
        """Publish an event: it happened at `time` and arrives at `arrival`."""
        event = {
            "specversion": "1.0",
            "id": "",
            "source": source,
            "type": kind,
            "time": rfc3339(time),
        }
        if subject:
            event["subject"] = subject
        if natural_key:
            event["naturalkey"] = natural_key
        self._said.append(Line(arrival, SOURCES[source], {**event, "data": data}))

    def lines(self) -> list[Line]:
        """Return all lines in order of arrival; each source has numbered its events."""
        numbers: Counter[str] = Counter()
        ordered = sorted(self._said, key=lambda line: line.arrival)
        for line in ordered:
            source = line.event["source"]
            numbers[source] += 1
            line.event["id"] = f"{source}-{numbers[source]:05}"
        return ordered
