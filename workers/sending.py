"""Send a burst, channel by channel, and record what became of each message.

A message whose outcome nobody knows is in doubt, and never repeated blindly.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from store import outbox_leave
from store.db import Store
from store.outbox import Claimed, Outcome, Result
from workers.breakers import Breakers, NotAskedError, unasked
from workers.burst import Burst
from workers.channels.base import Channel, ChannelError, Parcel, Send
from workers.clock import Clock
from workers.lines import Lines
from workers.outcomes import told
from workers.programmes import Programmes
from workers.recording import record_outcomes
from workflows.compiled import Programme
from workflows.guard import Leave
from workflows.slots import next_slot
from workflows.wallclock import zone_or

ATTEMPTS_MAX = 20
ATTEMPTS = "attempts"
"""Why a message fails, or stays in doubt, that was tried so often."""
BACKOFF_FIRST = timedelta(seconds=5)
BACKOFF_MAX = timedelta(hours=1)

log = structlog.get_logger("vouch.deliver")


def backoff(attempt: int) -> timedelta:
    """Return how long to wait after the given attempt failed, counted from 1.

    >>> [int(backoff(n).total_seconds()) for n in (1, 2, 3, 20)]
    [5, 10, 20, 3600]
    """
    return min(BACKOFF_FIRST * int(2 ** (attempt - 1)), BACKOFF_MAX)


class Sender:
    """Hands parcels to their channels, one connection a channel."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        programmes: Programmes,
        channels: Mapping[str, Channel],
        *,
        breakers: Breakers,
        on_call: Callable[[str], None],
        on_commit: Callable[[str], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._programmes = programmes
        self._channels = channels
        self._breakers = breakers
        self._on_call = on_call
        self._on_commit = on_commit

    def send(self, burst: Burst, lines: Lines) -> None:
        """Send a burst, channel by channel, and record each outcome."""
        outcomes: list[Outcome] = []
        by_channel: dict[str, list[tuple[Claimed, Leave, Parcel]]] = {}
        for each in burst.leaving:
            by_channel.setdefault(each[1].channel, []).append(each)
        for name, parcels in by_channel.items():
            outcomes += self._send_by(name, parcels, burst, lines)
        now = self._clock.now()
        record_outcomes(
            self._store, outcomes, token=burst.token, now=now, on_commit=self._on_commit
        )

    def _send_by(
        self,
        name: str,
        parcels: Sequence[tuple[Claimed, Leave, Parcel]],
        burst: Burst,
        lines: Lines,
    ) -> list[Outcome]:
        channel = self._channels.get(name)
        if channel is None:
            error = ChannelError(f"no channel {name!r} is configured", outcome="retry")
            return [self._failed(m, leave, error) for m, leave, _ in parcels]
        refs = [m.ref for m, _, _ in parcels]
        with self._store.reader() as conn:
            mine = outbox_leave.still_mine(conn, refs, token=burst.token, now=self._clock.now())
        send = self._breakers.watched(name, lines.to(name))
        outcomes = [
            self._one(send, message, leave, ready, repeatable=channel.repeatable)
            for message, leave, ready in parcels
            # The lease may run out in the middle of a burst, or while we were frozen: from
            # then on an operator may say that a message did not leave, and it must not.
            if message.ref in mine and self._clock.now() < burst.until
        ]
        if any(each.status is not Result.SENT for each in outcomes):
            lines.hang_up(name)
        return outcomes

    def _one(
        self, send: Send, message: Claimed, leave: Leave, ready: Parcel, *, repeatable: bool
    ) -> Outcome:
        try:
            message_id = send(ready)
        except ChannelError as error:
            return self._failed(message, leave, error, repeatable=repeatable)
        except Exception as error:  # a defect of the channel: nobody knows how far it came
            log.exception("delivery.broke", channel=leave.channel)
            doubt = ChannelError(type(error).__name__, outcome="uncertain")
            return self._failed(message, leave, doubt, repeatable=repeatable)
        self._on_call(message.key)
        programme = self._programmes.current().programme
        said = told(
            programme,
            message,
            "message.sent",
            self._clock.now(),
            channel=leave.channel,
            locale=leave.locale,
            planned=leave.planned,
            verdict=leave,
        )
        return Outcome(
            message.ref,
            Result.SENT,
            message_id=message_id,
            forwards=said.forwards,
            records=said.records,
        )

    def _failed(
        self, message: Claimed, leave: Leave, error: ChannelError, *, repeatable: bool = False
    ) -> Outcome:
        """Return what follows from a failure: try again, another channel, doubt, or the end.

        Where a key makes two sends one message, doubt needs nobody at first: it is sent again.
        """
        ref = message.ref
        now = self._clock.now()
        if isinstance(error, NotAskedError):
            return unasked(message, error, now)
        programme = self._programmes.current().programme
        if error.outcome == "uncertain" and not repeatable:
            log.warning("delivery.in_doubt", channel=leave.channel)
            return Outcome(ref, Result.IN_DOUBT, reason=error.code)
        if error.outcome == "refused":
            return self._refused(programme, message, leave, now)
        unsure = message.is_unsure or error.outcome == "uncertain"
        if message.attempts + 1 >= ATTEMPTS_MAX and unsure:
            log.warning("delivery.in_doubt", channel=leave.channel)
            return Outcome(ref, Result.IN_DOUBT, reason=ATTEMPTS)
        if message.attempts + 1 >= ATTEMPTS_MAX:
            said = told(programme, message, "message.failed", now, channel=leave.channel,
                        planned=leave.planned, reason=ATTEMPTS)  # fmt: skip
            return Outcome(
                ref, Result.FAILED, reason=ATTEMPTS, forwards=said.forwards, records=said.records
            )
        wait = max(backoff(message.attempts + 1), error.retry_after or timedelta(0))
        due_at = now + min(wait, BACKOFF_MAX)
        return Outcome(ref, Result.RETRY, reason=error.code, due_at=due_at, unsure=unsure)

    @staticmethod
    def _refused(programme: Programme, message: Claimed, leave: Leave, now: datetime) -> Outcome:
        """Try the next channel at the next slot; refused by all, it is skipped for good."""
        tried = {*message.refused, leave.channel}
        is_staff = message.to.startswith("staff/")
        if is_staff or not set(message.by or programme.policies.channels) - tried:
            said = told(programme, message, "message.skipped", now, channel=leave.channel,
                        planned=leave.planned, reason="undeliverable")  # fmt: skip
            return Outcome(message.ref, Result.SKIPPED, reason="undeliverable",
                           forwards=said.forwards, records=said.records)  # fmt: skip
        zone = zone_or(leave.zone, programme.zone)[0]
        policy = programme.class_of(message.class_)
        calendar = programme.calendars.get(policy.calendar) if policy.calendar else None
        slot = next_slot(leave.planned + timedelta(seconds=1), programme.slot, zone, calendar)
        said = told(programme, message, "message.deferred", now, channel=leave.channel,
                    planned=slot, reason="refused")  # fmt: skip
        return Outcome(message.ref, Result.REFUSED, reason="refused", due_at=slot, planned_at=slot,
                       forwards=said.forwards, records=said.records)  # fmt: skip
