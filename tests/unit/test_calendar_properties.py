"""What holds of slots, quiet hours and business time at any instant, in any zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.amsterdam import AMSTERDAM, NUUK, OFFICE, QUIET
from workflows.calendars import Calendar, make_calendar
from workflows.slots import next_allowed, next_slot

INSTANTS = st.integers(0, 4 * 366 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
TIMES = st.times().map(lambda wall: wall.replace(second=0, microsecond=0))
ZONES = st.sampled_from(
    ["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo"]
).map(ZoneInfo)
CALENDARS = st.sampled_from([None, OFFICE, make_calendar(["sun"], ("10:00", "14:00"), [], NUUK)])


@given(after=INSTANTS, wall=TIMES, zone=ZONES, calendar=CALENDARS)
def test_a_slot_is_its_own_next_slot(
    after: datetime, wall: time, zone: ZoneInfo, calendar: Calendar | None
) -> None:
    """It never lies before, is found again from itself, and stands on a business day."""
    found = next_slot(after, wall, zone, calendar)

    assert found >= after
    assert next_slot(found, wall, zone, calendar) == found
    assert found.tzinfo is UTC
    assert calendar is None or calendar.is_business_day(found.astimezone(zone).date())


@given(at=INSTANTS, begins=TIMES, ends=TIMES, zone=ZONES, calendar=CALENDARS)
def test_an_allowed_moment_is_allowed(
    *, at: datetime, begins: time, ends: time, zone: ZoneInfo, calendar: Calendar | None
) -> None:
    """It never lies before, needs no second look, and stands on a business day."""
    found = next_allowed(at, quiet=(begins, ends), zone=zone, calendar=calendar)

    assert found >= at
    assert next_allowed(found, quiet=(begins, ends), zone=zone, calendar=calendar) == found
    assert found.tzinfo is UTC
    assert calendar is None or calendar.is_business_day(found.astimezone(zone).date())


@given(at=INSTANTS)
def test_the_night_is_quiet(at: datetime) -> None:
    """Whatever the instant, nothing is allowed between 20:00 and 08:00 of the wall clock."""
    found = next_allowed(at, quiet=QUIET, zone=AMSTERDAM, calendar=None)

    assert time(8) <= found.astimezone(AMSTERDAM).time() < time(20)


@given(at=INSTANTS, first=st.integers(0, 300_000), more=st.integers(1, 300_000))
def test_business_time_is_monotone_and_adds_up(at: datetime, first: int, more: int) -> None:
    """More business time ends later, and two spans in a row are one."""
    once = OFFICE.add_business_seconds(at, first)

    assert at <= once < OFFICE.add_business_seconds(at, first + more)
    assert OFFICE.add_business_seconds(once, more) == OFFICE.add_business_seconds(at, first + more)
    assert once.tzinfo is UTC


@given(days=st.integers(0, 3000), count=st.integers(0, 900))
def test_business_days_are_counted_one_by_one(days: int, count: int) -> None:
    """The count over whole years agrees with a walk from day to day."""
    start = date(2026, 1, 1) + timedelta(days=days)

    found = OFFICE.add_business_days(start, count)

    between = range((found - start).days)
    assert OFFICE.is_business_day(found)
    if count:
        walked = sum(OFFICE.is_business_day(start + timedelta(days=n + 1)) for n in between)
        assert walked == count
