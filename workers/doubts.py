"""Settles messages in doubt where that does no harm: a page at a time, all of them in turn."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from store import outbox_record
from store.db import Store
from store.outbox import DOUBTS_MAX, Claimed
from workers.channels.base import Channel
from workers.judging import WORDS
from workers.sending import ATTEMPTS
from workflows.guard import SKIPS
from workflows.steps.calling import is_call
from workflows.syncs import is_sync

ENOUGH = frozenset({*SKIPS, WORDS, ATTEMPTS})
"""Why a message is in doubt that is not sent again to be sure: the guard says no, or it was."""


class Resolve(Protocol):
    """Settles one message in doubt."""

    def __call__(self, message: Claimed, *, sent: bool, by: str, unsure: bool = False) -> None:
        """Say that it was sent, or that it was not and is free to leave; `by` whom.

        `unsure`: nobody knows, and it leaves again to be sure.
        """


class Doubts:
    """Goes through the messages in doubt, a page at each call.

    Those that wait for an operator stay where they are, so the oldest alone would hide the
    rest: each call goes on where the last one ended, and after the last page at the first.
    """

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        resolve: Resolve,
        *,
        page: int = DOUBTS_MAX,
    ) -> None:
        self._store = store
        self._channels = channels
        self._resolve = resolve
        self._page = page
        self._after: tuple[datetime, str] | None = None

    def settle(self, now: datetime) -> int:
        """Put messages whose lease ran out in doubt, and look at one page of all that are.

        A channel that can look a message up knows; one where a key makes two sends one
        message may send again, unless that was tried, or must not be. The rest waits for an
        operator. Returns the page's size.
        """
        with self._store.transaction() as conn:
            outbox_record.expire_leases(conn, now)
            page = outbox_record.in_doubt(conn, after=self._after, limit=self._page)
            if not page and self._after is not None:
                page = outbox_record.in_doubt(conn, limit=self._page)
        self._after = (page[-1].planned_at, page[-1].key) if len(page) == self._page else None
        for message in page:
            self._settle(message)
        return len(page)

    def _settle(self, message: Claimed) -> None:
        if is_call(message.to) or is_sync(message.to):  # two make one: it is made again
            self._resolve(message, sent=False, by="idempotency key")
            return
        channel = self._channels.get(message.channel)
        if channel is None:
            return
        found = channel.look_up(message.key)
        if found is not None:
            self._resolve(message, sent=found, by="look_up")
        elif channel.repeatable and message.reason not in ENOUGH:
            self._resolve(message, sent=False, by="look_up", unsure=True)
