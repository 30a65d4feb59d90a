"""Calendars: business days and hours, slots, quiet hours, zones."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.calendars import (
    CLOSED_DAYS_MAX,
    Calendar,
    CalendarError,
    CalendarNeverOpenError,
    make_calendar,
    next_allowed,
    next_slot,
)
from workflows.wallclock import (
    TimeOfDayError,
    at_time_of_day,
    local_to_utc,
    time_of_day,
    zone_or,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NEW_YORK = ZoneInfo("America/New_York")
NUUK = ZoneInfo("America/Nuuk")
WEEK = ["mon", "tue", "wed", "thu", "fri"]
EVERY_DAY = [*WEEK, "sat", "sun"]
OFFICE = make_calendar(WEEK, ("09:00", "17:00"), "NL", AMSTERDAM)
SLOT = time(10)
QUIET = (time(20), time(8))

INSTANTS = st.integers(0, 4 * 366 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
TIMES = st.times().map(lambda wall: wall.replace(second=0, microsecond=0))
ZONES = st.sampled_from(
    ["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo"]
).map(ZoneInfo)
CALENDARS = st.sampled_from([None, OFFICE, make_calendar(["sun"], ("10:00", "14:00"), [], NUUK)])


def local(text: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    """Return the instant of a local time that occurs once."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def slot(after: str, calendar: Calendar | None = OFFICE) -> datetime:
    """Return the next slot after a local time."""
    return next_slot(local(after), SLOT, AMSTERDAM, calendar)


def allowed(at: str, calendar: Calendar | None = None) -> datetime:
    """Return the next moment outside the night after a local time."""
    return next_allowed(local(at), quiet=QUIET, zone=AMSTERDAM, calendar=calendar)


@pytest.mark.parametrize(
    "day",
    ["2027-03-26", "2027-03-29", "2027-04-27", "2027-05-06", "2027-05-17", "2027-01-01"],
)
def test_dutch_holidays_are_no_business_days(day: str) -> None:
    """Good Friday, Easter Monday, King's Day, Ascension and Whit Monday among them."""
    assert date.fromisoformat(day).weekday() < 5
    assert not OFFICE.is_business_day(date.fromisoformat(day))


def test_other_days_are_business_days() -> None:
    """Liberation Day is no public holiday for every employer, the day before Easter is none."""
    assert OFFICE.is_business_day(date(2027, 5, 5))
    assert OFFICE.is_business_day(date(2027, 3, 25))
    assert not OFFICE.is_business_day(date(2027, 3, 27))


def test_a_country_is_found_in_either_case() -> None:
    """`nl` and `NL` are the same country and the same calendar."""
    assert make_calendar(WEEK, ("09:00", "17:00"), "nl", AMSTERDAM) == OFFICE


def test_holidays_may_be_a_list_of_dates() -> None:
    """Listed dates are holidays, and only these."""
    calendar = make_calendar(WEEK, ("09:00", "17:00"), ["2027-03-25", date(2027, 3, 24)], AMSTERDAM)

    assert [calendar.is_business_day(date(2027, 3, day)) for day in (23, 24, 25, 26)] == [
        True,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("days", "hours", "holidays", "said"),
    [
        (["mo"], ("09:00", "17:00"), "NL", '"mo"'),
        (WEEK, ("17:00", "09:00"), "NL", "before it opens"),
        (WEEK, ("09:00", "09:00"), "NL", "before it opens"),
        (WEEK, ("09:00", "17:00"), "ZZ", '"ZZ"'),
        (WEEK, ("09:00", "17:00"), ["5 May"], '"5 May"'),
    ],
)
def test_a_calendar_without_sense_is_refused(
    days: list[str], hours: tuple[str, str], holidays: str | list[str], said: str
) -> None:
    """The error names what was written and has a remedy."""
    with pytest.raises(CalendarError, match=said) as caught:
        make_calendar(days, hours, holidays, AMSTERDAM)

    assert caught.value.code == "bad-calendar"
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", ["9:00", "09.00", "0900", "24:00", "12:60", "+9:00", "\u0660\u0669:\u0660\u0660", ""]
)
def test_a_time_of_day_has_one_form(text: str) -> None:
    """Hours and minutes in four digits; anything else is an error."""
    with pytest.raises(TimeOfDayError):
        time_of_day(text)


def test_a_time_of_day_is_read() -> None:
    """`24:00` exists only as the end of a day."""
    assert time_of_day("09:05") == time(9, 5)
    assert time_of_day("23:59") == time(23, 59)
    assert time_of_day("24:00", end=True) == time(0)


def test_opening_hours_are_half_open() -> None:
    """Opening time is open, closing time is not, weekends and holidays are closed."""
    assert OFFICE.is_open(local("2027-02-11T09:00"))
    assert OFFICE.is_open(local("2027-02-11T16:59"))
    assert not OFFICE.is_open(local("2027-02-11T17:00"))
    assert not OFFICE.is_open(local("2027-02-11T08:59"))
    assert not OFFICE.is_open(local("2027-02-13T12:00"))
    assert not OFFICE.is_open(local("2027-03-26T12:00"))


def test_the_next_open_moment() -> None:
    """S1 b: an escalation of Saturday afternoon is told on Monday at nine."""
    assert OFFICE.next_open(local("2027-02-06T15:40")) == local("2027-02-08T09:00")
    assert OFFICE.next_open(local("2027-02-05T12:00")) == local("2027-02-05T12:00")
    assert OFFICE.next_open(local("2027-02-05T17:00")) == local("2027-02-08T09:00")
    assert OFFICE.next_open(local("2027-02-05T03:00")) == local("2027-02-05T09:00")


def test_a_calendar_open_round_the_clock() -> None:
    """Until 24:00 means to the end of the day: time then just elapses."""
    calendar = make_calendar(EVERY_DAY, ("00:00", "24:00"), [], AMSTERDAM)

    for start in ("2027-02-11T23:59", "2027-03-27T15:00", "2027-10-30T15:00"):
        assert calendar.is_open(local(start))
        assert calendar.add_business_seconds(local(start), 86_400) == local(start) + timedelta(1)


def test_opening_hours_in_a_gap_do_not_exist() -> None:
    """A shop open from 02:00 to 03:00 does not open on the day when clocks go forward."""
    calendar = make_calendar(EVERY_DAY, ("02:00", "03:00"), [], AMSTERDAM)

    assert calendar.next_open(local("2027-03-28T01:00")) == local("2027-03-29T02:00")


def test_a_calendar_that_never_opens_says_so() -> None:
    """No weekday at all is an error with a code, not an endless search."""
    never = make_calendar([], ("09:00", "17:00"), [], AMSTERDAM)
    at = local("2027-02-11T12:00")

    searches: list[Callable[[], object]] = [
        lambda: never.next_open(at),
        lambda: never.add_business_days(date(2027, 2, 11), 1),
        lambda: never.add_business_seconds(at, 60),
        lambda: next_slot(at, SLOT, AMSTERDAM, never),
        lambda: next_allowed(at, quiet=None, zone=AMSTERDAM, calendar=never),
    ]
    for search in searches:
        with pytest.raises(CalendarNeverOpenError) as caught:
            search()
        assert caught.value.code == "calendar-never-open"


def test_the_longest_closure_that_is_waited_for() -> None:
    """A calendar may be closed for `CLOSED_DAYS_MAX` days between two of business, not longer."""
    start = date(2027, 2, 11)
    closed = [start + timedelta(days=n) for n in range(1, CLOSED_DAYS_MAX)]
    longest = make_calendar(EVERY_DAY, ("09:00", "17:00"), closed, AMSTERDAM)
    longer = make_calendar(
        EVERY_DAY, ("09:00", "17:00"), [*closed, start + timedelta(days=CLOSED_DAYS_MAX)], AMSTERDAM
    )

    assert longest.add_business_days(start, 1) == start + timedelta(days=CLOSED_DAYS_MAX)
    with pytest.raises(CalendarNeverOpenError):
        longer.add_business_days(start, 1)


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


@pytest.mark.parametrize(
    "name",
    [
        *("", "Mars/Olympus", "Europe", "../passwd", "/etc/passwd", "a\0b", "\ud800", "x" * 5000),
        *("localtime", "posixrules", "right/Europe/Amsterdam", "posix/UTC", "europe/amsterdam"),
    ],
)
def test_a_name_of_no_zone_falls_back(name: str) -> None:
    """S10 i: whatever stands in a contact's zone, the programme's is used and said to be."""
    assert zone_or(name, AMSTERDAM) == (AMSTERDAM, True)


def test_a_known_zone_is_used() -> None:
    """A zone that exists is no fallback, even if it is the same."""
    assert zone_or("America/New_York", AMSTERDAM) == (NEW_YORK, False)
    assert zone_or("Europe/Amsterdam", AMSTERDAM) == (AMSTERDAM, False)


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
