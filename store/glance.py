"""A cheap look: is there anything to handle, to send or to settle?"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import table_of
from store.tables import InboxRow, OutboxRow, TimerRow

_outbox, _inbox, _timer = table_of(OutboxRow), table_of(InboxRow), table_of(TimerRow)


@dataclass(frozen=True, slots=True)
class Glance:
    """Whether there are inputs, messages due, and some on their way or in doubt."""

    inputs: bool
    due: bool
    unsettled: bool


_GLANCE = sa.select(
    sa.or_(
        sa.exists().where(_inbox.c.seq >= 0),
        sa.exists().where(_timer.c.due_at <= sa.bindparam("now")),
    ),
    sa.exists().where(
        _outbox.c.status == sa.literal_column("'pending'"), _outbox.c.due_at <= sa.bindparam("now")
    ),
    sa.or_(
        sa.exists().where(_outbox.c.status == sa.literal_column("'sending'")),
        sa.exists().where(_outbox.c.status == sa.literal_column("'in_doubt'")),
    ),
)


def glance(conn: Connection, *, now: datetime) -> Glance:
    """Return what there is to do, in one statement: for whoever asks at every moment."""
    return Glance(*map(bool, conn.execute(_GLANCE, {"now": now}).one()))
