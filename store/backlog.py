"""How much waits to be handled."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import table_of
from store.tables import InboxRow

_inbox = table_of(InboxRow)


def inbox_length(conn: Connection, *, at_most: int) -> int:
    """Return how many inbox rows wait, counting no further than `at_most` + 1.

    The bound keeps the question cheap when it matters most: when the inbox is long.
    """
    rows = sa.select(sa.literal(1)).select_from(_inbox).limit(at_most + 1).subquery()
    return conn.execute(sa.select(sa.func.count()).select_from(rows)).scalar_one()
