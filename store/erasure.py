"""Empty what is kept of a contact who was erased: row by row, in batches that hold nobody up.

Scores, amounts, instants, keys and reasons stay; names, addresses and words go. What the book
says is not touched: it knows ids alone. An order remembers how far it has come, so that a
process that dies goes on where it was.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ALL_SLICES, insert, table_of
from store.tables import (
    AskRow,
    DeadRow,
    DecisionRow,
    ErasureRow,
    EventRow,
    OutboxRow,
    RunRow,
    SuppressionRow,
    TaskRow,
)
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
_run, _ask, _task, _dead = (table_of(row) for row in (RunRow, AskRow, TaskRow, DeadRow))

_WORDS_KEPT = frozenset({
    "answer", "as", "ask", "band", "benefit", "bucket", "by", "channel", "class", "deal",
    "due", "endpoint", "entry", "event", "field", "from_tier", "into", "kind", "lead",
    "locale", "message", "moment", "outcome", "per", "planned", "previous_band", "reason",
    "referral", "response", "side", "stage", "status", "step", "target", "task", "template",
    "tier", "timer", "to", "to_tier", "topic", "touch", "type", "via", "workflow",
})  # fmt: skip
"""Texts that name nobody; all others go."""
_LEAD_KEPT = frozenset({"id"})


def is_open(conn: Connection) -> bool:
    """Tell whether anybody is to be erased still."""
    return conn.execute(_OPEN).first() is not None


def _mine() -> sa.ColumnElement[bool]:
    return sa.and_(_erasure.c.slice.in_(ALL_SLICES), _erasure.c.done_at.is_(None))


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


def _runs_about(conn: Connection, actor: str, about: str) -> list[str]:
    """Return the runs of an actor that somebody it recommended is the subject of."""
    if not about:
        return []
    mine = sa.select(_run.c.id, _run.c.doc).where(
        _run.c.slice == slice_of(actor), _run.c.actor == actor
    )
    return [row.id for row in conn.execute(mine) if row.doc["trigger"].get("lead") == about]


def _events(conn: Connection, actor: str, after: str, about: str) -> str:
    contact = actor.partition("/")[2]
    wanted = (
        sa.select(_event.c.seq, _event.c.slice, _event.c.doc)
        .where(_event.c.contact == contact, _event.c.seq > int(after or 0))
        .order_by(_event.c.seq).limit(ROWS_MAX)
    )  # fmt: skip
    rows = list(conn.execute(wanted))
    for seq, slice_, doc in rows:
        if not _names(doc, about):
            continue
        where = (_event.c.slice == slice_, _event.c.seq == seq)
        conn.execute(_event.update().where(*where).values(doc=_event_without(doc)))
    return _next(rows)


def _event_without(doc: Doc) -> Doc:
    kept = {name: doc[name] for name in _EVENT_KEPT if name in doc}
    return {**kept, "data": _without(doc.get("data", {})), "erased": True}


_EVENT_KEPT = ("id", "source", "type", "time", "contact", "account", "lead", "natural_key")


def _without(data: Mapping[str, Any]) -> Doc:
    """Return a fact's or event's own fields, without words that may name somebody."""
    found: Doc = {}
    for name, value in data.items():
        if (
            isinstance(value, (bool, int))
            or value is None
            or (isinstance(value, str) and name in _WORDS_KEPT)
        ):
            found[name] = value
        elif isinstance(value, dict):
            found[name] = (
                {n: v for n, v in value.items() if n in _LEAD_KEPT}
                if name == "lead"
                else _without(value)
            )
    return found


def _decisions(conn: Connection, actor: str, after: str, about: str) -> str:
    wanted = (
        sa.select(_decision.c.seq, _decision.c.cause, _decision.c.doc)
        .where(_decision.c.slice == slice_of(actor), _decision.c.actor == actor,
               _decision.c.seq > int(after or 0))
        .order_by(_decision.c.seq).limit(ROWS_MAX)
    )  # fmt: skip
    rows = list(conn.execute(wanted))
    marks = _runs_about(conn, actor, about)
    for seq, cause, doc in rows:
        if not _names(doc, about, *marks):
            continue
        where = (_decision.c.slice == slice_of(actor), _decision.c.seq == seq)
        conn.execute(_decision.update().where(*where).values(doc=_decision_without(doc)))
        _messages_of(conn, doc)
        if str(doc.get("type", "")).startswith(("referral.", "lead.")):
            _lead_in(conn, actor, cause)
    return _next(rows)


def _decision_without(doc: Doc) -> Doc:
    facts = [
        {**{n: v for n, v in fact.items() if n != "data"}, "data": _without(fact.get("data", {}))}
        for fact in doc.get("facts", ())
    ]
    looked = [_look_without(look) for look in doc.get("looked", ())]
    kept = {name: value for name, value in doc.items() if name in ("type", "runs")}
    return {**kept, "facts": facts, "looked": looked, "erased": True}


def _look_without(look: Any) -> Any:  # noqa: ANN401 - a row, or a mapping
    """Return who looked and why not, without the values that a condition saw."""
    if isinstance(look, list):
        return [*look[:2], [], *look[3:]] if len(look) > 2 else look  # noqa: PLR2004
    return {name: look[name] for name in _LOOK_KEPT if name in look}


_LOOK_KEPT = ("workflow", "version", "per", "refused", "operand", "started", "account", "contact",
              "did", "by", "run", "reason")  # fmt: skip


def _messages_of(conn: Connection, doc: Doc) -> None:
    """Empty what messages to colleagues, and calls, say of the contact: titles, and the like."""
    for fact in facts_of(doc):
        who = _WHERE_TO.get(str(fact.get("fact")))
        if who is None:
            continue
        to = str(fact.get("data", {}).get(who, ""))
        slices = {slice_of(f"{kind}/{to}") for kind in ("staff", "contact", "endpoint")}
        conn.execute(
            _outbox.update()
            .where(_outbox.c.slice.in_(sorted(slices)), _outbox.c.key == fact["key"],
                   # A call that waits for its next attempt is never made: its run was left.
                   sa.or_(_outbox.c.status != "pending", _outbox.c["class"] == CALL))
            .values(doc={})
        )  # fmt: skip


_WHERE_TO = {"message.queued": "to", "call.attempted": "endpoint"}
"""Which field of a fact says where it went."""


def _lead_in(conn: Connection, actor: str, cause: str) -> None:
    """Empty the event that names this contact as a lead: it is another contact's."""
    lead = actor.partition("/")[2]
    wanted = sa.select(_event.c.slice, _event.c.seq, _event.c.doc).where(
        _event.c.slice.in_(ALL_SLICES), _event.c.id == cause
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
        mine = (table.c.slice == slice_of(actor), table.c.actor == actor)
        wanted = (
            sa.select(table.c[key], table.c.doc).where(*mine, table.c[key] > start)
            .order_by(table.c[key]).limit(ROWS_MAX)
        )  # fmt: skip
        rows = list(conn.execute(wanted))
        for name, doc in rows:
            if not _names(doc, about):
                continue
            here = (table.c.slice == slice_of(actor), table.c[key] == name)
            conn.execute(table.update().where(*here).values(**empty(doc)))
        return _next(rows)

    return stage


def _run_without(doc: Doc) -> dict[str, Any]:
    trigger = {n: v for n, v in doc.get("trigger", {}).items() if n in _EVENT_KEPT}
    steps = {
        name: {n: v for n, v in step.items() if n in ("outcome", "at", "reason", "amount")}
        for name, step in doc.get("steps", {}).items()
    }
    kept = {n: doc[n] for n in ("time", "at", "number", "left", "moved_to") if n in doc}
    return {"doc": {**kept, "trigger": {**trigger, "data": {}}, "steps": steps}}


def _task_without(doc: Doc) -> dict[str, Any]:
    kept = {n: doc[n] for n in ("via", "case", "version", "flags", "reason") if n in doc}
    return {"title": "", "doc": kept}


def _messages(conn: Connection, actor: str, after: str, about: str) -> str:
    if about:
        return ""  # what it gets says of others what is true then: nothing is kept of it
    wanted = (
        sa.select(_outbox.c.key)
        .where(_outbox.c.slice == slice_of(actor), _outbox.c.to == actor, _outbox.c.key > after,
               _outbox.c.status != "pending")
        .order_by(_outbox.c.key).limit(ROWS_MAX)
    )  # fmt: skip
    rows = list(conn.execute(wanted))
    conn.execute(
        _outbox.update()
        .where(_outbox.c.slice == slice_of(actor), _outbox.c.key.in_([row.key for row in rows]))
        .values(doc={})
    )
    return _next(rows)


_EMPTY: Mapping[str, Callable[[Connection, str, str, str], str]] = {
    "event": _events,
    "decision": _decisions,
    "run": _of_actor(_run, "id", _run_without),
    "ask": _of_actor(_ask, "key", lambda _doc: {"doc": {}}),
    "task": _of_actor(_task, "key", _task_without),
    "outbox": _messages,
    "dead": _of_actor(_dead, "seq", lambda doc: {"doc": _event_without(doc)}),
}
_STAGES = tuple(_EMPTY)
