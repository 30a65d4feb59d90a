"""For when a message that is due counts as planned: its time, a slot, or now.

Slots and quiet hours are wall clock of whoever gets the message, and their zone is read at the
send: it may be another than when the message was planned.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from workflows.compiled import Programme
from workflows.durations import parse_span
from workflows.policies import MessageClass, Policies
from workflows.slots import next_allowed, next_slot
from workflows.wallclock import at_time_of_day

LATE = timedelta(hours=1)
"""A message this late is planned anew."""

_DAY = timedelta(days=1)
_MONTH_DAYS_MAX = 31


def planned_for(
    programme: Programme, policy: MessageClass, planned: datetime, zone: ZoneInfo, *, now: datetime
) -> datetime:
    """Return for when a message counts as planned, in the zone of whoever gets it.

    What is an hour late is planned anew. What leaves at a slot and is planned for another time
    of day, as when somebody moved, is planned for the next slot.
    """
    if now - planned >= LATE:
        return next_slot(now, programme.slot, zone, None) if policy.leaves else now
    if policy.leaves and not _is_slot(programme, policy, planned, zone):
        return next_slot(planned, programme.slot, zone, None)
    return planned


def _is_slot(programme: Programme, policy: MessageClass, planned: datetime, zone: ZoneInfo) -> bool:
    """Tell whether a time is that day's slot, or the end of the quiet hours it lies in."""
    slot = at_time_of_day(planned, programme.slot, zone, after=planned - _DAY)
    if slot == planned:
        return True
    calendar = programme.calendars.get(policy.calendar) if policy.calendar else None
    open_at = next_allowed(slot, quiet=programme.quiet, zone=zone, calendar=calendar)
    return slot < planned and open_at == planned


def history_horizon(policies: Policies) -> timedelta:
    """Return how far back the guard looks: no shorter than the longest window of a cap."""
    longest = timedelta()
    for cap in policies.caps.values():
        span = parse_span(cap.within)
        days = span.months * _MONTH_DAYS_MAX + span.days
        longest = max(longest, timedelta(days=days, seconds=span.seconds))
    return longest + 2 * _DAY  # a day may have 25 hours, and a message be planned late
