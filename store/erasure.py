"""Empty what is kept of a contact who was erased: row by row, in batches that hold nobody up.

Scores, amounts, instants, keys and reasons stay; names, addresses and words go. What the book
says is not touched: it knows ids alone. An order remembers how far it has come, so that a
process that dies goes on where it was.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ANY_SLICE, insert, table_of
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
from store.tables_beside import ErasureRow, SuppressionRow
from store.wordless import decision_without, event_without, run_without, task_without, untitled
from workflows.records import facts_of
from workflows.state import Doc, slice_of
from workflows.steps.calling import CLASS as CALL

ROWS_MAX = 500
"""Rows that one transaction empties."""
Fingerprint = Callable[[str], Sequence[str]]
"""Gives the hashes of an address, one a key; the first is what is kept."""


def no_fingerprints(_address: str) -> Sequence[str]:
    """Return none: for whoever asks nothing about addresses."""
    return ()


_erasure, _suppression = table_of(ErasureRow), table_of(SuppressionRow)
_event, _decision, _outbox = table_of(EventRow), table_of(DecisionRow), table_of(OutboxRow)
_actor = table_of(ActorRow)
_run, _ask, _task, _dead = (table_of(row) for row in (RunRow, AskRow, TaskRow, DeadRow))


def is_open(conn: Connection) -> bool:
    """Tell whether anybody is to be erased still."""
    return conn.execute(_OPEN).first() is not None


def _mine() -> sa.ColumnElement[bool]:
    return sa.and_(_erasure.c.slice.in_(ANY_SLICE), _erasure.c.done_at.is_(None))


_OPEN = sa.select(_erasure.c.actor).where(_mine()).limit(1)


def step(conn: Connection, fingerprint: Fingerprint, *, now: datetime) -> bool:
    """Empty the next rows of the order that waits longest; False where none is left.

    Orders are taken under a lock that nobody waits for.
    """
    oldest = (
        sa.select(_erasure).where(_mine()).order_by(_erasure.c.at, _erasure.c.actor).limit(1)
        .with_for_update(skip_locked=True)
    )  # fmt: skip
    order = conn.execute(oldest).one_or_none()
    if order is None:
        return False
    stage = order.stage or _STAGES[0]
    if not order.stage:
        _suppress(conn, fingerprint, order)
    after = _EMPTY[stage](conn, order.actor, order.after, order.about)
    following = _STAGES[_STAGES.index(stage) + 1 :]
    said: dict[str, Any] = {"stage": stage, "after": after, "email": "", "phone": ""}
    if not after and following:
        said["stage"] = following[0]
    elif not after:
        said["done_at"] = now
    conn.execute(
        _erasure.update()
        .where(_erasure.c.slice == order.slice, _erasure.c.actor == order.actor,
               _erasure.c.at == order.at, _erasure.c.about == order.about)
        .values(**said)
    )  # fmt: skip
    return True


def erased(conn: Connection, actors: Collection[str]) -> set[str]:
    """Return which of these contacts were erased, and did not come back."""
    named = sa.tuple_(_actor.c.slice, _actor.c.key).in_([(slice_of(key), key) for key in actors])
    found = conn.execute(sa.select(_actor.c.key, _actor.c.doc).where(named))
    return {row.key for row in found if "erased_at" in row.doc}


def empty_events(conn: Connection, named: Sequence[tuple[str, str]]) -> None:
    """Empty the events of these sources and ids: what is still said of somebody erased.

    Whichever slice they are in: an event of another record of the same person stands in that
    record's.
    """
    by_source: dict[str, list[str]] = {}
    for source, id_ in named:
        by_source.setdefault(source, []).append(id_)
    for source, ids in by_source.items():
        wanted = sa.select(_event.c.slice, _event.c.seq, _event.c.doc).where(
            _event.c.slice.in_(ANY_SLICE), _event.c.source == source, _event.c.id.in_(ids)
        )
        for slice_, seq, doc in list(conn.execute(wanted)):
            where = (_event.c.slice == slice_, _event.c.seq == seq)
            conn.execute(_event.update().where(*where).values(doc=event_without(doc)))


# -- addresses -------------------------------------------------------------------------------------


def normal(address: str) -> str:
    """Return an address as it is compared: without spaces around it, in small letters."""
    return address.strip().casefold()


def _suppress(conn: Connection, fingerprint: Fingerprint, order: sa.Row[Any]) -> None:
    hashes = [fingerprint(normal(each))[0] for each in (order.email, order.phone) if each]
    if hashes:
        rows = [{"hash": each, "at": order.at} for each in hashes]
        conn.execute(insert(conn, _suppression).values(rows).on_conflict_do_nothing())


def hashes_of(address: str, fingerprint: Fingerprint) -> Sequence[str]:
    """Return by what an address may be on the list."""
    return fingerprint(normal(address)) if address else ()


def listed_since(conn: Connection, address: str, fingerprint: Fingerprint) -> datetime | None:
    """Return since when an address is not to be written to; None if it may be."""
    hashes = hashes_of(address, fingerprint)
    if not hashes:
        return None
    found = sa.select(sa.func.min(_suppression.c.at)).where(_suppression.c.hash.in_(hashes))
    since: datetime | None = conn.scalar(found)
    return since


_LIVE = ("live", "pending", "open")
"""Statuses of runs, asks and tasks that go on. A wish to be forgotten ends all there are, so
those that live were begun since, by somebody who came back."""


# -- stages ----------------------------------------------------------------------------------------


def _next(rows: Sequence[Any]) -> str:
    """Return where the next batch begins: '' where this one was the last."""
    return str(rows[-1][0]) if len(rows) == ROWS_MAX else ""


def _names(doc: Doc, about: str, *marks: str) -> bool:
    """Tell whether a row is to be emptied: all are, or those that name somebody, or their run."""
    if not about:
        return True
    text = orjson.dumps(doc).decode()
    return any(f'"{mark}' in text for mark in (about, *marks))


def _marks_of(conn: Connection, actor: str, about: str) -> list[str]:
    """Return what else tells of whom an actor recommended, or was by: referrals, their runs."""
    if not about:
        return []
    doc = conn.scalar(
        sa.select(_actor.c.doc).where(_actor.c.slice == slice_of(actor), _actor.c.key == actor)
    )
    known = (doc or {}).get("referrals", {})
    referrals = [id_ for id_, each in known.items() if each["lead"].get("id") == about]
    earned = (doc or {}).get("referred", {}).get("earned", {})
    referrals += [id_ for id_, referrer in earned.items() if referrer == about]
    return referrals + _runs_about(conn, actor, about)


def _runs_about(conn: Connection, actor: str, about: str) -> list[str]:
    mine = sa.select(_run.c.id, _run.c.doc).where(
        _run.c.slice == slice_of(actor), _run.c.actor == actor
    )
    return [row.id for row in conn.execute(mine) if row.doc["trigger"].get("lead") == about]


def _events(conn: Connection, actor: str, after: str, about: str) -> str:
    contact = actor.partition("/")[2]
    wanted = (
        sa.select(_event.c.seq, _event.c.slice, _event.c.doc)
        .where(_event.c.contact == contact, _event.c.seq > int(after or 0),
               *before_return(conn, actor, about, _event.c.seq))
        .order_by(_event.c.seq).limit(ROWS_MAX)
    )  # fmt: skip
    rows = list(conn.execute(wanted))
    for seq, slice_, doc in rows:
        if not _names(doc, about):
            continue
        where = (_event.c.slice == slice_, _event.c.seq == seq)
        conn.execute(_event.update().where(*where).values(doc=event_without(doc)))
    return _next(rows)


def _decisions(conn: Connection, actor: str, after: str, about: str) -> str:
    wanted = (
        sa.select(_decision.c.seq, _decision.c.cause, _decision.c.doc)
        .where(_decision.c.slice == slice_of(actor), _decision.c.actor == actor,
               _decision.c.seq > int(after or 0),
               *before_return(conn, actor, about, _decision.c.seq))
        .order_by(_decision.c.seq).limit(ROWS_MAX)
    )  # fmt: skip
    rows = list(conn.execute(wanted))
    marks = _marks_of(conn, actor, about)
    naming = [row for row in rows if _names(row.doc, about, *marks)]
    for seq, _, doc in naming:
        where = (_decision.c.slice == slice_of(actor), _decision.c.seq == seq)
        conn.execute(_decision.update().where(*where).values(doc=decision_without(doc)))
    _messages_of(conn, [row.doc for row in naming])
    _lead_in(conn, actor, [row.cause for row in naming if _is_of_lead(row.doc)])
    return _next(rows)


def _is_of_lead(doc: Doc) -> bool:
    return str(doc.get("type", "")).startswith(("referral.", "lead."))


def _messages_of(conn: Connection, docs: Sequence[Doc]) -> None:
    """Empty what messages to colleagues, and calls, say of the contact: titles, and the like.

    Those of a run that lives are left: somebody came back since, or a merge brought the run to
    a record that stays, and they are about to leave.
    """
    places = {
        (slice_of(f"{kind}/{fact.get('data', {}).get(who, '')}"), str(fact["key"]))
        for doc in docs for fact in facts_of(doc)
        if (who := _WHERE_TO.get(str(fact.get("fact")))) is not None
        for kind in ("staff", "contact", "endpoint")
    }  # fmt: skip
    place = sa.tuple_(_outbox.c.slice, _outbox.c.key)
    columns = [_outbox.c[name] for name in ("slice", "key", "run", "status", "class", "doc")]
    ordered = sorted(places)
    for start in range(0, len(ordered), ROWS_MAX):
        wanted = sa.select(*columns).where(place.in_(ordered[start : start + ROWS_MAX]))
        rows = list(conn.execute(wanted))
        live = _living(conn, {row.run for row in rows})
        for slice_, key, run, status, class_, doc in rows:
            if run in live:
                continue
            # A call that waits for its next attempt is never made: its run was left.
            waits = status == "pending" and class_ != CALL
            here = (_outbox.c.slice == slice_, _outbox.c.key == key)
            kept = untitled(doc) if waits else {}
            conn.execute(_outbox.update().where(*here).values(doc=kept))


def _living(conn: Connection, runs: Collection[str]) -> frozenset[str]:
    """Return which of some runs go on, whoever they belong to by now."""
    named = (_run.c.slice.in_(ANY_SLICE), _run.c.id.in_(sorted(runs)))
    found = conn.execute(sa.select(_run.c.id).where(*named, _run.c.status == "live"))
    return frozenset(row.id for row in found)


_WHERE_TO = {"message.queued": "to", "call.attempted": "endpoint"}
"""Which field of a fact says where it went."""


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

    def stage(conn: Connection, actor: str, after: str, about: str) -> str:
        start = int(after or 0) if key == "seq" else after
        over = table.c.status.not_in(_LIVE)
        mine = (table.c.slice == slice_of(actor), table.c.actor == actor, over)
        since = before_return(conn, actor, about, table.c.seq) if "seq" in table.c else []
        whose = table.c.run if "run" in table.c else table.c[key]
        wanted = (
            sa.select(table.c[key], table.c.doc, whose.label("whose"))
            .where(*mine, table.c[key] > start, *since)
            .order_by(table.c[key]).limit(ROWS_MAX)
        )  # fmt: skip
        rows = list(conn.execute(wanted))
        begun = begun_since(conn, actor, about)
        for name, doc, run in rows:
            if {name, run} & begun or not _names(doc, about):
                continue
            here = (table.c.slice == slice_of(actor), table.c[key] == name)
            conn.execute(table.update().where(*here).values(**empty(doc)))
        return _next(rows)

    return stage


def _live_runs(actor: str) -> sa.Select[Any]:
    return sa.select(_run.c.id).where(
        _run.c.slice == slice_of(actor), _run.c.actor == actor, _run.c.status.in_(_LIVE)
    )


def _messages(conn: Connection, actor: str, after: str, about: str) -> str:
    if about:
        return ""  # what it gets says of others what is true then: nothing is kept of it
    wanted = (
        sa.select(_outbox.c.key, _outbox.c.run)
        .where(_outbox.c.slice == slice_of(actor), _outbox.c.to == actor, _outbox.c.key > after,
               _outbox.c.status != "pending", _outbox.c.run.not_in(_live_runs(actor)))
        .order_by(_outbox.c.key).limit(ROWS_MAX)
    )  # fmt: skip
    rows = list(conn.execute(wanted))
    begun = begun_since(conn, actor, about)
    old = [row.key for row in rows if not {row.key, row.run} & begun]
    conn.execute(
        _outbox.update()
        .where(_outbox.c.slice == slice_of(actor), _outbox.c.key.in_(old))
        .values(doc={})
    )
    return _next(rows)


_EMPTY: Mapping[str, Callable[[Connection, str, str, str], str]] = {
    "event": _events,
    "decision": _decisions,
    "run": _of_actor(_run, "id", run_without),
    "ask": _of_actor(_ask, "key", lambda _doc: {"doc": {}}),
    "task": _of_actor(_task, "key", task_without),
    "outbox": _messages,
    "dead": _of_actor(_dead, "seq", lambda doc: {"doc": event_without(doc)}),
}
_STAGES = tuple(_EMPTY)
