"""Spans of time as a programme writes them: `24h`, `7d`, `3mo`, `2bd`, `30bm`, `P3M`.

A span is not a number of seconds: what it comes to depends on where it starts, on the zone of
whoever it concerns and on the calendar of the office.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import ClassVar
from zoneinfo import ZoneInfo

from events.errors import VouchError
from workflows.calendars import Calendar
from workflows.span_words import meant_span
from workflows.wallclock import local_to_utc

SPAN_TEXT_MAX = 64
"""Characters of a span's text; also bounds its numbers."""
SPAN_MONTHS_MAX = 60
"""No span is longer than 5y."""

_DAY_SECONDS = 86_400
_MONTH_SECONDS = 2_629_800  # a twelfth of 365.25 days; serves the bound of 5y alone
_SPAN_SECONDS_MAX = SPAN_MONTHS_MAX * _MONTH_SECONDS
_UNITS = "3m is minutes; months are 3mo"

_MIXED = re.compile(
    r"(?:(\d+)y)?(?:(\d+)mo)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?",
    re.ASCII,
)
_ISO = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?"
    r"(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?",
    re.ASCII,
)
_BUSINESS_DAYS = re.compile(r"(\d+)bd", re.ASCII)
_BUSINESS_HOURS = re.compile(r"(?:(\d+)bh)?(?:(\d+)bm)?", re.ASCII)


class SpanError(VouchError):
    """A text is not a span, or a span cannot be used where it stands."""

    code: ClassVar[str] = "bad-span"


@dataclass(frozen=True, slots=True)
class Span:
    """One span: either calendar and elapsed time, or business days, or business time.

    Attributes:
        months: Calendar months, years among them.
        days: Calendar days, weeks among them.
        seconds: Elapsed time after the calendar part.
        business_days: Days of the office's calendar; None in other spans, so that `0bd` is one.
        business_seconds: Opening hours of the office; None in other spans, so that `0bh` is one.
        text: The span as it was written.
    """

    months: int = 0
    days: int = 0
    seconds: int = 0
    business_days: int | None = None
    business_seconds: int | None = None
    text: str = ""

    @property
    def is_business(self) -> bool:
        """Whether the span counts days or hours of a calendar."""
        return self.business_days is not None or self.business_seconds is not None


@lru_cache(maxsize=1024)
def parse_span(text: str) -> Span:
    """Return the span that `text` writes, in the short form or the one of ISO 8601.

    Raises:
        SpanError: it is no span, or longer than five years.

    >>> parse_span("1y2mo1w1d2h30m")
    Span(months=14, days=8, seconds=9000, business_days=None, business_seconds=None, \
text='1y2mo1w1d2h30m')
    """
    if len(text) > SPAN_TEXT_MAX:
        raise SpanError(
            f'"{text[:SPAN_TEXT_MAX]}…" is too long for a span',
            hint=f"a span has at most {SPAN_TEXT_MAX} characters",
        )
    span = _parsed(text)
    if span is None:
        raise SpanError(f'"{text}" is not a span', hint=_remedy(text))
    if _length_seconds(span) > _SPAN_SECONDS_MAX:
        raise SpanError(f'"{text}" is longer than 5y', hint="a span is at most 5y")
    return span


def add_span(start: datetime, span: Span, *, zone: ZoneInfo, office: Calendar) -> datetime:
    """Return the instant one `span` after `start`, in UTC.

    Years, months, weeks and days keep the wall clock of `zone`; hours, minutes and seconds are
    elapsed time after these. Business days keep the wall clock of `zone` on a business day of
    `office`. Business time is used up in the opening hours of `office`, in its own zone.

    Raises:
        SpanError: the result lies outside the years that can be written.
        CalendarNeverOpenError: `office` has too few business days.
    """
    if span.business_seconds is not None:
        return office.add_business_seconds(start, span.business_seconds)
    if span.business_days is not None:
        local = start.astimezone(zone)
        day = office.add_business_days(local.date(), span.business_days)
        return local_to_utc(datetime.combine(day, local.time()), zone)
    return _shifted(start, span, 1, zone)


def subtract_span(at: datetime, span: Span, *, zone: ZoneInfo, office: Calendar) -> datetime:
    """Return the instant one `span` before `at`, in UTC: where a window that ends at `at` begins.

    The calendar part is taken off the wall clock of `zone`, the elapsed part after it. `office`
    is there so that both directions are called alike.

    Raises:
        SpanError: the span counts business days or hours, which are only ever counted forwards,
            or the result lies outside the years that can be written.
    """
    del office
    if span.is_business:
        raise SpanError(
            f'"{span.text}" cannot be counted backwards',
            hint="windows and look-backs take calendar or elapsed time: 7d, 24h",
        )
    return _shifted(at, span, -1, zone)


def _shifted(start: datetime, span: Span, sign: int, zone: ZoneInfo) -> datetime:
    """Return `start` moved by a calendar span, forwards or backwards as `sign` says."""
    try:
        moment = start.astimezone(UTC)
        if span.months or span.days:  # else the second of two equal wall clocks would be lost
            wall = start.astimezone(zone).replace(tzinfo=None)
            wall = _month_shifted(wall, sign * span.months) + timedelta(days=sign * span.days)
            moment = local_to_utc(wall, zone)
        return moment + timedelta(seconds=sign * span.seconds)
    except (OverflowError, ValueError):
        raise SpanError(
            f'"{span.text}" from {start.isoformat()} leads outside the calendar',
            hint="the years 1 to 9999 can be written",
        ) from None


def _month_shifted(wall: datetime, months: int) -> datetime:
    """Return the same day `months` on; a day that the month lacks becomes its last."""
    if not months:
        return wall
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    return wall.replace(
        year=year, month=month + 1, day=min(wall.day, monthrange(year, month + 1)[1])
    )


def _parsed(text: str) -> Span | None:
    """Return the span, or None where the grammar has none."""
    if match := _BUSINESS_DAYS.fullmatch(text):
        return Span(business_days=int(match[1]), text=text)
    if (match := _BUSINESS_HOURS.fullmatch(text)) and match.lastindex:
        hours, minutes = (int(part or 0) for part in match.groups())
        return Span(business_seconds=hours * 3600 + minutes * 60, text=text)
    match = _MIXED.fullmatch(text) or _ISO.fullmatch(text)
    if match is None or not match.lastindex:
        return None
    years, months, weeks, days, hours, minutes, seconds = (int(n or 0) for n in match.groups())
    return Span(
        months=years * 12 + months,
        days=weeks * 7 + days,
        seconds=hours * 3600 + minutes * 60 + seconds,
        text=text,
    )


def _length_seconds(span: Span) -> int:
    """Return the least time a span takes: a business day or hour is not shorter than another."""
    days = span.days + (span.business_days or 0)
    seconds = span.seconds + (span.business_seconds or 0)
    return span.months * _MONTH_SECONDS + days * _DAY_SECONDS + seconds


def _remedy(text: str) -> str:
    """Return what to write instead of a text that is no span."""
    if text.isdigit():
        return f"a bare number has no unit: {text}h is hours, {text}d days; {_UNITS}"
    meant = meant_span(text)
    if meant and _parsed(meant) and meant != text.lower():
        return f"write {meant}: no spaces, signs or fractions; {_UNITS}"
    if re.search(r"[\s+.,-]", text):
        return f"no spaces, signs or fractions: 1d12h; {_UNITS}"
    if "b" in text.lower():
        return "business days stand alone (2bd), so do business hours and minutes (1bh30bm)"
    if text != text.lower() and _parsed(text.lower()):
        return f"case matters: {text.lower()}; {_UNITS}"
    return f"write the parts from years to seconds, as 1mo2d or PT24H; {_UNITS}"
