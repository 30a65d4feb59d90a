"""What is going on: runs, asks, tasks, messages, timers."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ANY_SLICE, json_text, table_of
from store.listings.pages import (
    FIRST,
    PAGE_MAX,
    Dicts,
    Page,
    actor_key,
    between,
    equal,
    in_order,
    listed,
    of_actor,
    one,
    read,
)
from store.tables import AskRow, OutboxRow, RunRow, TaskRow, TimerRow
from workflows.state import MOVED

_run, _ask, _task = table_of(RunRow), table_of(AskRow), table_of(TaskRow)
_outbox, _timer = table_of(OutboxRow), table_of(TimerRow)


def runs(
    conn: Connection,
    *,
    contact: str = "",
    status: str = "",
    step: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
    page: Page = FIRST,
    **exact: str,
) -> Dicts:
    """Return runs, those that started last first.

    A paused run is live, and its status here is `paused`; `step` is where a live one stands;
    `exact` is what columns hold: `workflow`, `version`, `ended_as`.
    """
    paused = json_text(conn, _run.c.doc, "paused", "at")
    at = step_of(conn)
    shown = sa.case((paused.is_not(None), "paused"), else_=_run.c.status)
    plain = [each for each in _run.c if each.name not in {"doc", "status"}]
    found: sa.Select[Any] = sa.select(*plain, shown.label("status"), at.label("step"))
    found = found.where(_run.c.slice.in_(ANY_SLICE), _run.c.status != MOVED)
    stored = "live" if status == "paused" else status
    found = equal(found, _run, actor=actor_key(contact), status=stored, **exact)
    if stored == "live":
        found = found.where(paused.is_not(None) if status == "paused" else paused.is_(None))
    if step:
        found = found.where(_run.c.status == "live", at == step)
    found = between(found, _run.c.started_at, since, until)
    return read(conn, in_order(found, _run.c.id, after, _run.c.started_at.desc()), page)


def ways(conn: Connection, *, page: Page = FIRST) -> Dicts:
    """Return the way that each run went: `workflow status ended_as doc`, in order of their ids."""
    columns = [_run.c.workflow, _run.c.status, _run.c.ended_as, _run.c.doc]
    found = sa.select(*columns).where(_run.c.slice.in_(ANY_SLICE))
    return read(conn, found.order_by(_run.c.id), page)


def step_of(conn: Connection) -> sa.ColumnElement[str]:
    """Return the step that a run stands in; of a paused one whose step is over, that one."""
    noted = json_text(conn, _run.c.doc, "paused", "outcome", "step")
    return sa.func.coalesce(noted, json_text(conn, _run.c.doc, "at"))


def versions(conn: Connection, ids: Collection[str]) -> dict[str, str]:
    """Return the version that each of these runs has, by its id."""
    found: dict[str, str] = {}
    names = sorted(ids)
    for start in range(0, len(names), PAGE_MAX):
        some = sa.select(_run.c.id, _run.c.version).where(
            _run.c.slice.in_(ANY_SLICE), _run.c.id.in_(names[start : start + PAGE_MAX])
        )
        found.update((row.id, row.version) for row in conn.execute(some))
    return found


def in_flight(conn: Connection) -> Dicts:
    """Return how many live runs stand where: `workflow version step count`."""
    by = [_run.c.workflow, _run.c.version, step_of(conn).label("step")]
    found = sa.select(*by, sa.func.count().label("count")).where(
        _run.c.slice.in_(ANY_SLICE), _run.c.status == "live"
    )
    return _all(conn, found.group_by(*by).order_by("workflow", "version", "step"))


def endings(conn: Connection, workflow: str) -> Dicts:
    """Return how many runs of a workflow ended as what: `ended_as count`."""
    found = sa.select(_run.c.ended_as, sa.func.count().label("count")).where(
        _run.c.slice.in_(ANY_SLICE), _run.c.workflow == workflow, _run.c.status == "ended"
    )
    return _all(conn, found.group_by(_run.c.ended_as).order_by(_run.c.ended_as))


def planned(conn: Connection) -> Dicts:
    """Return how many messages wait: `workflow template class count first last`."""
    by = [_outbox.c.workflow, _outbox.c.template, _outbox.c["class"]]
    when = [sa.func.min(_outbox.c.planned_at).label("first"),
            sa.func.max(_outbox.c.planned_at).label("last")]  # fmt: skip
    found = sa.select(*by, sa.func.count().label("count"), *when).where(
        _outbox.c.slice.in_(ANY_SLICE), _outbox.c.status == "pending"
    )
    return _all(conn, found.group_by(*by).order_by(*by))


def _all(conn: Connection, found: sa.Select[Any]) -> Dicts:
    """Return counts by names of a programme: as many rows as it has names, and no more."""
    return [dict(row) for row in conn.execute(found).mappings()]


def run(conn: Connection, id: str) -> dict[str, Any] | None:  # noqa: A002
    """Return one run with its document; a paused one says so, as in the list."""
    row = one(conn, _run, id=id)
    if row is not None and row["status"] == "live" and "paused" in row["doc"]:
        row["status"] = "paused"
    return row


def asks(
    conn: Connection,
    *,
    contact: str = "",
    kind: str = "",
    status: str = "",
    workflow: str = "",
    before: datetime | None = None,
    after: str | None = None,
    page: Page = FIRST,
) -> Dicts:
    """Return asks: those not opened yet first, then those that opened last."""
    found = equal(listed(_ask), _ask, actor=actor_key(contact), kind=kind, status=status,
                  workflow=workflow)  # fmt: skip
    found = between(found, _ask.c.opened_at, None, before)
    return read(
        conn, in_order(found, _ask.c.key, after, _ask.c.opened_at.desc().nulls_first()), page
    )


def ask(conn: Connection, key: str) -> dict[str, Any] | None:
    """Return one ask with its document."""
    return one(conn, _ask, key=key)


def tasks(
    conn: Connection,
    *,
    contact: str = "",
    assignee: str = "",
    status: str = "",
    workflow: str = "",
    overdue_at: datetime | None = None,
    before: datetime | None = None,
    after: str | None = None,
    page: Page = FIRST,
) -> Dicts:
    """Return tasks, due first first; with `overdue_at` those open and late at that instant."""
    found = equal(listed(_task), _task, assignee=assignee, status=status, workflow=workflow)
    found = of_actor(found, _task.c.actor, contact)
    found = between(found, _task.c.opened_at, None, before)
    if overdue_at is not None:
        found = found.where(_task.c.status == "open", _task.c.due_at < overdue_at)
    return read(conn, in_order(found, _task.c.key, after, _task.c.due_at), page)


def board(conn: Connection, *, assignee: str = "", page: Page = FIRST) -> Dicts:
    """Return open tasks with their documents: first what nobody has, then due first first."""
    found = equal(listed(_task, *_task.c.keys()), _task, assignee=assignee)
    found = found.where(_task.c.status == sa.literal_column("'open'"))
    return read(conn, found.order_by(_task.c.assignee != "", _task.c.due_at, _task.c.key), page)


def task(conn: Connection, key: str) -> dict[str, Any] | None:
    """Return one task with its document."""
    return one(conn, _task, key=key)


def outbox(
    conn: Connection,
    *,
    to: str = "",
    status: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
    page: Page = FIRST,
    **exact: str,
) -> Dicts:
    """Return messages, planned last first; `to` is a contact's id, or `staff/ID`.

    `exact` is what columns hold: `template`, `workflow`, `run`.
    """
    found = equal(listed(_outbox), _outbox, to=actor_key(to), status=status, **exact)
    found = between(found, _outbox.c.planned_at, since, until)
    return read(conn, in_order(found, _outbox.c.key, after, _outbox.c.planned_at.desc()), page)


def message(conn: Connection, key: str) -> dict[str, Any] | None:
    """Return one message with its document."""
    return one(conn, _outbox, key=key)


def timers(conn: Connection, *, contact: str = "", page: Page = FIRST) -> Dicts:
    """Return timers, due first first."""
    found = equal(listed(_timer), _timer, actor=actor_key(contact))
    return read(conn, found.order_by(_timer.c.due_at, _timer.c.key), page)
