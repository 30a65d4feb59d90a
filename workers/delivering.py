"""Deliver: claim and ask the guard, commit `sending`, send, record what became of it.

At most once to people: `sending` is committed before the call, and a message whose outcome
nobody knows is in doubt and never repeated blindly.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog

from store import holding, outbox_claim, outbox_leave
from store.db import Store
from store.outbox import Leaving
from workers.breakers import Breakers
from workers.burst import Burst
from workers.calling import Calls, Ready
from workers.channels.base import Channel
from workers.clock import Clock
from workers.judging import Judge
from workers.letters import Desk
from workers.lines import Lines
from workers.programmes import Programmes
from workers.sending import Sender
from workers.shared_lock import SharedLock
from workers.syncing import SyncReady, Syncs
from workflows.planning import history_horizon

BURST_MIN, BURST_MAX = 10, 50
"""Messages sent between two commits, a channel's on one connection."""
BURST_QUICK = timedelta(milliseconds=250)
"""Bursts grow while they end within this: as much as that is in doubt if a process dies."""
LEASE = timedelta(minutes=5)
"""How long a worker may take for one burst; then what it did not record is in doubt."""

log = structlog.get_logger("vouch.deliver")


class Deliverer:
    """Sends what is due, a burst at a time.

    Attributes:
        lock: Held shared for each burst, so that others of its process can be alone.
        breakers: Leave alone for a while what does not answer.
        calls: Makes the calls to endpoints; without a caller they wait.
        syncs: Tells other systems what changed; without targets they wait.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        programmes: Programmes,
        channels: Mapping[str, Channel],
        desk: Desk,
        *,
        token: Callable[[], str],
        lease: timedelta = LEASE,
        on_call: Callable[[str], None] | None = None,
        on_commit: Callable[[str], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._programmes = programmes
        self._channels = channels
        self._desk = desk
        self._token = token
        self._lease = lease
        self.lock = SharedLock()
        self.breakers = Breakers()
        self._on_commit = on_commit or (lambda _what: None)
        self._said_held = False
        called = on_call or (lambda _key: None)
        hooks = (self.breakers, called, self._on_commit)
        self._judge = Judge(desk, self.breakers)
        self._sender = Sender(
            store, clock, programmes, channels,
            breakers=self.breakers, on_call=called, on_commit=self._on_commit,
        )  # fmt: skip
        self.calls = Calls(store, clock, programmes, *hooks)
        self.syncs = Syncs(store, clock, programmes, *hooks)

    def deliver(self) -> int:
        """Send everything that is due, unless messages are held; return how many were handled."""
        if self._is_held():
            return 0
        with Lines(self._channels) as lines:
            try:
                return self._deliver(lines)
            finally:
                self.calls.caller.hang_up()

    def _deliver(self, lines: Lines) -> int:
        handled, size = 0, BURST_MIN
        while True:
            since = self._clock.now()
            with self.lock.shared():
                burst = self._burst(lines, size)
            handled += burst.claimed
            if not burst.claimed or not burst.full:
                return handled  # a short burst was the last: no second, empty transaction
            quick = self._clock.now() - since <= BURST_QUICK
            size = min(2 * size, BURST_MAX) if quick else BURST_MIN

    def _burst(self, lines: Lines, size: int) -> Burst:
        """Claim a burst, send what leaves, and record it; return what it came to."""
        burst = self._claim(size)
        if burst.leaving:
            self._sender.send(burst, lines)
        calls = [(m, ready) for m, ready in burst.calls if isinstance(ready, Ready)]
        if calls:
            self.calls.make(calls, burst.token, burst.until)
        for message, ready in burst.calls:
            if isinstance(ready, SyncReady):
                self.syncs.make(message, ready, burst.token)
        return burst

    def _is_held(self) -> bool:
        """Tell whether an operator's word is missing, after a restore or by one's own hold."""
        with self._store.reader() as conn:
            seen = holding.look(conn)
        if seen.has_moved or seen.is_unmarked:
            with self._store.transaction() as conn:
                holding.settle(conn, seen, now=self._clock.now())
        if seen.is_held and not self._said_held:
            log.warning("outbox.held", reason=seen.reason or holding.MOVED)
        self._said_held = seen.is_held
        return seen.is_held

    # -- claim -----------------------------------------------------------------------------------

    def _claim(self, size: int) -> Burst:
        self.breakers.begin()
        now = self._clock.now()
        programme = self._programmes.current().programme
        burst = Burst(self._token(), now + self._lease)
        with self._store.transaction() as conn:
            claim = outbox_claim.claim(
                conn, now=now, limit=size, horizon=history_horizon(programme.policies),
                fingerprint=self._desk.tokens.fingerprints,
            )  # fmt: skip
            burst.full = claim.full
            if not claim.messages:
                return burst
            self._judge.judge(programme, claim, burst, now)
            outbox_leave.defer(conn, burst.defers, now=now)
            outbox_leave.skip(conn, burst.skips, now=now)
            outbox_leave.doubt(conn, burst.doubts, now=now)
            leaving = [
                Leaving((m.slice, m.key), leave.channel, leave.locale, leave.planned)
                for m, leave, _ in burst.leaving
            ]
            leaving += [ready.leaving for _, ready in burst.calls]
            outbox_leave.mark_sending(conn, leaving, token=burst.token, now=now, lease=self._lease)
        claimed = [*(m.key for m, _, _ in burst.leaving), *(m.key for m, _ in burst.calls)]
        self._on_commit("/".join(("claim", *claimed)))
        return burst
