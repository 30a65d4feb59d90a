"""When something may leave: the next slot, and the next moment outside quiet hours.

Everything takes and returns instants; results are in UTC. Wall clocks follow the two rules of
`workflows.wallclock`.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from workflows.calendars import Calendar
from workflows.wallclock import local_to_utc

LATE_SLOT = time(21)
"""From here on a gap of the clock, two hours at most, can move a slot past midnight."""

_DAY = timedelta(days=1)
_MIDNIGHT = time(0)


def next_slot(after: datetime, slot: time, zone: ZoneInfo, calendar: Calendar | None) -> datetime:
    """Return the first instant at or after `after` at which clocks in `zone` show `slot`, in UTC.

    With a calendar only its business days count: dates are judged in `zone`, the calendar's hours
    play no part.

    Raises:
        CalendarNeverOpenError: the calendar has no business day within `CLOSED_DAYS_MAX` days.
    """
    day = after.astimezone(zone).date()
    if slot >= LATE_SLOT:
        day -= _DAY
    while True:
        if calendar is not None:
            day = calendar.add_business_days(day, 0)
        moment = local_to_utc(datetime.combine(day, slot), zone)
        if moment >= after:
            return moment
        day += _DAY


def next_allowed(
    at: datetime,
    *,
    quiet: tuple[time, time] | None,
    zone: ZoneInfo,
    calendar: Calendar | None,
) -> datetime:
    """Return the first instant at or after `at` that is allowed, in UTC.

    Allowed is what lies outside quiet hours and, with a calendar, on one of its business days
    (its hours play no part). Both are judged in `zone`. Quiet hours are half-open, `[from, to)`,
    and may pass midnight; from a time to the same time they are empty.

    Raises:
        CalendarNeverOpenError: the calendar has no business day within `CLOSED_DAYS_MAX` days.
    """
    moment = at.astimezone(UTC)
    while True:
        day = moment.astimezone(zone).date()
        business_day = day if calendar is None else calendar.add_business_days(day, 0)
        if business_day != day:
            moment = local_to_utc(datetime.combine(business_day, _MIDNIGHT), zone)
            day = business_day
        quiet_until = moment if quiet is None else _quiet_until(moment, day, quiet, zone)
        if quiet_until == moment:
            return moment
        moment = quiet_until


def _quiet_until(moment: datetime, day: date, quiet: tuple[time, time], zone: ZoneInfo) -> datetime:
    """Return when the quiet hours around `moment` end; `moment` itself when there are none."""
    begins, ends = quiet
    begins_at = local_to_utc(datetime.combine(day, begins), zone)
    ends_at = local_to_utc(datetime.combine(day, ends), zone)
    if begins <= ends:
        return ends_at if begins_at <= moment < ends_at else moment
    if moment < ends_at:  # they began the evening before
        return ends_at
    if moment >= begins_at:
        return local_to_utc(datetime.combine(day + _DAY, ends), zone)
    return moment
