"""Rows for tests of the store: everything a table needs, where only a few fields matter."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from store.dialect import table_of
from store.tables import (
    ActorRow,
    AskRow,
    DeadRow,
    DecisionRow,
    EventRow,
    InboxRow,
    LedgerRow,
    OutboxRow,
    RunRow,
    TaskRow,
    TimerRow,
)
from workflows.state import slice_of

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
LEASE = timedelta(minutes=5)
ANNA = "contact/c-anna"
BRAM = "contact/c-bram"
ACME = "account/acme"

_DEFAULTS: Mapping[type[SQLModel], Mapping[str, Any]] = {
    ActorRow: {"email": "", "phone": "", "account": "", "doc": {}},
    EventRow: {"source": "crm", "natural_key": "", "contact": "", "time": NOW, "doc": {}},
    InboxRow: {"doc": {}},
    TimerRow: {"name": "rest", "kind": "wait", "run": "", "subject": ""},
    RunRow: {
        "workflow": "nps_route",
        "version": "v1",
        "per": "contact",
        "status": "live",
        "started_at": NOW,
        "ended_at": None,
        "ended_as": "",
        "doc": {},
    },
    AskRow: {
        "run": "run-1",
        "workflow": "referral_ask",
        "step": "ask",
        "kind": "referral",
        "status": "open",
        "opened_at": NOW,
        "closed_at": None,
        "touches": 1,
        "reason": "",
        "cooling_until": None,
        "doc": {},
    },
    TaskRow: {
        "run": "run-1",
        "workflow": "detractor",
        "step": "call",
        "assignee": "u-ben",
        "role": "owner",
        "title": "Call Anna",
        "status": "open",
        "opened_at": NOW,
        "due_at": NOW + timedelta(days=1),
        "overdue_at": None,
        "accepted_at": None,
        "closed_at": None,
        "doc": {},
    },
    OutboxRow: {
        "account": "",
        "run": "",
        "ask": "",
        "workflow": "nps_route",
        "step": "1",
        "template": "nps_thanks",
        "class": "value",
        "by": ["email"],
        "before": None,
        "once": False,
        "uncapped": False,
        "awaited": False,
        "status": "pending",
        "planned_at": NOW,
        "due_at": NOW,
        "attempts": 0,
        "token": "",
        "leased_until": None,
        "channel": "",
        "locale": "",
        "message_id": "",
        "reason": "",
        "recorded_at": None,
        "doc": {},
    },
    LedgerRow: {
        "bucket": "pending",
        "reason": "deal-1/referrer",
        "benefit": "",
        "object": "deal-1",
        "side": "referrer",
        "at": NOW,
        "cause": "e-1",
        "rule": "reward",
    },
    DecisionRow: {"at": NOW, "cause": "e-1", "doc": {}},
    DeadRow: {
        "at": NOW,
        "kind": "event",
        "type": "nps.answered",
        "error": "ZeroDivisionError",
        "tries": 1,
        "status": "dead",
        "doc": {},
    },
}


def put(conn: sa.Connection, row: type[SQLModel], *given: Mapping[str, Any]) -> None:
    """Insert rows, each in the slice of its actor unless it says otherwise."""
    rows = [{**_DEFAULTS.get(row, {}), **each} for each in given]
    table = table_of(row)
    if "slice" in table.c:
        rows = [{"slice": _slice(row, each), **each} for each in rows]
    conn.execute(sa.insert(table), rows)


def _slice(row: type[SQLModel], values: Mapping[str, Any]) -> int:
    name = {OutboxRow: "to", ActorRow: "key", LedgerRow: "account", EventRow: "contact"}
    return slice_of(values[name.get(row, "actor")])


def put_contacts(conn: sa.Connection, *keys: str, account: str = "") -> None:
    """Insert actors whose state is only their name."""
    put(conn, ActorRow, *({"key": key, "account": account, "doc": {"name": key}} for key in keys))


def put_messages(conn: sa.Connection, keys: Sequence[str], **values: Any) -> None:
    """Insert messages to Anna that are alike but for their keys."""
    to = values.pop("to", ANNA)
    given = {"actor": to, "to": to, "doc": {"touch": 1}, **values}
    put(conn, OutboxRow, *({"key": key, **given} for key in keys))


def column(conn: sa.Connection, row: type[SQLModel], name: str, **where: Any) -> list[Any]:
    """Return one column of the rows that have these values, in order of slice and key."""
    table = table_of(row)
    found = sa.select(table.c[name]).where(*(table.c[key] == it for key, it in where.items()))
    return list(conn.scalars(found.order_by(*table.primary_key)))


def update(
    conn: sa.Connection, row: type[SQLModel], values: Mapping[str, Any], **where: Any
) -> None:
    """Give the rows that have these values others."""
    table = table_of(row)
    conn.execute(
        table.update().where(*(table.c[k] == it for k, it in where.items())).values(values)
    )


@contextmanager
def counted(conn: sa.Connection) -> Iterator[list[str]]:
    """Give the list of statements that this connection executes in the block."""
    seen: list[str] = []

    def note(*args: Any) -> None:
        seen.append(args[2])

    sa.event.listen(conn, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(conn, "before_cursor_execute", note)
