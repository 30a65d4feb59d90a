"""Empty what is older than an installation keeps, in batches that hold nobody up.

Of an event who, what, when and its numbers stay, so that one delivered again years later is
known, and reports on that time still add up; its words go. A decision goes whole, and with it
the words of what it decided: of messages that left or never will, of runs that have ended.

What is known now is not touched, however old it is: contacts, tasks, asks, consent, the book.
Neither is what proves something: words on consent, and what operators did.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ANY_SLICE, table_of
from store.outbox import Status
from store.tables import DeadRow, DecisionRow, EventRow, OutboxRow, RunRow
from store.tables_beside import RejectRow, RetentionRow, UnmappedRow
from store.wordless import emptied_event, places_named, run_without
from workflows.domain.contacts import CONSENT_EVENTS
from workflows.records import facts_of
from workflows.state import Doc

ROWS_MAX = 500
"""Rows of a table that one transaction looks at."""
PROOFS = frozenset({*CONSENT_EVENTS, "operator.did"})
"""Types of events that are kept whole: what somebody agreed to, and who did what here."""
OVER = (Status.SENT, Status.SKIPPED, Status.FAILED, Status.REPORTED)

_event, _decision, _dead = table_of(EventRow), table_of(DecisionRow), table_of(DeadRow)
_outbox, _run = table_of(OutboxRow), table_of(RunRow)
_reject, _unmapped = table_of(RejectRow), table_of(UnmappedRow)
_retention = table_of(RetentionRow)


def step(conn: Connection, *, before: datetime) -> bool:
    """Look at the oldest rows of one slice, `ROWS_MAX` of a table; False where none is left.

    What is from `before` on is left alone. A slice that somebody else is at is passed over.
    """
    beside = _forget_beside(conn, before)
    found = conn.execute(oldest(before)).one_or_none()
    if found is None:
        return beside
    reached = {
        "event_seq": _empty_events(conn, found.slice, found.event_seq, before),
        "decision_seq": _forget_decisions(conn, found.slice, found.decision_seq, before),
    }
    conn.execute(_retention.update().where(_retention.c.slice == found.slice).values(reached))
    return True


def oldest(before: datetime) -> sa.Select[Any]:
    """Return a slice with anything old, by the heads of two indexes, and how far it has come."""
    event = (
        sa.select(_event.c.arrived)
        .where(_event.c.slice == _retention.c.slice, _event.c.seq > _retention.c.event_seq)
        .order_by(_event.c.seq).limit(1).scalar_subquery()
    )  # fmt: skip
    decision = (
        sa.select(_decision.c.at)
        .where(_decision.c.slice == _retention.c.slice,
               _decision.c.seq > _retention.c.decision_seq)
        .order_by(_decision.c.seq).limit(1).scalar_subquery()
    )  # fmt: skip
    return (
        sa.select(_retention)
        .where(sa.or_(event < before, decision < before))
        .order_by(_retention.c.slice).limit(1).with_for_update(skip_locked=True)
    )  # fmt: skip


def _empty_events(conn: Connection, slice_: int, after: int, before: datetime) -> int:
    """Empty the next events of a slice; return the number of the last one looked at."""
    wanted = (
        sa.select(_event.c.seq, _event.c.type, _event.c.arrived, _event.c.doc)
        .where(_event.c.slice == slice_, _event.c.seq > after)
        .order_by(_event.c.seq).limit(ROWS_MAX)
    )  # fmt: skip
    old = list(takewhile(lambda row: row.arrived < before, conn.execute(wanted).all()))
    rows = [
        {"which": row.seq, "kept": emptied_event(row.doc)}
        for row in old
        if row.type not in PROOFS and "erased" not in row.doc
    ]
    if rows:
        one = (_event.c.slice == slice_, _event.c.seq == sa.bindparam("which"))
        conn.execute(_event.update().where(*one).values(doc=sa.bindparam("kept")), rows)
    return int(old[-1].seq) if old else after


def _forget_decisions(conn: Connection, slice_: int, after: int, before: datetime) -> int:
    """Delete the next decisions of a slice; return the number of the last one looked at.

    With them go the words of what they decided and is over. Where a message still waits, its
    decision stays with it: an erasure has to find what it says of whom.
    """
    wanted = (
        sa.select(_decision.c.seq, _decision.c.at, _decision.c.doc)
        .where(_decision.c.slice == slice_, _decision.c.seq > after)
        .order_by(_decision.c.seq).limit(ROWS_MAX)
    )  # fmt: skip
    old = list(takewhile(lambda row: row.at < before, conn.execute(wanted).all()))
    if not old:
        return after
    waiting = _empty_messages(conn, [row.doc for row in old])
    over = [row for row in old if waiting.isdisjoint(places_named([row.doc]))]
    _empty_runs(conn, [row.doc for row in over])
    gone = (_decision.c.slice == slice_, _decision.c.seq.in_([row.seq for row in over]))
    conn.execute(_decision.delete().where(*gone))
    return int(old[-1].seq)


def _empty_messages(conn: Connection, docs: Sequence[Doc]) -> set[tuple[int, str]]:
    """Empty the messages that left or never will; return the places of those that wait."""
    waiting: set[tuple[int, str]] = set()
    places = sorted(places_named(docs))
    place = sa.tuple_(_outbox.c.slice, _outbox.c.key)
    for start in range(0, len(places), ROWS_MAX):
        some = place.in_(places[start : start + ROWS_MAX])
        is_over = _outbox.c.status.in_(OVER)
        conn.execute(_outbox.update().where(some, is_over).values(doc={}))
        left = conn.execute(sa.select(_outbox.c.slice, _outbox.c.key).where(some, ~is_over))
        waiting |= {(row.slice, row.key) for row in left}
    return waiting


def _empty_runs(conn: Connection, docs: Sequence[Doc]) -> None:
    """Empty the runs that ended: also the rows they left where they were before a merge."""
    ended = {
        str(fact["key"]) for doc in docs for fact in facts_of(doc) if fact["fact"] == "run.ended"
    }
    if not ended:
        return
    over = (_run.c.slice.in_(ANY_SLICE), _run.c.id.in_(sorted(ended)), _run.c.status != "live")
    # Locked, so that one which an operator retries just now keeps what it goes on with.
    wanted = sa.select(_run.c.slice, _run.c.id, _run.c.doc).where(*over)
    found = conn.execute(wanted.order_by(_run.c.slice, _run.c.id).with_for_update()).all()
    rows = [
        {"at": row.slice, "which": row.id, "kept": {**run_without(row.doc)["doc"], "emptied": True}}
        for row in found
    ]
    if rows:
        one = (_run.c.slice == sa.bindparam("at"), _run.c.id == sa.bindparam("which"))
        conn.execute(_run.update().where(*one).values(doc=sa.bindparam("kept")), rows)


def _forget_beside(conn: Connection, before: datetime) -> bool:
    """Delete the oldest of what is beside the slices: refusals, what nothing mapped, letters.

    A dead letter goes when somebody has replayed or dropped it, never before.
    """
    full = False
    for table, over in (
        (_reject, ()),
        (_unmapped, ()),
        (_dead, (_dead.c.status != "dead", _dead.c.slice.in_(ANY_SLICE))),
    ):
        old = sa.select(table.c.seq).where(table.c.at < before, *over).order_by(table.c.at)
        seqs = list(conn.scalars(old.limit(ROWS_MAX)))
        if seqs:
            conn.execute(table.delete().where(table.c.seq.in_(seqs), *over))
        full = full or len(seqs) == ROWS_MAX
    return full
