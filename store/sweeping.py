"""What the clock asks every second, in one statement: an idle stack leaves its database alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ALL_SLICES, database_time, table_of
from store.tables import ErasureRow, InboxRow, OutboxRow, SliceRow, TimerRow
from store.types import UTCDateTime

_slice, _inbox, _timer = table_of(SliceRow), table_of(InboxRow), table_of(TimerRow)
_outbox, _erasure = table_of(OutboxRow), table_of(ErasureRow)


@dataclass(frozen=True, slots=True)
class Found:
    """What there is for a sweep to look at more closely.

    Attributes:
        stale: An event has been waiting in some slice, or a timer is due.
        due: A message is to be sent.
        forgetting: Somebody is being erased.
        unsettled: The outcome of a message is in doubt, or a lease ran out.
        next_timer: When the first of all timers is due, or was.
    """

    stale: bool
    due: bool
    forgetting: bool
    unsettled: bool
    next_timer: datetime | None = None


def look(conn: Connection, *, now: datetime, older_than: timedelta) -> Found:
    """Return whether there is anything to do: every part is the head of an index.

    What it says is only where to look. Whoever acts asks again for what it acts on.
    """
    first_event = (
        sa.select(_inbox.c.accepted_at)
        .where(_inbox.c.slice == _slice.c.slice)
        .order_by(_inbox.c.seq)
        .limit(1)
        .scalar_subquery()
    )
    first_timer = (
        sa.select(sa.func.min(_timer.c.due_at, type_=UTCDateTime()))
        .where(_timer.c.slice == _slice.c.slice)
        .scalar_subquery()
    )
    next_timer = sa.select(sa.func.min(first_timer, type_=UTCDateTime())).select_from(_slice)
    messages = sa.exists().where(
        _outbox.c.slice == _slice.c.slice,
        _outbox.c.status == sa.literal_column("'pending'"),
        _outbox.c.due_at <= now,
    )
    erasing = sa.exists().where(_erasure.c.slice.in_(ALL_SLICES), _erasure.c.done_at.is_(None))
    late = sa.exists().where(
        _outbox.c.slice.in_(ALL_SLICES),
        _outbox.c.status == sa.literal_column("'sending'"),
        _outbox.c.leased_until <= database_time(conn, now),
    )
    doubt = sa.exists().where(
        _outbox.c.slice.in_(ALL_SLICES), _outbox.c.status == sa.literal_column("'in_doubt'")
    )
    any_slice = sa.exists().select_from(_slice)
    asked = sa.select(
        any_slice.where(first_event <= now - older_than), any_slice.where(messages), erasing,
        sa.or_(late, doubt), next_timer.scalar_subquery(),
    )  # fmt: skip
    *seen, next_at = conn.execute(asked).one()
    stale, due, forgetting, unsettled = map(bool, seen)
    is_due = next_at is not None and next_at <= now
    return Found(stale or is_due, due, forgetting, unsettled, next_at)
