"""What is going on: runs, asks, tasks, messages, timers."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import table_of
from store.listings.pages import FIRST, Dicts, Page, actor_key, between, equal, listed, one, read
from store.tables import AskRow, OutboxRow, RunRow, TaskRow, TimerRow

_run, _ask, _task = table_of(RunRow), table_of(AskRow), table_of(TaskRow)
_outbox, _timer = table_of(OutboxRow), table_of(TimerRow)


def runs(
    conn: Connection,
    *,
    contact: str = "",
    workflow: str = "",
    status: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    page: Page = FIRST,
) -> Dicts:
    """Return runs, those that started last first."""
    found = equal(listed(_run), _run, actor=actor_key(contact), workflow=workflow, status=status)
    found = between(found, _run.c.started_at, since, until)
    return read(conn, found.order_by(_run.c.started_at.desc(), _run.c.id), page)


def run(conn: Connection, id: str) -> dict[str, Any] | None:  # noqa: A002
    """Return one run with its document."""
    return one(conn, _run, id=id)


def asks(
    conn: Connection,
    *,
    contact: str = "",
    kind: str = "",
    status: str = "",
    page: Page = FIRST,
) -> Dicts:
    """Return asks: those not opened yet first, then those that opened last."""
    found = equal(listed(_ask), _ask, actor=actor_key(contact), kind=kind, status=status)
    newest = (_ask.c.opened_at.desc().nulls_first(), _ask.c.key)
    return read(conn, found.order_by(*newest), page)


def ask(conn: Connection, key: str) -> dict[str, Any] | None:
    """Return one ask with its document."""
    return one(conn, _ask, key=key)


def tasks(
    conn: Connection,
    *,
    contact: str = "",
    assignee: str = "",
    status: str = "",
    overdue_at: datetime | None = None,
    page: Page = FIRST,
) -> Dicts:
    """Return tasks, due first first; with `overdue_at` those open and late at that instant."""
    found = equal(listed(_task), _task, actor=actor_key(contact), assignee=assignee, status=status)
    if overdue_at is not None:
        found = found.where(_task.c.status == "open", _task.c.due_at < overdue_at)
    return read(conn, found.order_by(_task.c.due_at, _task.c.key), page)


def task(conn: Connection, key: str) -> dict[str, Any] | None:
    """Return one task with its document."""
    return one(conn, _task, key=key)


def outbox(
    conn: Connection,
    *,
    to: str = "",
    status: str = "",
    template: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    page: Page = FIRST,
) -> Dicts:
    """Return messages, planned last first; `to` is a contact's id, or `staff/ID`."""
    found = equal(listed(_outbox), _outbox, to=actor_key(to), status=status, template=template)
    found = between(found, _outbox.c.planned_at, since, until)
    return read(conn, found.order_by(_outbox.c.planned_at.desc(), _outbox.c.key), page)


def message(conn: Connection, key: str) -> dict[str, Any] | None:
    """Return one message with its document."""
    return one(conn, _outbox, key=key)


def message_counts(conn: Connection) -> Dicts:
    """Return how many messages there are by class, template, status and reason."""
    by = [_outbox.c[name] for name in ("class", "template", "status", "reason")]
    found = sa.select(*by, sa.func.count().label("count")).group_by(*by).order_by(*by)
    return read(conn, found, Page(limit=1_000))


def timers(conn: Connection, *, contact: str = "", page: Page = FIRST) -> Dicts:
    """Return timers, due first first."""
    found = equal(listed(_timer), _timer, actor=actor_key(contact))
    return read(conn, found.order_by(_timer.c.due_at, _timer.c.key), page)
