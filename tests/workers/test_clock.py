"""Clocks: the machine's tells UTC, the virtual one moves only when it is wound."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from workers.clock import Clock, ClockError, SystemClock, VirtualClock

START = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)


def test_system_clock_tells_utc() -> None:
    """The machine's clock gives an aware instant in UTC, never an earlier one first."""
    clock: Clock = SystemClock()
    first, second = clock.now(), clock.now()

    assert first.tzinfo is UTC
    assert first <= second


def test_virtual_clock_stands_still_until_wound() -> None:
    """It shows what it was set to, in UTC, and moves by elapsed time."""
    clock = VirtualClock(START.astimezone(timezone(timedelta(hours=1))))

    assert clock.now() == clock.now() == START
    assert clock.now().tzinfo is UTC
    assert clock.advance(timedelta(hours=2)) == START + timedelta(hours=2)
    clock.set(START + timedelta(days=1))
    assert clock.now() == START + timedelta(days=1)


def test_virtual_clock_goes_back_only_when_told() -> None:
    """Going back by mistake is an error that changes nothing; on purpose it is possible."""
    clock = VirtualClock(START)

    with pytest.raises(ClockError):
        clock.set(START - timedelta(seconds=1))
    with pytest.raises(ClockError):
        clock.advance(timedelta(seconds=-1))
    assert clock.now() == START
    clock.set(START - timedelta(days=1), back=True)
    assert clock.now() == START - timedelta(days=1)


def test_instant_without_offset_is_refused() -> None:
    """A wall clock names no instant."""
    with pytest.raises(ClockError):
        VirtualClock(START.replace(tzinfo=None))
