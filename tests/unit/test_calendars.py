"""Calendars: business days, opening hours, holidays, zones."""

from collections.abc import Callable
from datetime import date, time, timedelta

import pytest

from tests.unit.amsterdam import AMSTERDAM, EVERY_DAY, NEW_YORK, OFFICE, SLOT, WEEK, local
from workflows.calendars import (
    CLOSED_DAYS_MAX,
    CalendarError,
    CalendarNeverOpenError,
    make_calendar,
)
from workflows.slots import next_allowed, next_slot
from workflows.wallclock import TimeOfDayError, time_of_day, zone_or


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
