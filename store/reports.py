"""What reports count: page by page, or as sums the database makes.

A report may look at everybody. So nothing is held but a page, pages follow the primary key, and
what is asked of a page's contacts goes by the indexes that name them.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.contact_pages import contact_page
from store.dialect import ANY_SLICE, json_text, table_of
from store.listings.pages import between
from store.outbox_context import places
from store.outbox_sql import DELIVERED
from store.tables import EventRow, LedgerRow, TaskRow
from workflows.state import MOVED, Doc

CHUNK = 500
"""Rows of one statement."""
BEFORE_ALL = (-1, "")
_FIRST_DAY, _LAST_DAY = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)

_event = table_of(EventRow)
_task = table_of(TaskRow)
_ledger = table_of(LedgerRow)


def contact_pages(conn: Connection) -> Iterator[list[tuple[str, Doc, Doc]]]:
    """Give every contact once, a page at a time: id, document, and that of its account."""
    after: tuple[int, str] | None = BEFORE_ALL
    while after is not None:
        page = contact_page(conn, after, limit=CHUNK)
        yield [(key.partition("/")[2], doc, account) for key, doc, account in page.contacts]
        after = page.after


def when_said(
    conn: Connection,
    contacts: Collection[str],
    types: Collection[str],
    since: datetime | None,
    until: datetime | None,
) -> dict[str, list[datetime]]:
    """Return which of a page's contacts said one of these things in a span of time, and when."""
    said: dict[str, list[datetime]] = {}
    if contacts:
        found = sa.select(_event.c.contact, _event.c.time).where(
            _event.c.contact.in_(sorted(contacts)), _event.c.type.in_(sorted(types))
        )
        for contact, at in conn.execute(between(found, _event.c.time, since, until)):
            said.setdefault(contact, []).append(at)
    return said


def delivered(
    conn: Connection,
    contacts: Collection[str],
    classes: Collection[str],
    since: datetime | None,
    until: datetime | None,
) -> int:
    """Return how many messages of these classes reached a page's contacts: bounced ones did not."""
    if not contacts or not classes:
        return 0
    people = places(f"contact/{contact}" for contact in contacts)
    ((count,),) = DELIVERED.rows(
        conn, people, sorted(classes), since or _FIRST_DAY, until or _LAST_DAY
    )
    return int(count)


def tasks(
    conn: Connection, since: datetime | None, until: datetime | None
) -> Iterator[dict[str, Any]]:
    """Give the tasks opened in a span of time, in chunks: what they were, and their instants."""
    names = ("workflow", "step", "role", "status", "opened_at", "due_at", "overdue_at", "closed_at")
    done_at = json_text(conn, _task.c.doc, "done_at").label("done_at")
    columns = [*(_task.c[name] for name in ("slice", "key", *names)), done_at]
    chosen = between(sa.select(*columns), _task.c.opened_at, since, until).where(
        _task.c.slice.in_(ANY_SLICE), _task.c.status != MOVED
    )
    after: Sequence[Any] = BEFORE_ALL
    while True:
        rows = conn.execute(
            chosen.where(sa.tuple_(_task.c.slice, _task.c.key) > sa.tuple_(*map(sa.literal, after)))
            .order_by(_task.c.slice, _task.c.key)
            .limit(CHUNK)
        ).all()
        yield from (row._asdict() for row in rows)
        if len(rows) < CHUNK:
            return
        after = (rows[-1].slice, rows[-1].key)


def booked(
    conn: Connection, since: datetime | None, until: datetime | None
) -> list[dict[str, Any]]:
    """Return what moved in contacts' accounts in a span of time: by benefit and bucket.

    `into` is what came in, `out` what went; benefit '' is the currency.
    """
    by = [_ledger.c.benefit, _ledger.c.bucket]

    def total(chosen: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        moved = sa.case((chosen, _ledger.c.delta), else_=0)
        return sa.cast(sa.func.coalesce(sa.func.sum(moved), 0), sa.BigInteger)

    found = (
        sa.select(*by, total(_ledger.c.delta > 0).label("into"),
                  total(_ledger.c.delta < 0).label("out"))
        .where(_ledger.c.slice.in_(ANY_SLICE), _ledger.c.account.like("contact/%"),
               sa.not_(_ledger.c.reason.like("merge/%")))
        .group_by(*by)
        .order_by(*by)
    )  # fmt: skip
    found = between(found, _ledger.c.at, since, until)
    return [dict(row) for row in conn.execute(found).mappings()]
