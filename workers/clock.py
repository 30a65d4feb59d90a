"""The clock: the one place that knows what time it is."""

from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Protocol

from events.errors import VouchError


class Clock(Protocol):
    """Tells the time. Everything that needs it takes one, so that a test can wind it."""

    def now(self) -> datetime:
        """Return the present instant, in UTC."""


class ClockError(VouchError):
    """A virtual clock was told something that no clock can show."""

    code = "clock"


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant, in UTC."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still until it is wound; threads may share it."""

    def __init__(self, start: datetime) -> None:
        self._lock = Lock()
        self._now = _utc(start)

    def now(self) -> datetime:
        """Return the instant it shows, in UTC."""
        with self._lock:
            return self._now

    def set(self, at: datetime, *, back: bool = False) -> None:
        """Show another instant.

        Args:
            at: The instant, with an offset.
            back: Allow an earlier one; else it would be a test's mistake.

        Raises:
            ClockError: It is earlier and `back` was not given, or has no offset.
        """
        wanted = _utc(at)
        with self._lock:
            if wanted < self._now and not back:
                raise ClockError(
                    f"the clock shows {self._now.isoformat()}, after {wanted.isoformat()}",
                    hint="pass back=True if time shall go back",
                )
            self._now = wanted

    def advance(self, by: timedelta) -> datetime:
        """Move on by a span and return the instant reached.

        Raises:
            ClockError: The span is negative.
        """
        with self._lock:
            if by < timedelta():
                raise ClockError("a clock advances forwards", hint="use set(..., back=True)")
            self._now += by
            return self._now


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ClockError(f"{at.isoformat()} has no offset", hint="give an instant in UTC")
    return at.astimezone(UTC)
