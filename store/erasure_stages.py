"""The stages in which what is kept of an erased contact is emptied: a table after the other."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ANY_SLICE, table_of
from store.erasure_return import before_return, begun_since
from store.tables import (
    ActorRow,
    AskRow,
    DeadRow,
    DecisionRow,
    EventRow,
    OutboxRow,
    RunRow,
    TaskRow,
)
from store.wordless import (
    decision_without,
    event_without,
    places_named,
    run_without,
    task_without,
    untitled,
)
from workflows.adopted import ADOPTED
from workflows.state import Doc, slice_of
from workflows.steps.calling import CLASS as CALL

PLACES_MAX = 500
"""Messages that one statement looks up."""
Names: TypeAlias = Sequence[str]
"""The ids of somebody whom a row must name to be emptied; none where every row is."""
Came: TypeAlias = tuple[int, str]
"""How many rows were looked at, and where the next begin."""

_event, _decision, _outbox = table_of(EventRow), table_of(DecisionRow), table_of(OutboxRow)
_actor = table_of(ActorRow)
_run, _ask, _task, _dead = (table_of(row) for row in (RunRow, AskRow, TaskRow, DeadRow))

_LIVE = ("live", "pending", "open")
"""Statuses of runs, asks and tasks that go on. A wish to be forgotten ends all there are, so
those that live were begun since, by somebody who came back."""


def _came(rows: Sequence[Any], limit: int) -> Came:
    """Return how many rows that were, and where the next begin: '' where these were the last."""
    return len(rows), str(rows[-1][0]) if len(rows) == limit else ""


def _names(doc: Doc, about: Names, *marks: str) -> bool:
    """Tell whether a row is to be emptied: all are, or those that name somebody, or their run."""
    if not about:
        return True
    text = orjson.dumps(doc).decode()
    return any(f'"{mark}' in text for mark in (*about, *marks))


def _marks_of(conn: Connection, actor: str, about: Names) -> list[str]:
    """Return what else tells of whom an actor recommended, or was by: referrals, their runs."""
    if not about:
        return []
    doc = conn.scalar(
        sa.select(_actor.c.doc).where(_actor.c.slice == slice_of(actor), _actor.c.key == actor)
    )
    known = (doc or {}).get("referrals", {})
    referrals = [id_ for id_, each in known.items() if each["lead"].get("id") in about]
    earned = (doc or {}).get("referred", {}).get("earned", {})
    referrals += [id_ for id_, referrer in earned.items() if referrer in about]
    return referrals + _runs_about(conn, actor, about)


def _runs_about(conn: Connection, actor: str, about: Names) -> list[str]:
    mine = sa.select(_run.c.id, _run.c.doc).where(
        _run.c.slice == slice_of(actor), _run.c.actor == actor
    )
    return [row.id for row in conn.execute(mine) if row.doc["trigger"].get("lead") in about]


def _events(conn: Connection, actor: str, after: str, about: Names, limit: int) -> Came:
    contact = actor.partition("/")[2]
    wanted = (
        sa.select(_event.c.seq, _event.c.slice, _event.c.doc)
        .where(_event.c.contact == contact, _event.c.seq > int(after or 0),
               *before_return(conn, actor, about, _event.c.seq))
        .order_by(_event.c.seq).limit(limit)
    )  # fmt: skip
    rows = list(conn.execute(wanted))
    for seq, slice_, doc in rows:
        if not _names(doc, about):
            continue
        where = (_event.c.slice == slice_, _event.c.seq == seq)
        conn.execute(_event.update().where(*where).values(doc=event_without(doc)))
    return _came(rows, limit)


def _decisions(conn: Connection, actor: str, after: str, about: Names, limit: int) -> Came:
    wanted = (
        sa.select(_decision.c.seq, _decision.c.cause, _decision.c.doc)
        .where(_decision.c.slice == slice_of(actor), _decision.c.actor == actor,
               _decision.c.seq > int(after or 0),
               *before_return(conn, actor, about, _decision.c.seq))
        .order_by(_decision.c.seq).limit(limit)
    )  # fmt: skip
    rows = list(conn.execute(wanted))
    marks = _marks_of(conn, actor, about)
    naming = [row for row in rows if _names(row.doc, about, *marks)]
    for seq, _, doc in naming:
        where = (_decision.c.slice == slice_of(actor), _decision.c.seq == seq)
        conn.execute(_decision.update().where(*where).values(doc=decision_without(doc)))
    _messages_of(conn, [row.doc for row in naming])
    _lead_in(conn, actor, [row.cause for row in naming if _is_of_lead(row.doc)])
    return _came(rows, limit)


def _is_of_lead(doc: Doc) -> bool:
    return str(doc.get("type", "")).startswith(("referral.", "lead."))


def _messages_of(conn: Connection, docs: Sequence[Doc]) -> None:
    """Empty what messages to colleagues, and calls, say of the contact: titles, and the like.

    Those of a run that lives are left: somebody came back since, or a merge brought the run to
    a record that stays, and they are about to leave. Of a task that went on at the lead it is
    about colleagues still hear, by the title that it has there.
    """
    place = sa.tuple_(_outbox.c.slice, _outbox.c.key)
    names = ("slice", "key", "actor", "run", "status", "class", "doc")
    columns = [_outbox.c[name] for name in names]
    ordered = sorted(places_named(docs))
    for start in range(0, len(ordered), PLACES_MAX):
        wanted = sa.select(*columns).where(place.in_(ordered[start : start + PLACES_MAX]))
        rows = list(conn.execute(wanted))
        live = _living(conn, {row.run for row in rows})
        titles = _titles(conn, rows)
        for slice_, key, actor, run, status, class_, doc in rows:
            if live.get(run) in ("", actor):
                continue
            # A call that waits for its next attempt is never made: its run was left.
            waits = status == "pending" and class_ != CALL
            here = (_outbox.c.slice == slice_, _outbox.c.key == key)
            kept = untitled(doc, titles.get(_task_of(doc), "")) if waits else {}
            conn.execute(_outbox.update().where(*here).values(doc=kept))


def _living(conn: Connection, runs: Collection[str]) -> dict[str, str]:
    """Return which of some runs go on, and at whom where they left somebody forgotten."""
    named = (_run.c.slice.in_(ANY_SLICE), _run.c.id.in_(sorted(runs)))
    wanted = sa.select(_run.c.id, _run.c.actor, _run.c.doc).where(*named, _run.c.status == "live")
    found = conn.execute(wanted)
    return {row.id: row.actor if ADOPTED in row.doc["trigger"] else "" for row in found}


def _task_of(doc: Doc) -> str:
    """Return the key of the task that a message to a colleague tells of, else ''."""
    return str((doc.get("task") or {}).get("key", ""))


def _titles(conn: Connection, rows: Sequence[sa.Row[Any]]) -> dict[str, str]:
    """Return what the tasks of these messages are called that went on at a lead."""
    keys = sorted({_task_of(row.doc) for row in rows} - {""})
    if not keys:
        return {}
    wanted = sa.select(_task.c.key, _task.c.title, _task.c.doc).where(
        _task.c.slice.in_(ANY_SLICE), _task.c.key.in_(keys), _task.c.status == "open"
    )
    return {row.key: row.title for row in conn.execute(wanted) if ADOPTED in row.doc}


def _lead_in(conn: Connection, actor: str, causes: Sequence[str]) -> None:
    """Empty the events that name this contact as a lead: they are other contacts'.

    One look for all of them: no index knows an event by its id alone.
    """
    if not causes:
        return
    lead = actor.partition("/")[2]
    wanted = sa.select(_event.c.slice, _event.c.seq, _event.c.doc).where(
        _event.c.slice.in_(ANY_SLICE), _event.c.id.in_(sorted(set(causes)))
    )
    for slice_, seq, doc in list(conn.execute(wanted)):
        said = doc.get("data", {}).get("lead")
        if isinstance(said, dict) and lead in (said.get("id"), doc.get("lead")):
            data = {**doc["data"], "lead": {"id": lead}}
            where = (_event.c.slice == slice_, _event.c.seq == seq)
            conn.execute(_event.update().where(*where).values(doc={**doc, "data": data}))


def _of_actor(table: sa.Table, key: str, empty: Callable[[Doc], dict[str, Any]]) -> Any:  # noqa: ANN401
    """Return what empties the rows of a table that are an actor's own."""

    def stage(conn: Connection, actor: str, after: str, about: Names, limit: int) -> Came:
        start = int(after or 0) if key == "seq" else after
        over = table.c.status.not_in(_LIVE)
        mine = (table.c.slice == slice_of(actor), table.c.actor == actor, over)
        since = before_return(conn, actor, about, table.c.seq) if "seq" in table.c else []
        whose = table.c.run if "run" in table.c else table.c[key]
        wanted = (
            sa.select(table.c[key], table.c.doc, whose.label("whose"))
            .where(*mine, table.c[key] > start, *since)
            .order_by(table.c[key]).limit(limit)
        )  # fmt: skip
        rows = list(conn.execute(wanted))
        begun = begun_since(conn, actor, about)
        for name, doc, run in rows:
            if {name, run} & begun or not _names(doc, about):
                continue
            here = (table.c.slice == slice_of(actor), table.c[key] == name)
            conn.execute(table.update().where(*here).values(**empty(doc)))
        return _came(rows, limit)

    return stage


def _live_runs(actor: str) -> sa.Select[Any]:
    return sa.select(_run.c.id).where(
        _run.c.slice == slice_of(actor), _run.c.actor == actor, _run.c.status.in_(_LIVE)
    )


def _messages(conn: Connection, actor: str, after: str, about: Names, limit: int) -> Came:
    if about:
        return 0, ""  # what it gets says of others what is true then: nothing is kept of it
    wanted = (
        sa.select(_outbox.c.key, _outbox.c.run)
        .where(_outbox.c.slice == slice_of(actor), _outbox.c.to == actor, _outbox.c.key > after,
               _outbox.c.status != "pending", _outbox.c.run.not_in(_live_runs(actor)))
        .order_by(_outbox.c.key).limit(limit)
    )  # fmt: skip
    rows = list(conn.execute(wanted))
    begun = begun_since(conn, actor, about)
    old = [row.key for row in rows if not {row.key, row.run} & begun]
    conn.execute(
        _outbox.update()
        .where(_outbox.c.slice == slice_of(actor), _outbox.c.key.in_(old))
        .values(doc={})
    )
    return _came(rows, limit)


def _dead_naming(conn: Connection, actor: str, after: str, about: Names, limit: int) -> Came:
    """Empty what others said of this contact as a lead, and nobody handled: it was never told."""
    if about:
        return 0, ""
    lead = actor.partition("/")[2]
    wanted = (
        sa.select(_dead.c.seq, _dead.c.slice, _dead.c.doc)
        .where(_dead.c.slice.in_(ANY_SLICE), _dead.c.kind == "event",
               _dead.c.seq > int(after or 0), *before_return(conn, actor, about, _dead.c.seq))
        .order_by(_dead.c.seq).limit(limit)
    )  # fmt: skip
    rows = list(conn.execute(wanted))
    naming = [row for row in rows if row.doc.get("lead") == lead]
    for seq, slice_, doc in naming:
        here = (_dead.c.slice == slice_, _dead.c.seq == seq)
        conn.execute(_dead.update().where(*here).values(doc=event_without(doc)))
    _lead_in(conn, actor, [row.doc["id"] for row in naming])
    return _came(rows, limit)


EMPTY: Mapping[str, Callable[[Connection, str, str, Names, int], Came]] = {
    "event": _events,
    "decision": _decisions,
    "run": _of_actor(_run, "id", run_without),
    "ask": _of_actor(_ask, "key", lambda _doc: {"doc": {}}),
    "task": _of_actor(_task, "key", task_without),
    "outbox": _messages,
    "dead": _of_actor(_dead, "seq", lambda doc: {"doc": event_without(doc)}),
    "named": _dead_naming,
}
"""What empties the rows of an actor in a table, by the stage's name, in their order.

Given where to begin, whom rows must name (nobody: all rows go) and how many to look at; gives
how many that were, and where to go on: '' where nothing is left.
"""
