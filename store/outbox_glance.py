"""A cheap look at the outbox: is there anything to send or to settle?"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import table_of
from store.tables import OutboxRow

_outbox = table_of(OutboxRow)


@dataclass(frozen=True, slots=True)
class Glance:
    """Whether messages are due, and whether some are on their way or in doubt."""

    due: bool
    unsettled: bool


_GLANCE = sa.select(
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
    due, unsettled = conn.execute(_GLANCE, {"now": now}).one()
    return Glance(bool(due), bool(unsettled))
