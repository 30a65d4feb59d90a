"""The keys of all that was decided, to be counted against an oracle."""

import sqlalchemy as sa

from store.dialect import table_of
from store.tables import AskRow, LedgerRow, OutboxRow, RunRow, TaskRow, TimerRow

_KEYS = {
    "run": table_of(RunRow).c.id,
    "ask": table_of(AskRow).c.key,
    "task": table_of(TaskRow).c.key,
    "timer": table_of(TimerRow).c.key,
    "outbox": table_of(OutboxRow).c.key,
    "ledger": table_of(LedgerRow).c.key,
}
_outbox = table_of(OutboxRow)


def keys(conn: sa.Connection) -> dict[str, set[str]]:
    """Return every key of every table that holds effects, unbounded."""
    return {name: set(conn.scalars(sa.select(column))) for name, column in _KEYS.items()}


def outbox_statuses(conn: sa.Connection) -> dict[str, str]:
    """Return every message's status by its key."""
    return {row.key: row.status for row in conn.execute(sa.select(_outbox.c.key, _outbox.c.status))}
