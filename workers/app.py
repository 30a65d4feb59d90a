"""The application: what can be done, by whatever process or face asks for it.

Web, worker, clock, command line and trials all hold an `App`; none has logic of its own.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from events.content_modes import BATCH_EVENTS_MAX
from store import drain as drains
from store import erasure, outbox_record, sweeping
from store.db import Store
from store.errors import is_transient
from store.outbox import Claimed
from workers.calling import told_call
from workers.channels.base import Channel
from workers.clock import Clock
from workers.delivering import LEASE, Deliverer
from workers.doubts import Doubts
from workers.draining import Drained, Drainer
from workers.group_commit import GroupCommit
from workers.intake import Intake, Verdict
from workers.keeping import Keeper
from workers.letters import Desk
from workers.outcomes import told
from workers.programmes import Programmes
from workers.shared_lock import SharedLock
from workers.syncing import given_up
from workflows.steps.calling import is_call
from workflows.syncs import is_sync

STALE = timedelta(seconds=2)
"""How long something may wait before the clock rings for it again."""

ERASURES_AT_ONCE = 20
"""Batches of rows that one bell empties of erased contacts, before messages have their turn."""

log = structlog.get_logger("vouch.app")


class Bell(Protocol):
    """Where nudges go; the queue is one."""

    def ring_drain(self, slices: Collection[int]) -> bool:
        """Have these slices drained soon."""

    def ring_deliver(self) -> bool:
        """Have due messages sent soon."""


class NoBell:
    """For whoever drains and delivers by themselves, as trials do."""

    def ring_drain(self, slices: Collection[int]) -> bool:
        """Do nothing."""
        return bool(slices)

    def ring_deliver(self) -> bool:
        """Do nothing."""
        return True


@dataclass(frozen=True, slots=True)
class Swept:
    """What the clock found to do, and when the first of all timers is due, or was."""

    slices: int = 0
    messages: int = 0
    in_doubt: int = 0
    next_timer: datetime | None = None


class App:
    """Everything Vouch can do on one database."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        desk: Desk,
        channels: Mapping[str, Channel],
        *,
        token: Callable[[], str],
        inbox_max: int = 100_000,
        lease: timedelta = LEASE,
        on_commit: Callable[[str], None] | None = None,
        on_call: Callable[[str], None] | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.desk = desk
        self.channels = channels
        self.programmes = Programmes(store, clock)
        self.bell: Bell = NoBell()
        self.intake = Intake(
            store,
            lambda: self.programmes.current().catalogue,
            clock,
            lambda slices: self.bell.ring_drain(slices) and None,
            inbox_max,
        )
        self._arrivals = GroupCommit(self.intake)
        self.deliverer = Deliverer(
            store, clock, self.programmes, channels, desk, token=token, on_call=on_call,
            on_commit=on_commit, lease=lease,
        )  # fmt: skip
        self._doubts = Doubts(store, channels, self.resolve)
        self.drainer = Drainer(store, clock, self.programmes, on_commit=on_commit)
        self.keeper = Keeper(store, clock, None)
        self.share(SharedLock())

    def close(self) -> None:
        """Commit what arrived, and close the database; nothing may be asked of it afterwards."""
        self._arrivals.close()
        self.store.close()

    def share(self, lock: SharedLock) -> None:
        """Have what this process does go on under this lock: beside each other, or one alone."""
        self.drainer.lock = self.deliverer.lock = lock

    # -- what the queue asks for -----------------------------------------------------------------

    def accept(self, events: list[dict[str, Any]]) -> None:
        """Take in one queue message of events; returns after the commit.

        Messages of several threads share a transaction: a publisher that sends its events one
        by one costs no commit each.

        Raises:
            IntakeError: Not all was stored; the message is tried again.
        """
        for start in range(0, len(events), BATCH_EVENTS_MAX):
            self._arrivals.wait(events[start : start + BATCH_EVENTS_MAX])

    def publish(self, events: Collection[object]) -> list[Verdict]:
        """Take in events of somebody who needs no key, and return the verdicts."""
        return self.intake.accept(list(events))

    def drain(self, slices: Collection[int] | None = None) -> Drained:
        """Handle what waits in these slices, and ring for what follows from it."""
        drained = self.drainer.drain(slices)
        if drained.inbox:
            self.bell.ring_drain(drained.inbox)
        if drained.outbox:
            self.bell.ring_deliver()
        return drained

    def deliver(self) -> int:
        """Send what is due, and ring for the runs that wait for the outcome."""
        handled = self.deliverer.deliver()
        self.forget()
        self.keeper.work()
        if handled:
            now = self.clock.now()
            with self.store.reader() as conn:
                waiting = drains.stale_slices(conn, now=now, older_than=timedelta(0))
            if waiting:
                self.bell.ring_drain(waiting)
        return handled

    def forget(self) -> None:
        """Empty what is kept of those who were erased; what is left waits for the next bell."""
        with self.store.reader() as conn:
            if not erasure.is_open(conn):
                return
        for _ in range(ERASURES_AT_ONCE):
            with self.store.transaction() as conn:
                if not erasure.step(conn, self.desk.tokens.fingerprints, now=self.clock.now()):
                    return

    def is_database_up(self) -> bool:
        """Tell whether the database answers."""
        try:
            with self.store.reader() as conn:
                drains.pending_inputs(conn)
        except Exception as error:  # what does not pass by itself is raised again
            if not is_transient(error):
                raise
            return False
        return True

    # -- what the clock does ---------------------------------------------------------------------

    def sweep(self, *, stale: timedelta = STALE) -> Swept:
        """Ring for due timers, due messages and whatever a lost bell left; settle old leases.

        With nothing to do that is one look, so that an idle installation costs next to nothing.
        """
        now = self.clock.now()
        found, slices = self._ring(now, stale)
        return Swept(
            slices,
            int(found.due),
            self.settle_doubts(now) if found.unsettled else 0,
            found.next_timer,
        )

    def _ring(self, now: datetime, stale: timedelta) -> tuple[sweeping.Found, int]:
        """Ring for whatever there is to do; return what was found, and in how many slices."""
        with self.store.reader() as conn:
            found = sweeping.look(conn, now=now, older_than=stale)
            slices = drains.stale_slices(conn, now=now, older_than=stale) if found.stale else []
        if slices:
            self.bell.ring_drain(slices)
        if found.due or found.forgetting or self.keeper.wants_bell():
            self.bell.ring_deliver()
        return found, len(slices)

    def settle_doubts(self, now: datetime) -> int:
        """Put messages whose lease ran out in doubt; resolve those where that can do no harm.

        Returns how many doubts were looked at: there may be more, for the next time.
        """
        return self._doubts.settle(now)

    def resolve(self, message: Claimed, *, sent: bool, by: str, unsure: bool = False) -> None:
        """Settle a message in doubt; one that was not sent may leave after all.

        So may one of which nobody is sure, where a second send of it is no second message.
        """
        now = self.clock.now()
        programme = self.programmes.current().programme
        if is_call(message.to):
            said = told_call(programme, message, now, status=0, ended="done", reason=by)
        elif is_sync(message.to):
            said = given_up(message, now)
        else:
            said = told(
                programme,
                message,
                "message.sent",
                now,
                channel=message.channel,
                locale=message.locale,
                planned=message.planned_at,
            )
        with self.store.transaction() as conn:
            outbox_record.resolve(
                conn, message.key, sent=sent, by=by, now=now,
                forwards=said.forwards if sent else (), records=said.records if sent else (),
                unsure=unsure,
            )  # fmt: skip

    def resolve_key(self, key: str, *, sent: bool, by: str) -> bool:
        """Settle the message in doubt with this key; False if there is none."""
        with self.store.reader() as conn:
            doubts = outbox_record.in_doubt(conn, key=key)
        for message in doubts:
            self.resolve(message, sent=sent, by=by)
        if doubts:
            self._ring(self.clock.now(), timedelta(0))
        return bool(doubts)

    def next_due(self) -> datetime | None:
        """Return when there is next something to do."""
        with self.store.reader() as conn:
            return drains.next_due(conn, now=self.clock.now())
