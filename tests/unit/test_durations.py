"""Spans: what may be written, and where a span leads."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.calendars import make_calendar
from workflows.durations import (
    SPAN_TEXT_MAX,
    Span,
    SpanError,
    add_span,
    parse_span,
    subtract_span,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NEW_YORK = ZoneInfo("America/New_York")
OFFICE = make_calendar(["mon", "tue", "wed", "thu", "fri"], ("09:00", "17:00"), "NL", AMSTERDAM)

INSTANTS = st.integers(0, 4 * 366 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
ZONES = st.sampled_from(
    ["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Nuuk"]
).map(ZoneInfo)


def local(text: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    """Return the instant of a local time that occurs once."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def after(start: str, span: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    """Return where `span` leads from a local time."""
    return add_span(local(start, zone), parse_span(span), zone=zone, office=OFFICE)


def before(end: str, span: str) -> datetime:
    """Return where the window of `span` that ends at a local time begins."""
    return subtract_span(local(end), parse_span(span), zone=AMSTERDAM, office=OFFICE)


@pytest.mark.parametrize(
    ("text", "months", "days", "seconds"),
    [
        ("60d", 0, 60, 0),
        ("24h", 0, 0, 86_400),
        ("3m", 0, 0, 180),
        ("3mo", 3, 0, 0),
        ("45s", 0, 0, 45),
        ("0m", 0, 0, 0),
        ("007d", 0, 7, 0),
        ("1y2mo1w3d4h5m6s", 14, 10, 14_706),
        ("3mo5d", 3, 5, 0),
        ("P60D", 0, 60, 0),
        ("P3M", 3, 0, 0),
        ("PT3M", 0, 0, 180),
        ("P1Y2M1W3DT4H5M6S", 14, 10, 14_706),
    ],
)
def test_both_forms_name_the_same_parts(text: str, months: int, days: int, seconds: int) -> None:
    """The short form and the one of ISO 8601 give months, days and seconds."""
    assert parse_span(text) == Span(months=months, days=days, seconds=seconds, text=text)


def test_business_parts_are_kept_apart() -> None:
    """Business days and hours are spans of their own, also when they are 0."""
    assert parse_span("2bd") == Span(business_days=2, text="2bd")
    assert parse_span("1bh30bm") == Span(business_seconds=5400, text="1bh30bm")
    assert parse_span("30bm").business_seconds == 1800
    assert parse_span("0bh").business_seconds == 0
    assert parse_span("0bd").business_days == 0
    assert not parse_span("0d").is_business


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "P1DT", "T1H", "7D", "3M", "p7d", "P7d", "PT1D", "P1H", "-P1D", "P2B"),
        *("PT30MB", "1h2d", "2d2d", "1d2bd", "2bd1bh", "1bm1bh", "-7d", "+7d", "1.5d", "1,5d"),
        *("1 d", " 7d", "7d ", "7d\n", "7 days", "7days", "d", "mo", "bh", "bd", "1e3d", "\u0663d"),
    ],
)
def test_what_the_grammar_lacks_is_refused(text: str) -> None:
    """Order, case, spaces, signs, fractions and mixtures are held to the grammar."""
    with pytest.raises(SpanError) as caught:
        parse_span(text)

    assert f'"{text}"' in str(caught.value)
    assert caught.value.code == "bad-span"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("30", "bare number"),
        ("3M", "3m is minutes; months are 3mo"),
        ("7D", "7d"),
        ("1.5d", "fractions"),
        ("P2B", "2bd"),
        ("1h2d", "years to seconds"),
    ],
)
def test_a_refusal_names_the_remedy(text: str, remedy: str) -> None:
    """Who wrote a wrong span reads what to write instead."""
    with pytest.raises(SpanError) as caught:
        parse_span(text)

    assert remedy in caught.value.hint


@pytest.mark.parametrize("text", ["5y", "60mo", "260w", "1826d", "43830h", "1826bd", "43830bh"])
def test_five_years_are_a_span(text: str) -> None:
    """The bound itself is allowed."""
    assert parse_span(text).text == text


@pytest.mark.parametrize(
    "text", ["5y1s", "61mo", "261w", "1827d", "43831h", "1827bd", "43831bh", "9" * 63 + "d"]
)
def test_more_than_five_years_are_refused(text: str) -> None:
    """One step past the bound is an error that names it."""
    with pytest.raises(SpanError, match="longer than 5y"):
        parse_span(text)


def test_a_text_is_bounded() -> None:
    """A text longer than any span is refused before its numbers are read."""
    assert parse_span("0" * (SPAN_TEXT_MAX - 2) + "7d").days == 7

    with pytest.raises(SpanError, match="too long"):
        parse_span("0" * (SPAN_TEXT_MAX - 1) + "7d")


def test_a_day_keeps_the_wall_clock_and_24_hours_do_not() -> None:
    """S10 d: over a change of the clock 24h and 1d differ by the hour."""
    assert after("2027-03-27T15:00", "24h") == local("2027-03-28T16:00")
    assert after("2027-03-27T15:00", "1d") == local("2027-03-28T15:00")


def test_a_missing_wall_clock_is_moved_on() -> None:
    """S10 c: 02:30 does not exist on 28 March, so it is 03:30, 01:30Z."""
    assert after("2027-03-27T02:30", "1d") == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


def test_a_doubled_wall_clock_means_the_first() -> None:
    """S10 e: 02:30 occurs twice on 31 October; the first is 00:30Z."""
    assert after("2027-10-30T02:30", "1d") == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


def test_elapsed_time_keeps_the_second_of_two_wall_clocks() -> None:
    """A span without a calendar part never passes through the wall clock."""
    second = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)

    for text in ("0m", "0d"):
        assert add_span(second, parse_span(text), zone=AMSTERDAM, office=OFFICE) == second


def test_elapsed_time_comes_after_the_calendar_part() -> None:
    """Months, then days on the wall clock, then hours in UTC."""
    assert after("2027-02-27T01:30", "1mo1h") == local("2027-03-27T02:30")
    assert after("2027-03-27T01:30", "1d1h") == local("2027-03-28T03:30")
    assert after("2027-01-30T10:00", "1mo1d") == local("2027-03-01T10:00")


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        ("2027-01-31T10:00", "1mo", "2027-02-28T10:00"),
        ("2027-12-31T10:00", "2mo", "2028-02-29T10:00"),
        ("2028-02-29T10:00", "1y", "2029-02-28T10:00"),
        ("2027-11-15T10:00", "1mo", "2027-12-15T10:00"),
        ("2027-01-04T00:00", "3mo5d", "2027-04-09T00:00"),
        ("2027-02-12T15:00", "60d", "2027-04-13T15:00"),
        ("2027-02-12T15:00", "P30D", "2027-03-14T15:00"),
    ],
)
def test_months_and_days_follow_the_calendar(start: str, span: str, end: str) -> None:
    """S3 and S12: a missing day of the month is its last, years roll over."""
    assert after(start, span) == local(end)


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        ("2027-02-05T15:40", "5bd", "2027-02-12T15:40"),
        ("2027-02-03T15:00", "2bd", "2027-02-05T15:00"),
        ("2027-02-09T11:00", "3bd", "2027-02-12T11:00"),
        ("2027-02-10T09:00", "3bd", "2027-02-15T09:00"),
        ("2027-02-06T23:00", "1bd", "2027-02-08T23:00"),
        ("2027-03-25T12:00", "1bd", "2027-03-30T12:00"),
        ("2027-05-14T12:00", "1bd", "2027-05-18T12:00"),
        ("2027-02-06T12:00", "0bd", "2027-02-08T12:00"),
        ("2027-02-05T12:00", "0bd", "2027-02-05T12:00"),
    ],
)
def test_business_days_keep_the_wall_clock(start: str, span: str, end: str) -> None:
    """S1 and S2: the starting day does not count, weekends and holidays neither."""
    assert after(start, span) == local(end)


def test_business_days_are_dates_of_the_zone_given() -> None:
    """Sunday evening in New York is Monday in Amsterdam: the contact's zone decides."""
    assert after("2027-02-07T20:00", "1bd", NEW_YORK) == local("2027-02-08T20:00", NEW_YORK)


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        ("2027-02-11T16:50", "30bm", "2027-02-12T09:20"),
        ("2027-02-11T16:30", "30bm", "2027-02-11T17:00"),
        ("2027-02-12T09:20", "4bh", "2027-02-12T13:20"),
        ("2027-02-12T09:20", "0bh", "2027-02-12T09:20"),
        ("2027-02-06T15:40", "0bh", "2027-02-08T09:00"),
        ("2027-02-11T17:00", "0bh", "2027-02-12T09:00"),
        ("2027-02-11T17:00", "1bm", "2027-02-12T09:01"),
        ("2027-02-11T07:00", "8bh", "2027-02-11T17:00"),
        ("2027-02-11T16:00", "9bh", "2027-02-12T17:00"),
        ("2027-03-25T16:00", "2bh", "2027-03-30T10:00"),
    ],
)
def test_business_time_is_used_up_in_opening_hours(start: str, span: str, end: str) -> None:
    """S3: it may end at closing time, and 0bh is the next open moment."""
    assert after(start, span) == local(end)


def test_business_time_is_the_office_s_wherever_the_contact_is() -> None:
    """Opening hours are read in the calendar's zone, not in the contact's."""
    start = datetime(2027, 2, 11, 8, 0, tzinfo=UTC)

    due = add_span(start, parse_span("30bm"), zone=NEW_YORK, office=OFFICE)

    assert due == datetime(2027, 2, 11, 8, 30, tzinfo=UTC)


def test_a_window_begins_on_the_same_wall_clock() -> None:
    """S9: the message of exactly 7d ago stands on the window's open edge, clock change or not."""
    assert before("2027-04-19T10:00", "7d") == local("2027-04-12T10:00")
    assert before("2027-03-30T10:00", "7d") == local("2027-03-23T10:00")
    assert before("2027-03-31T10:00", "1mo") == local("2027-02-28T10:00")
    assert before("2027-03-28T15:00", "24h") == local("2027-03-27T14:00")


@pytest.mark.parametrize("text", ["2bd", "0bd", "30bm", "0bh"])
def test_business_spans_are_not_counted_backwards(text: str) -> None:
    """A window in business time is an error that names the span."""
    with pytest.raises(SpanError, match=text):
        before("2027-02-12T10:00", text)


def test_a_span_past_the_last_year_is_an_error_of_ours() -> None:
    """A contract that ends on 31 December 9999 does not take a worker down."""
    with pytest.raises(SpanError, match="outside the calendar"):
        after("9999-12-31T10:00", "3mo")


@given(parts=st.tuples(*[st.integers(0, 4)] * 7))
def test_the_forms_agree(parts: tuple[int, ...]) -> None:
    """Whatever the parts, both forms mean the same span."""
    short = parse_span("{}y{}mo{}w{}d{}h{}m{}s".format(*parts))
    iso = parse_span("P{}Y{}M{}W{}DT{}H{}M{}S".format(*parts))

    assert (short.months, short.days, short.seconds) == (iso.months, iso.days, iso.seconds)
    assert short.months == 12 * parts[0] + parts[1]


@given(start=INSTANTS, days=st.integers(0, 800), zone=ZONES)
def test_days_added_and_taken_off_cancel(start: datetime, days: int, zone: ZoneInfo) -> None:
    """Outside the hour that a clock change repeats or drops, there and back is where we were."""
    span = Span(days=days, text=f"{days}d")

    there = add_span(start, span, zone=zone, office=OFFICE)
    back = subtract_span(there, span, zone=zone, office=OFFICE)

    moved = there.astimezone(zone).time() != start.astimezone(zone).time()
    doubled = start.astimezone(zone).fold == 1
    assert moved or doubled or back == start
    assert there.tzinfo is back.tzinfo is UTC
    assert abs(there - start - timedelta(days=days)) <= timedelta(hours=1)


@given(
    start=INSTANTS,
    later=st.integers(0, 200_000),
    text=st.sampled_from(["0bh", "1bm", "30bm", "8bh", "41bh"]),
)
def test_business_time_never_runs_backwards(start: datetime, later: int, text: str) -> None:
    """Who starts later is due no earlier, nothing is due before it starts, and all is in UTC."""
    due = add_span(start, parse_span(text), zone=AMSTERDAM, office=OFFICE)
    start_later = start + timedelta(seconds=later)
    due_later = add_span(start_later, parse_span(text), zone=AMSTERDAM, office=OFFICE)

    assert start <= due <= due_later
    assert due.tzinfo is due_later.tzinfo is UTC


@given(start=INSTANTS, count=st.integers(1, 300), zone=ZONES)
def test_business_days_end_on_one_at_the_same_wall_clock(
    start: datetime, count: int, zone: ZoneInfo
) -> None:
    """Clocks change on weekends in these zones, so the wall clock of a business day exists."""
    due = add_span(start, parse_span(f"{count}bd"), zone=zone, office=OFFICE)

    wall, due_wall = start.astimezone(zone), due.astimezone(zone)
    assert due > start
    assert due.tzinfo is UTC
    assert OFFICE.is_business_day(due_wall.date())
    assert due_wall.time() == wall.time()
