"""What every listing shares: a page of rows as plain dicts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ANY_SLICE
from workflows.state import MOVED, slice_of

PAGE_MAX = 1_000
"""Most rows of one page."""

Dicts = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a listing: `limit` rows at most, after the first `offset`."""

    limit: int = 100
    offset: int = 0


FIRST = Page()
ACTORS = frozenset({
    "account", "budget", "code", "contact", "contest", "domain", "gift", "operator", "schedule",
    "staff", "theme",
})  # fmt: skip
"""What the key of an actor begins with."""
_MOVABLE = frozenset({"run", "ask", "task"})


def read(conn: Connection, found: sa.Select[Any], page: Page) -> Dicts:
    """Return a page of rows, each a dict of its columns."""
    bounded = found.limit(min(page.limit, PAGE_MAX)).offset(page.offset)
    return [dict(row) for row in conn.execute(bounded).mappings()]


def listed(table: sa.Table, *names: str) -> sa.Select[Any]:
    """Return a select of a table's rows, of these columns or of all but the document."""
    columns = [table.c[name] for name in names] or [
        column for column in table.c if column.name != "doc"
    ]
    found = sa.select(*columns)
    if "slice" in table.c:
        found = found.where(table.c.slice.in_(ANY_SLICE))
    # What went along in a merge goes on, under the same key, with whom it was merged into.
    return found.where(table.c.status != MOVED) if table.name in _MOVABLE else found


def equal(found: sa.Select[Any], table: sa.Table, **values: object) -> sa.Select[Any]:
    """Narrow to rows with these values; what is empty does not narrow."""
    for name, value in values.items():
        if value:
            found = found.where(table.c[name] == value)
    return found


def between(
    found: sa.Select[Any],
    column: sa.ColumnElement[datetime],
    since: datetime | None,
    until: datetime | None,
) -> sa.Select[Any]:
    """Narrow to a half-open span of time; what is None does not narrow."""
    if since is not None:
        found = found.where(column >= since)
    return found if until is None else found.where(column < until)


def of_actor(found: sa.Select[Any], column: sa.Column[str], contact: str) -> sa.Select[Any]:
    """Narrow to the rows of an actor, a contact's id or any actor's key; '' does not narrow.

    By its slice too: where no index begins with the actor, one slice is read and not all.
    """
    if not contact:
        return found
    actor = actor_key(contact)
    return found.where(column.table.c.slice == slice_of(actor), column == actor)


def one(conn: Connection, table: sa.Table, **key: object) -> dict[str, Any] | None:
    """Return a whole row, document included; None if there is none."""
    found = equal(listed(table, *table.c.keys()), table, **key).limit(1)
    row = conn.execute(found).mappings().one_or_none()
    return None if row is None else dict(row)


def actor_key(contact: str) -> str:
    """Return the actor key of a contact given by id or by key; an id may hold a slash too."""
    is_key = not contact or (contact.partition("/")[0] in ACTORS and "/" in contact)
    return contact if is_key else f"contact/{contact}"


def in_order(
    found: sa.Select[Any],
    key: sa.ColumnElement[str],
    after: str | None,
    *order: sa.ColumnElement[Any],
) -> sa.Select[Any]:
    """Order a listing for people; with `after` by key, from behind that one, for whole walks.

    What changes while somebody walks neither comes twice nor hides what stands behind it.
    """
    if after is None:
        return found.order_by(*order, key)
    return found.where(key > after).order_by(key)
