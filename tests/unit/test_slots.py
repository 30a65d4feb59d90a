"""The next slot, and the next moment outside quiet hours."""

from datetime import UTC, datetime, time, timedelta

import pytest

from tests.unit.amsterdam import AMSTERDAM, NEW_YORK, NUUK, OFFICE, QUIET, SLOT, local
from workflows.calendars import Calendar
from workflows.slots import next_allowed, next_slot
from workflows.wallclock import at_time_of_day, local_to_utc


def slot(after: str, calendar: Calendar | None = OFFICE) -> datetime:
    """Return the next slot after a local time."""
    return next_slot(local(after), SLOT, AMSTERDAM, calendar)


def allowed(at: str, calendar: Calendar | None = None) -> datetime:
    """Return the next moment outside the night after a local time."""
    return next_allowed(local(at), quiet=QUIET, zone=AMSTERDAM, calendar=calendar)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2027-02-05T10:00", "2027-02-05T10:00"),
        ("2027-02-05T17:10", "2027-02-08T10:00"),
        ("2027-02-08T11:00", "2027-02-09T10:00"),
        ("2027-02-12T15:40", "2027-02-15T10:00"),
        ("2027-04-13T15:00", "2027-04-14T10:00"),
        ("2027-03-25T10:01", "2027-03-30T10:00"),
    ],
)
def test_the_next_slot_is_on_a_business_day(after: str, expected: str) -> None:
    """S1 and S3: the slot itself counts, after it the next business day's."""
    assert slot(after) == local(expected)


def test_seven_touches_meet_one_holiday() -> None:
    """S9: every seven days from the last sending; only Whit Monday moves one."""
    sent = [local("2027-04-12T10:00")]
    for _ in range(6):
        week_on = sent[-1].astimezone(AMSTERDAM).replace(tzinfo=None) + timedelta(days=7)
        sent.append(next_slot(local_to_utc(week_on, AMSTERDAM), SLOT, AMSTERDAM, OFFICE))

    days = ["04-12", "04-19", "04-26", "05-03", "05-10", "05-18", "05-25"]
    assert sent == [local(f"2027-{day}T10:00") for day in days]
    assert slot("2027-05-03T10:01") == local("2027-05-04T10:00")


def test_a_slot_without_a_calendar_is_on_any_day() -> None:
    """Saturday's slot is taken where no calendar forbids it."""
    assert slot("2027-02-05T10:01", None) == local("2027-02-06T10:00")


def test_the_slot_is_of_the_zone_given() -> None:
    """Ten o'clock in New York, on a day of business there, whatever the day in Amsterdam."""
    after = datetime(2027, 2, 8, 1, 0, tzinfo=UTC)  # Sunday evening in New York

    assert next_slot(after, SLOT, NEW_YORK, OFFICE) == local("2027-02-08T10:00", NEW_YORK)


def test_a_daily_slot_of_the_doubled_hour_comes_once() -> None:
    """S10 e: at 02:30 on 31 October it is the first, 00:30Z, and then the next day's."""
    first = next_slot(local("2027-10-31T01:00"), time(2, 30), AMSTERDAM, None)

    assert first == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert next_slot(first + timedelta(minutes=1), time(2, 30), AMSTERDAM, None) == local(
        "2027-11-01T02:30"
    )


def test_a_slot_of_the_dropped_hour_is_moved_on() -> None:
    """02:30 on 28 March is 03:30; in Nuuk 23:30 the evening before is past midnight."""
    moved = next_slot(local("2027-03-28T01:59"), time(2, 30), AMSTERDAM, None)
    past_midnight = next_slot(local("2027-03-28T00:10", NUUK), time(23, 30), NUUK, None)

    assert moved == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert past_midnight == local("2027-03-28T00:30", NUUK)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2027-02-11T19:59", "2027-02-11T19:59"),
        ("2027-02-11T20:00", "2027-02-12T08:00"),
        ("2027-02-12T00:00", "2027-02-12T08:00"),
        ("2027-02-12T07:59", "2027-02-12T08:00"),
        ("2027-02-12T08:00", "2027-02-12T08:00"),
        ("2027-02-13T12:00", "2027-02-13T12:00"),
    ],
)
def test_quiet_hours_pass_midnight(at: str, expected: str) -> None:
    """From eight in the evening to eight in the morning nothing leaves; at eight it does."""
    assert allowed(at) == local(expected)


def test_quiet_hours_over_the_change_of_the_clock() -> None:
    """S10 a: queued on Saturday night, sent on Sunday at 08:00 of the new offset, 06:00Z."""
    assert allowed("2027-03-27T22:00") == datetime(2027, 3, 28, 6, 0, tzinfo=UTC)


def test_quiet_hours_and_business_days_together() -> None:
    """S10 b: Sunday and Easter Monday are no business days, so Tuesday at 08:00, 06:00Z."""
    assert allowed("2027-03-27T22:00", OFFICE) == datetime(2027, 3, 30, 6, 0, tzinfo=UTC)
    assert allowed("2027-02-05T20:00", OFFICE) == local("2027-02-08T08:00")


def test_a_calendar_restricts_days_not_hours() -> None:
    """Without quiet hours a business day is allowed from midnight on, also before the office."""
    at = local("2027-02-13T12:00")

    assert next_allowed(at, quiet=None, zone=AMSTERDAM, calendar=OFFICE) == local(
        "2027-02-15T00:00"
    )
    assert allowed("2027-02-11T08:30", OFFICE) == local("2027-02-11T08:30")


def test_quiet_hours_within_a_day() -> None:
    """A rest at noon does not pass midnight; from a time to itself is no rest."""
    noon = local("2027-02-11T12:30")

    rest = next_allowed(noon, quiet=(time(12), time(13)), zone=AMSTERDAM, calendar=None)
    none = next_allowed(noon, quiet=(time(12), time(12)), zone=AMSTERDAM, calendar=None)

    assert rest == local("2027-02-11T13:00")
    assert none == noon


def test_the_time_of_day_on_the_day_a_wait_ends() -> None:
    """S1: Wed 15:00 and two business days end on Friday, whose slot is 10:00, not Saturday's."""
    start, end = local("2027-02-03T15:00"), local("2027-02-05T15:00")

    assert at_time_of_day(end, SLOT, AMSTERDAM, after=start) == local("2027-02-05T10:00")


def test_a_time_of_day_already_past_is_the_next_day_s() -> None:
    """A wait of an hour from 11:00 at 09:00 is over the next morning; 12:00 is still to come."""
    start, end = local("2027-02-03T11:00"), local("2027-02-03T12:00")

    assert at_time_of_day(end, time(9), AMSTERDAM, after=start) == local("2027-02-04T09:00")
    assert at_time_of_day(end, time(12), AMSTERDAM, after=start) == local("2027-02-03T12:00")
    assert at_time_of_day(end, time(11), AMSTERDAM, after=start) == start
