"""When schedules fire next, and what changes of the clocks do to them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from workflows.firings import Firing, firings

SINCE = datetime(2027, 3, 20, tzinfo=UTC)


def _told(schedule: str, zone: str) -> list[str]:
    def line(each: Firing) -> str:
        return f"{each.at.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M%z} {each.note}".strip()

    return [line(each) for each in firings(schedule, ZoneInfo(zone), SINCE)]


@pytest.mark.parametrize(
    ("schedule", "zone", "expected"),
    [
        ("0 9 * * *", "UTC", "2027-03-22T09:00+0000"),
        ("30 2 28 3 *", "Europe/Amsterdam",
         "2027-03-28T03:00+0200 02:30 does not exist that day: at the first moment after"),
        ("30 1 1 11 *", "Europe/Amsterdam", "2027-11-01T01:30+0100"),
        ("30 1 * * *", "Europe/Amsterdam",
         "2027-11-01T01:30+0100 the first after the clocks change on 2027-10-31"),
        ("15 1 7 11 *", "America/New_York",
         "2027-11-07T01:15-0400 01:15 comes twice that day: once, at the first"),
    ],
)  # fmt: skip
def test_what_the_clocks_do_is_told(schedule: str, zone: str, expected: str) -> None:
    """A time that is not there, one that comes twice, and the first after a change."""
    assert expected in _told(schedule, zone)


def test_a_schedule_of_every_minute_is_not_told_whole() -> None:
    """The next ones, and those that a change of the clocks touches."""
    assert len(_told("* * * * *", "Europe/Amsterdam")) < 100
