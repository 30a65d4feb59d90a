"""Intake: raw events become inbox rows, or verdicts that say why not, in one transaction.

Whoever publishes gets the answer after the commit. One bad event of a batch harms none of the
others: it is refused by itself, with its field and the remedy.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from events.catalogue import Catalogue
from events.content_modes import BATCH_EVENTS_MAX
from events.refusals import EventError, EventTooLargeError, InvalidFieldError
from store.backlog import inbox_length
from store.db import LARGE, Store
from store.errors import is_data_error, is_transient
from store.intake import Reject, accept, note
from store.keys import RevokedKeysError
from workers.arrivals import Offered, Publisher, offer
from workers.clock import Clock
from workers.lookups import binding, looked_up, refusal
from workers.verdicts import (
    BackPressureError,
    IntakeError,
    IntakeUnavailableError,
    Refused,
    Verdict,
    refused,
)
from workflows.sources import Mapped
from workflows.state import slice_of

__all__ = [
    "BACKLOG_AGE_MAX",
    "BackPressureError",
    "Intake",
    "IntakeError",
    "IntakeUnavailableError",
    "Prepared",
    "Publisher",
    "Verdict",
]

BACKLOG_AGE_MAX = timedelta(seconds=1)
"""How old a count of the inbox may be: other processes fill it as well."""

log = structlog.get_logger("vouch.intake")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The events of one request, each either refused already or ready for the store."""

    arrived: datetime
    slots: tuple[Refused | Offered, ...]
    urgent: bool = False


class Intake:
    """The only way in. Threads share it.

    Args:
        store: Where events go.
        catalogue: Gives the event types of the programme applied now.
        clock: Stamps arrivals.
        ring: Tells the workers of slices that have input, after the commit. A lost bell is
            rung again by the clock, so its failure is logged and nothing else.
        inbox_max: How many inbox rows may wait before publishers are held back.
    """

    def __init__(
        self,
        store: Store,
        catalogue: Callable[[], Catalogue],
        clock: Clock,
        ring: Callable[[Collection[int]], object],
        inbox_max: int,
    ) -> None:
        self.clock = clock
        self._store = store
        self._catalogue = catalogue
        self._ring = ring
        self._backlog = _Backlog(inbox_max)

    def accept(
        self,
        raws: Sequence[object],
        *,
        key: Publisher | None = None,
        arrived: datetime | None = None,
        urgent: bool = False,
    ) -> list[Verdict]:
        """Return the verdict on each event, in order, after everything is committed.

        Args:
            raws: JSON as Python has it, or `Mapped` by a source; at most `BATCH_EVENTS_MAX`.
            key: Who publishes; None for those who need no key: operators and our own pages.
            arrived: When the events reached us, if that was not now.
            urgent: Taken however long the inbox is: a person said something.

        Raises:
            EventTooLargeError: More events than one call takes.
            IntakeError: Not acknowledged, come back later.
        """
        prepared = self.prepare(raws, key=key, arrived=arrived, urgent=urgent)
        (verdicts,) = self.commit([prepared])
        return verdicts

    def prepare(
        self,
        raws: Sequence[object],
        *,
        key: Publisher | None = None,
        arrived: datetime | None = None,
        urgent: bool = False,
    ) -> Prepared:
        """Return the events parsed, authorised and validated; the database is not asked.

        Raises:
            EventTooLargeError: More events than one call takes.
        """
        if len(raws) > BATCH_EVENTS_MAX:
            raise EventTooLargeError(
                f"a batch has at most {BATCH_EVENTS_MAX} events, this one has {len(raws)}",
                hint="send smaller batches",
            )
        arrived = arrived or self.clock.now()
        catalogue = self._catalogue()
        slots: list[Refused | Offered] = []
        for raw in raws:
            try:
                slots.append(offer(raw, key, arrived=arrived, catalogue=catalogue))
            except EventError as error:
                slots.append(refused(raw.raw if isinstance(raw, Mapped) else raw, error))
        return Prepared(arrived, tuple(slots), urgent)

    def commit(self, requests: Sequence[Prepared]) -> list[list[Verdict]]:
        """Store the events of many requests in one transaction; return the verdicts on each.

        Raises:
            IntakeError: Nothing is acknowledged. What was stored all the same, because the
                answer of the commit was lost, is a duplicate when it comes again.
        """
        slots = [slot for request in requests for slot in request.slots]
        notes = [
            slot.reject(request.arrived)
            for request in requests
            for slot in request.slots
            if isinstance(slot, Refused)
        ]
        offered = [slot for slot in slots if isinstance(slot, Offered)]
        limited = not all(request.urgent for request in requests)
        try:
            stored = iter(self._commit(offered, notes, limited=limited))
        except Exception as error:  # transient ones get their own answer, the rest is raised
            if not is_transient(error):
                raise
            raise IntakeUnavailableError(
                "the database cannot commit now", hint="send the same request again"
            ) from error
        verdicts = iter([s.verdict if isinstance(s, Refused) else next(stored) for s in slots])
        return [[next(verdicts) for _ in request.slots] for request in requests]

    def note(self, rejects: Sequence[Reject]) -> None:
        """Write down what was refused before it was an event, such as a wrong signature."""
        with self._store.transaction() as conn:
            note(conn, rejects)

    def _commit(
        self, offered: Sequence[Offered], notes: Sequence[Reject], *, limited: bool
    ) -> list[Verdict]:
        """Commit; when the database finds a value it cannot hold, halve until it is alone."""
        try:
            return self._authorised(offered, notes, limited=limited)
        except Exception as error:  # data errors are halved, the rest is raised
            if not is_data_error(error) or not offered:
                raise
        if len(offered) > 1:
            half = len(offered) // 2
            first = self._commit(offered[:half], notes, limited=limited)
            return first + self._commit(offered[half:], [], limited=limited)
        (culprit,) = offered
        found = refusal(culprit, _unstorable())
        self._transaction([], [*notes, found.reject(culprit.arrived)], limited=False)
        return [found.verdict]

    def _authorised(
        self, offered: Sequence[Offered], notes: Sequence[Reject], *, limited: bool
    ) -> list[Verdict]:
        """Commit; what a key publishes that was revoked meanwhile is refused.

        Web processes remember keys for seconds, and from the word of an operator on nothing
        more of one may enter.
        """
        gone: frozenset[str] = frozenset()
        while True:
            try:
                return self._transaction(offered, notes, limited=limited, gone=gone)
            except RevokedKeysError as error:  # each time at least one more
                gone |= error.names

    def _transaction(
        self,
        offered: Sequence[Offered],
        notes: Sequence[Reject],
        *,
        limited: bool,
        gone: Collection[str] = (),
    ) -> list[Verdict]:
        # Most events need nothing but the one statement that stores them. What they repeat is
        # written down after it: their publisher has no answer yet, and would send them again.
        plain = not notes and not any(slot.lookup or slot.is_word for slot in offered)
        with self._store.transaction(hot=len(offered) < LARGE, single=plain) as conn:
            found = looked_up(conn, offered, gone)
            arrivals = [slot.arrival() for slot in found if isinstance(slot, Offered)]
            arrivals = binding(conn, arrivals)
            entering = sum(len(arrival.actors) for arrival in arrivals)
            if limited and entering:
                self._backlog.check(conn, entering, self.clock.now())
            fresh = iter(accept(conn, arrivals))
            verdicts: list[Verdict] = []
            unwanted = list(notes)
            bells: set[int] = set()
            for slot in found:
                if isinstance(slot, Refused):
                    unwanted.append(slot.reject(self.clock.now()))
                    verdicts.append(slot.verdict)
                elif next(fresh):
                    bells.update(map(slice_of, slot.actors))
                    verdicts.append(Verdict("accepted", slot.event.id, slot.event.type))
                else:
                    duplicate = _duplicate(slot)
                    unwanted.append(duplicate.reject(slot.arrived))
                    verdicts.append(duplicate.verdict)
            note(conn, unwanted)
        if bells:
            self._backlog.added(entering)
            self._wake(bells)
        return verdicts

    def _wake(self, slices: Collection[int]) -> None:
        try:
            self._ring(slices)
        except Exception as error:  # noqa: BLE001 - committed: the publisher must hear so
            log.warning("bell.lost", slices=len(slices), error=type(error).__name__)


class _Backlog:
    """A guess of the inbox's length that is never too low for long: counting costs time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known = most + 1  # nothing is known yet: count at the first event
        self._counted_at: datetime | None = None

    def check(self, conn: Any, entering: int, now: datetime) -> None:  # noqa: ANN401
        """Refuse what would make the inbox longer than it may be.

        Raises:
            BackPressureError: It would.
        """
        stale = self._counted_at is None or now - self._counted_at >= BACKLOG_AGE_MAX
        if stale or self._known + entering > self._most:
            self._known = inbox_length(conn, at_most=self._most)
            self._counted_at = now
        if self._known + entering > self._most and self._known:
            raise BackPressureError(
                f"more than {self._most} events wait to be handled",
                hint="send again later; if this lasts, start more workers",
            )

    def added(self, entered: int) -> None:
        """Count what was just committed."""
        self._known += entered


def _unstorable() -> EventError:
    return InvalidFieldError(
        "the event holds a value that the database cannot store",
        hint="send plain texts and whole numbers of at most 64 bits",
    )


def _duplicate(slot: Offered) -> Refused:
    event = slot.event
    verdict = Verdict("duplicate", event.id, event.type, reason="duplicate")
    return Refused(verdict, event.source)
