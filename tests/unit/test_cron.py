"""When schedules fire: five fields, one zone, clock changes by two rules."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.cron import CRON_TEXT_MAX, CronError, parse_cron

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # half an hour's change
ZONES = [AMSTERDAM, LORD_HOWE, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")]


def at(text: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def firings(cron: str, start: datetime, count: int, zone: ZoneInfo = AMSTERDAM) -> list[str]:
    """Return the next firings as wall clocks with their offset."""
    found = []
    for _ in range(count):
        start = parse_cron(cron).next(start, zone)
        found.append(start.astimezone(zone).isoformat(timespec="minutes"))
        start += timedelta(seconds=1)
    return found


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 9 1 * *", ["2027-07-01T09:00+02:00", "2027-08-01T09:00+02:00"]),
        ("*/20 9-10 * * mon", ["2027-06-14T09:00+02:00", "2027-06-14T09:20+02:00"]),
        ("30 8 * * 1-5", ["2027-06-09T08:30+02:00", "2027-06-10T08:30+02:00"]),
        ("0 12 13 * 5", ["2027-06-11T12:00+02:00", "2027-06-13T12:00+02:00"]),  # either
        ("0 0 29 feb *", ["2028-02-29T00:00+01:00", "2032-02-29T00:00+01:00"]),
        ("5,35 23 31 1,12 *", ["2027-12-31T23:05+01:00", "2027-12-31T23:35+01:00"]),
        ("0 6 * * 7", ["2027-06-13T06:00+02:00", "2027-06-20T06:00+02:00"]),
        ("0 6 * * SUN", ["2027-06-13T06:00+02:00", "2027-06-20T06:00+02:00"]),
        ("0 9 L * *", ["2027-06-30T09:00+02:00", "2027-07-31T09:00+02:00"]),
        ("0 0/12 * * *", ["2027-06-09T00:00+02:00", "2027-06-09T12:00+02:00"]),
    ],
)
def test_fields(cron: str, expected: list[str]) -> None:
    """Numbers, ranges, lists, steps and names; of two given days either will do."""
    assert firings(cron, at("2027-06-08T20:00"), 2) == expected


def test_a_firing_at_the_instant_counts() -> None:
    """The next firing at or after an instant may be that instant; so may the last."""
    nine = at("2027-06-01T09:00")

    assert parse_cron("0 9 1 * *").next(nine, AMSTERDAM) == nine
    assert parse_cron("0 9 1 * *").last(nine, AMSTERDAM) == nine


def test_a_time_that_does_not_exist_fires_at_the_first_moment_after() -> None:
    """Clocks go from 02:00 to 03:00: whatever lies between fires at 03:00, once."""
    assert firings("30 2 * * *", at("2027-03-27T12:00"), 2) == [
        "2027-03-28T03:00+02:00",
        "2027-03-29T02:30+02:00",
    ]
    assert firings("*/15 2-3 28 3 *", at("2027-03-27T12:00"), 3) == [
        "2027-03-28T03:00+02:00",
        "2027-03-28T03:15+02:00",
        "2027-03-28T03:30+02:00",
    ]


def test_a_time_that_occurs_twice_fires_once_at_the_first() -> None:
    """Clocks go back from 03:00 to 02:00: 02:30 fires by the first of the two."""
    assert firings("30 2 * * *", at("2027-10-30T12:00"), 2) == [
        "2027-10-31T02:30+02:00",
        "2027-11-01T02:30+01:00",
    ]


def test_a_gap_of_half_an_hour() -> None:
    """Lord Howe moves by thirty minutes; the first moment after the gap is its end."""
    assert firings("10 2 3 10 *", at("2027-10-01T00:00", LORD_HOWE), 1, LORD_HOWE) == [
        "2027-10-03T02:30+11:00"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 9 1 *", "has 4 fields"),
        ("0 0 9 1 * *", "has 6 fields"),
        ("@daily", "has 1 field,"),
        ("60 9 1 * *", '"60" is no minute'),
        ("0 24 1 * *", '"24" is no hour'),
        ("0 9 0 * *", '"0" is no day of the month'),
        ("0 9 1 13 *", '"13" is no month'),
        ("0 9 * * 8", '"8" is no weekday'),
        ("0 9 * * mun", '"mun" is no weekday'),
        ("0 9 * * 5#2/2", "is no weekday"),
        ("0 9 5-2 * *", '"5-2" is no day of the month'),
        ("*/0 9 * * *", "is no minute"),
        ("0 9 1,,2 * *", "is no day of the month"),
        ("0 9 31 2 *", "never comes true"),
        ("0 9 ٣ * *", "is no day of the month"),
        ("*" * (CRON_TEXT_MAX + 1), "at most"),
    ],
)
def test_what_is_no_schedule_says_why(text: str, said: str) -> None:
    """A mistake names the part that is wrong."""
    with pytest.raises(CronError, match=said):
        parse_cron(text)


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    zone=st.sampled_from(ZONES),
    start=st.datetimes(datetime(2027, 1, 1), datetime(2028, 12, 31)),  # noqa: DTZ001
)
def test_a_daily_schedule_fires_once_a_day(
    minute: int, hour: int, zone: ZoneInfo, start: datetime
) -> None:
    """Whatever the zone and the clock change, every date has one firing, in order."""
    cron = parse_cron(f"{minute} {hour} * * *")
    moment = cron.next(start.replace(tzinfo=UTC), zone)
    day = moment.astimezone(zone).date()

    for number in range(1, 5):
        assert cron.last(moment, zone) == moment
        assert cron.last(moment + timedelta(minutes=1), zone) == moment
        moment = cron.next(moment + timedelta(seconds=1), zone)
        assert moment.astimezone(zone).date() == day + timedelta(days=number)
