"""Business days and hours.

Everything takes and returns instants; results are in UTC. Wall clocks follow the two rules of
`workflows.wallclock`.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import ClassVar
from zoneinfo import ZoneInfo

from holidays import country_holidays

from events.errors import VouchError, did_you_mean
from workflows.wallclock import local_to_utc, time_of_day

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOSED_DAYS_MAX = 400
"""A calendar without a business day for longer than this is never open."""
YEARS_AHEAD_MAX = 100
"""How far ahead business days are counted: 5y of one day a week is 35 years."""
OPENINGS_MAX = 20_000
"""How many opening times one span of business hours may use up."""

_DAY = timedelta(days=1)
_MIDNIGHT = time(0)


class CalendarError(VouchError):
    """A calendar's days, hours or holidays make no sense."""

    code: ClassVar[str] = "bad-calendar"


class CalendarNeverOpenError(CalendarError):
    """A calendar has no business day, or no opening time, within reach."""

    code: ClassVar[str] = "calendar-never-open"

    def __init__(self, day: date) -> None:
        super().__init__(
            f"the calendar has no business day within {CLOSED_DAYS_MAX} days of {day}, "
            "or too few of them for the span",
            hint="check the calendar's days, hours and list of holidays",
        )


@dataclass(frozen=True, slots=True)
class Holidays:
    """Says whether a date is a holiday: a public one of `country`, or one of `dates`."""

    country: str = ""
    dates: frozenset[date] = frozenset()

    def __call__(self, day: date) -> bool:
        """Return whether `day` is a holiday."""
        return day in self.dates or (
            self.country != "" and day in _public_holidays(self.country, day.year)
        )


@lru_cache(maxsize=1024)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    """Return one year's public holidays: a frozen set, for the library's own fills itself lazily.

    Two threads that look up the same new year in one lazy object can see it half filled.
    """
    return frozenset(country_holidays(country, years=year, expand=False))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Business days and opening hours, judged in the calendar's own zone.

    Attributes:
        days: Weekdays of business, Monday is 0.
        opens: Wall clock at which a business day opens.
        closes: Wall clock at which it is closed again; midnight means the end of the day.
        holidays: Dates that are no business days.
        zone: Where `opens` and `closes` are read.
    """

    days: frozenset[int]
    opens: time
    closes: time
    holidays: Holidays
    zone: ZoneInfo

    def is_business_day(self, day: date) -> bool:
        """Return whether `day` is one of the calendar's weekdays and no holiday."""
        return day.weekday() in self.days and not self.holidays(day)

    def is_open(self, at: datetime) -> bool:
        """Return whether `at` lies in opening hours; closing time itself does not."""
        day = at.astimezone(self.zone).date()
        if not self.is_business_day(day):
            return False
        opens, closes = _opening(self, day)
        return opens <= at < closes

    def next_open(self, at: datetime) -> datetime:
        """Return the first open instant at or after `at`, in UTC.

        Raises:
            CalendarNeverOpenError: no opening within `CLOSED_DAYS_MAX` days.
        """
        return self._next_opening(at)[0]

    def _next_opening(self, at: datetime) -> tuple[datetime, datetime]:
        """Return the first open instant at or after `at`, and when it is closed again."""
        start = self.add_business_days(at.astimezone(self.zone).date(), 0)
        day = start
        while (day - start).days <= CLOSED_DAYS_MAX:
            opens, closes = _opening(self, day)
            if at < closes and opens < closes:  # hours may fall into a gap of the clock
                return max(at.astimezone(UTC), opens), closes
            day = self.add_business_days(day, 1)
        raise CalendarNeverOpenError(start)

    def add_business_days(self, day: date, count: int) -> date:
        """Return the `count`-th business day after `day`, which itself does not count.

        With a count of 0 it is `day` itself if that is a business day, else the next one.

        Raises:
            CalendarNeverOpenError: no business day for `CLOSED_DAYS_MAX` days, or fewer than
                `count` in `YEARS_AHEAD_MAX` years.
        """
        if count == 0 and self.is_business_day(day):
            return day
        last = day.toordinal() if count else day.toordinal() - 1
        left = count or 1
        for year in range(day.year, min(day.year + YEARS_AHEAD_MAX, date.max.year) + 1):
            ordinals = _business_ordinals(self, year)
            passed = bisect_right(ordinals, last)
            ahead = len(ordinals) - passed
            upcoming = ordinals[passed] if ahead else date(year, 12, 31).toordinal()
            if upcoming - last > CLOSED_DAYS_MAX:
                break
            if left <= ahead:
                return date.fromordinal(ordinals[passed + left - 1])
            left -= ahead
            last = ordinals[-1] if ahead else last
        raise CalendarNeverOpenError(day)

    def add_business_seconds(self, at: datetime, seconds: int) -> datetime:
        """Return when `seconds` of opening hours after `at` are used up, in UTC.

        It may be closing time. Of 0 seconds it is the next moment that is open, which closing
        time is not.

        Raises:
            CalendarNeverOpenError: no opening within reach, or too few of them.
        """
        moment, closes = self._next_opening(at)
        left = timedelta(seconds=seconds)
        for _ in range(OPENINGS_MAX):
            if left <= closes - moment:
                return moment + left
            left -= closes - moment
            moment, closes = self._next_opening(closes)
        raise CalendarNeverOpenError(at.astimezone(self.zone).date())


@lru_cache(maxsize=512)
def _business_ordinals(calendar: Calendar, year: int) -> tuple[int, ...]:
    """Return the year's business days as ordinals, so that counting them is a bisection."""
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    return tuple(
        ordinal
        for ordinal in range(first, last + 1)
        if calendar.is_business_day(date.fromordinal(ordinal))
    )


@lru_cache(maxsize=4096)
def _opening(calendar: Calendar, day: date) -> tuple[datetime, datetime]:
    """Return the instants at which a business day opens and closes."""
    closes_on = day + _DAY if calendar.closes == _MIDNIGHT else day
    return (
        local_to_utc(datetime.combine(day, calendar.opens), calendar.zone),
        local_to_utc(datetime.combine(closes_on, calendar.closes), calendar.zone),
    )


def make_calendar(
    days: Iterable[str],
    hours: tuple[str, str],
    holidays: str | Iterable[str | date],
    zone: ZoneInfo,
) -> Calendar:
    """Return the calendar that a programme describes.

    Args:
        days: `mon` to `sun`.
        hours: opening and closing time, `09:00` and `17:00`; `24:00` is the end of the day.
        holidays: a country's code, whose public holidays then count, or dates (`2027-05-05`).
        zone: where the hours are read.

    Raises:
        CalendarError: something of this is not what it should be.
    """
    opens, closes = time_of_day(hours[0]), time_of_day(hours[1], end=True)
    if closes <= opens and closes != _MIDNIGHT:
        message = f"the calendar closes ({hours[1]}) before it opens ({hours[0]})"
        raise CalendarError(message, hint="give the earlier time of day first")
    return Calendar(
        days=frozenset(_weekday(name) for name in days),
        opens=opens,
        closes=closes,
        holidays=_holidays_of(holidays),
        zone=zone,
    )


def _weekday(name: str) -> int:
    if name not in WEEKDAYS:
        raise CalendarError(f'unknown weekday "{name}"', hint=did_you_mean(name, WEEKDAYS))
    return WEEKDAYS.index(name)


def _holidays_of(holidays: str | Iterable[str | date]) -> Holidays:
    if not isinstance(holidays, str):
        return Holidays(dates=frozenset(_date(day) for day in holidays))
    country = holidays.upper()
    try:
        country_holidays(country)
    except NotImplementedError:
        raise CalendarError(
            f'no holidays are known for the country "{holidays}"',
            hint="write a code of two letters such as NL, or list the dates",
        ) from None
    return Holidays(country=country)


def _date(day: str | date) -> date:
    if isinstance(day, date):
        return day
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise CalendarError(f'"{day}" is not a date', hint="write 2027-05-05") from None
