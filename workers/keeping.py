"""What is older than an installation keeps goes, beside its other work and in no hurry."""

from datetime import datetime, timedelta
from threading import Lock

import structlog

from store import retention
from store.db import Store
from workers.clock import Clock

BATCHES_MAX = 20
"""Transactions that one turn makes, before messages have theirs."""
AGAIN_AFTER = timedelta(seconds=10)
"""How long the next turn is off while there is more: some eighty million rows a day."""
LOOK_EVERY = timedelta(hours=1)
"""How often somebody looks where nothing was left."""
RING_EVERY = timedelta(minutes=1)
"""How often the clock rings, so that a quiet installation looks too."""

log = structlog.get_logger("vouch.retention")


class Keeper:
    """Empties what is older than `keeps`; with None it does nothing, and everything is kept."""

    def __init__(self, store: Store, clock: Clock, keeps: timedelta | None) -> None:
        self._store = store
        self._clock = clock
        self._keeps = keeps
        self._lock = Lock()
        self._next_at: datetime | None = None
        self._rung_at: datetime | None = None

    def wants_bell(self) -> bool:
        """Tell a clock whether to ring for this now, and note that it did."""
        now = self._clock.now()
        if self._keeps is None or (self._rung_at and now < self._rung_at + RING_EVERY):
            return False
        self._rung_at = now
        return True

    def work(self) -> None:
        """Empty the next batches of what is too old, if it is time for that."""
        if self._keeps is None or not self._lock.acquire(blocking=False):
            return
        try:
            now = self._clock.now()
            if self._next_at is None or now >= self._next_at:
                left = self._batches(now - self._keeps)
                self._next_at = now + (AGAIN_AFTER if left else LOOK_EVERY)
        finally:
            self._lock.release()

    def _batches(self, before: datetime) -> bool:
        """Return whether there may be more."""
        for made in range(BATCHES_MAX):
            with self._store.transaction() as conn:
                if not retention.step(conn, before=before):
                    if made:
                        log.info("retention.emptied", batches=made)
                    return False
        log.info("retention.emptied", batches=BATCHES_MAX)
        return True
