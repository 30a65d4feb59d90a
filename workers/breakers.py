"""Breakers: what does not answer, and lets everybody wait for that, is left alone for a while.

A mail server that is away holds a thread of deliver for a whole time-out, and the next, and the
next: with a thousand mails due, calls and other channels would wait behind them for hours. So
each channel, endpoint and target has a breaker. Whoever made us wait `SLOW_SECONDS` and then
failed, `FAILURES_MAX` times in a row, is not asked for `PAUSE_FIRST`; then one message finds out
whether it is back. If it is not, the pause doubles, up to `PAUSE_MAX`.

What is not asked costs a message no attempt. Each process finds out for itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock, local
from time import monotonic

import structlog

from store.outbox import AWAY, Claimed, Deferral, Outcome, Result
from workers.channels.base import ChannelError, Send

SLOW_SECONDS = 1.0
"""A failure that came sooner holds nobody up: it does not count."""
FAILURES_MAX = 3
PAUSE_FIRST = timedelta(seconds=5)
PAUSE_MAX = timedelta(minutes=5)

log = structlog.get_logger("vouch.deliver")


class NotAskedError(ChannelError):
    """A channel is left alone for a while: nothing was tried."""

    code = "channel-away"


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    pauses: int = 0
    until: float = 0.0
    opened_at: float = 0.0


class Breakers:
    """All breakers of a process; its threads share them.

    Args:
        timer: Tells seconds that only go up.
    """

    def __init__(self, timer: Callable[[], float] = monotonic) -> None:
        self._timer = timer
        self._lock = Lock()
        self._breakers: dict[str, _Breaker] = {}
        self._threads = local()

    def begin(self) -> None:
        """Say that this thread chooses now what it will send next."""
        self._threads.began = self._timer()

    def wait(self, name: str) -> timedelta:
        """Return how long a message for this channel has to wait: nothing, if it may be sent.

        After a pause that is said to one, who is to find out; the others wait once more.
        """
        with self._lock:
            one = self._breakers.get(name)
            if one is None or one.failures < FAILURES_MAX:
                return timedelta(0)
            now = self._timer()
            if now < one.until:
                return timedelta(seconds=one.until - now)
            one.until = now + _pause(one.pauses).total_seconds()
            return timedelta(0)

    @contextmanager
    def asking(self, name: str) -> Iterator[None]:
        """Let this thread ask a channel, and see how that ends.

        Raises:
            NotAskedError: The breaker opened since this thread chose what to send.
        """
        self._refuse(name)
        since = self._timer()
        try:
            yield
        except ChannelError as error:
            if error.outcome == "refused":
                self._answered(name)
            elif self._timer() - since >= SLOW_SECONDS:
                self._failed(name, since)
            raise
        else:
            self._answered(name)

    def watched(self, name: str, send: Send) -> Send:
        """Return a function that sends as `send` does, and is refused while nobody is asked."""

        def asked(*given: object) -> str:
            with self.asking(name):
                return send(*given)  # type: ignore[arg-type]

        return asked

    def _refuse(self, name: str) -> None:
        with self._lock:
            one = self._breakers.get(name)
            began = getattr(self._threads, "began", self._timer())
            if one is None or one.failures < FAILURES_MAX or one.opened_at < began:
                return
            wait = timedelta(seconds=max(0.0, one.until - self._timer()))
        raise NotAskedError("it did not answer before", outcome="retry", retry_after=wait)

    def _answered(self, name: str) -> None:
        with self._lock:
            one = self._breakers.pop(name, None)
        if one is not None and one.failures >= FAILURES_MAX:
            log.info("channel.back", channel=name)

    def _failed(self, name: str, since: float) -> None:
        with self._lock:
            one = self._breakers.setdefault(name, _Breaker())
            if one.failures >= FAILURES_MAX and since <= one.opened_at:
                return  # asked before it opened: that is no news
            one.failures += 1
            if one.failures < FAILURES_MAX:
                return
            pause = _pause(one.pauses)
            one.pauses += 1
            one.opened_at = self._timer()
            one.until = one.opened_at + pause.total_seconds()
        log.warning("channel.away", channel=name, seconds=int(pause.total_seconds()))


def deferred(message: Claimed, until: datetime) -> Deferral:
    """Return that a message waits for its channel, planned for when it was."""
    return Deferral(message.ref, message.planned_at, until, AWAY)


def unasked(message: Claimed, error: NotAskedError, now: datetime) -> Outcome:
    """Return that a message goes back to those that wait, with all its attempts."""
    due = now + (error.retry_after or timedelta(0))
    return Outcome(message.ref, Result.UNASKED, reason=AWAY, due_at=due)


def _pause(number: int) -> timedelta:
    """Return how long nobody is asked for the given time, counted from 0.

    >>> [int(_pause(n).total_seconds()) for n in (0, 1, 2, 5, 6, 50)]
    [5, 10, 20, 160, 300, 300]
    """
    return min(PAUSE_FIRST * int(2 ** min(number, 10)), PAUSE_MAX)
