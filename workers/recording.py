"""Recording what became of messages, calls and syncs: one place, fenced by the lease's token."""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from store import outbox_record
from store.db import Store
from store.outbox import Outcome

log = structlog.get_logger("vouch.deliver")


def record_outcomes(
    store: Store,
    outcomes: Sequence[Outcome],
    *,
    token: str,
    now: datetime,
    on_commit: Callable[[str], None],
) -> None:
    """Record outcomes in one transaction; what is not ours any more is told, and left alone."""
    if not outcomes:
        return
    with store.transaction() as conn:
        accepted = outbox_record.record(conn, outcomes, token=token, now=now)
    on_commit("record")
    if len(accepted) < len(outcomes):
        log.warning("delivery.fenced", messages=len(outcomes) - len(accepted))
