"""Who was erased and came back: what was begun since then is theirs, and is left alone.

An order of erasure is carried out in batches. What has a number in the inbox ends before the
event by which they came back; of runs, asks, tasks and messages their decisions tell.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import table_of
from store.tables import ActorRow, DecisionRow, EventRow
from workflows.records import facts_of
from workflows.state import slice_of

_actor, _event, _decision = table_of(ActorRow), table_of(EventRow), table_of(DecisionRow)
_BEGINS = frozenset({"run.started", "ask.opened", "task.opened", "message.queued"})
"""Facts that tell what was begun, by its key."""


def before_return(
    conn: Connection, actor: str, about: Sequence[str], seq: sa.ColumnElement[int]
) -> list[sa.ColumnElement[bool]]:
    """Return what leaves out rows from since somebody came back, while they are still emptied."""
    since = _returned(conn, actor, about)
    return [] if since is None else [seq < since]


def _returned(conn: Connection, actor: str, about: Sequence[str]) -> int | None:
    """Return the number of the event by which somebody came back; None where nobody did."""
    named = (_actor.c.slice == slice_of(actor), _actor.c.key == actor)
    doc = None if about else conn.scalar(sa.select(_actor.c.doc).where(*named))
    returned = (doc or {}).get("returned")
    if returned is None:
        return None
    contact = actor.partition("/")[2]
    since = sa.select(sa.func.max(_event.c.seq)).where(
        _event.c.contact == contact, _event.c.id == returned
    )
    return conn.scalar(since) or 0


def begun_since(conn: Connection, actor: str, about: Sequence[str]) -> frozenset[str]:
    """Return what somebody who came back began since: runs, asks, tasks and messages, by key.

    Their decisions tell, so what lives and what has ended meanwhile are alike, and what was
    there before is emptied however it ended.
    """
    since = _returned(conn, actor, about)
    if since is None:
        return frozenset()
    wanted = sa.select(_decision.c.doc).where(
        _decision.c.slice == slice_of(actor), _decision.c.actor == actor, _decision.c.seq >= since
    )
    return frozenset(
        str(fact["key"])
        for doc in conn.scalars(wanted)
        for fact in facts_of(doc)
        if fact.get("fact") in _BEGINS
    )
