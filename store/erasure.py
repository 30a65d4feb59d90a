"""Empty what is kept of a contact who was erased: row by row, in batches that hold nobody up.

Scores, amounts, instants, keys and reasons stay; names, addresses and words go. What the book
says is not touched: it knows ids alone. An order remembers how far it has come, so that a
process that dies goes on where it was.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store import unmapped
from store.contacts import get
from store.dialect import ANY_SLICE, insert, table_of
from store.erasure_stages import EMPTY
from store.tables import EventRow
from store.tables_beside import ErasureRow, SuppressionRow
from store.wordless import event_without
from workflows.state import instant

ROWS_MAX = 500
"""Rows that one transaction looks at."""
Fingerprint = Callable[[str], Sequence[str]]
"""Gives the hashes of an address, one a key; the first is what is kept."""


def no_fingerprints(_address: str) -> Sequence[str]:
    """Return none: for whoever asks nothing about addresses."""
    return ()


_erasure, _suppression = table_of(ErasureRow), table_of(SuppressionRow)
_event = table_of(EventRow)
_STAGES = tuple(EMPTY)


def is_open(conn: Connection) -> bool:
    """Tell whether anybody is to be erased still."""
    return conn.execute(_OPEN).first() is not None


_OPEN = sa.select(_erasure.c.actor).where(_erasure.c.done_at.is_(None)).limit(1)
OLDEST = (
    sa.select(_erasure).where(_erasure.c.done_at.is_(None))
    .order_by(_erasure.c.at, _erasure.c.actor).limit(1).with_for_update(skip_locked=True)
)  # fmt: skip
"""The order that waits longest and that nobody has in hand."""


def step(conn: Connection, fingerprint: Fingerprint, *, now: datetime) -> bool:
    """Look at the next rows of the order that waits longest; False where none is left.

    At most `ROWS_MAX` of them, in as many tables as they come to. Orders are taken under a lock
    that nobody waits for.
    """
    order = conn.execute(OLDEST).one_or_none()
    if order is None:
        return False
    stage, after, left = order.stage, order.after, ROWS_MAX
    if not stage:
        _suppress(conn, fingerprint, order)
        unmapped.forget(conn, [order.email, order.phone])
        stage = _STAGES[0]
    about = (order.about, *order.also) if order.about else ()
    over = False
    while left and not over:
        looked, after = EMPTY[stage](conn, order.actor, after, about, left)
        left -= looked
        if not after:
            over = stage == _STAGES[-1]
            stage = stage if over else _STAGES[_STAGES.index(stage) + 1]
    conn.execute(
        _erasure.update()
        .where(_erasure.c.slice == order.slice, _erasure.c.actor == order.actor,
               _erasure.c.at == order.at, _erasure.c.about == order.about)
        .values(stage=stage, after=after, email="", phone="", done_at=now if over else None)
    )  # fmt: skip
    return True


def erased(conn: Connection, actors: Collection[str]) -> dict[str, datetime]:
    """Return which of these contacts were erased and did not come back, and when they asked."""
    found = get(conn, actors).items()
    return {key: instant(doc["erased_at"]) for key, doc in found if "erased_at" in doc}


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
