"""Events as they were accepted, and those that were not."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import table_of
from store.listings.pages import FIRST, Dicts, Page, between, equal, listed, read
from store.tables import EventRow
from store.tables_beside import RejectRow

_event = table_of(EventRow)
_reject = table_of(RejectRow)


def events(
    conn: Connection,
    *,
    contact: str = "",
    type: str = "",  # noqa: A002 - as the envelope calls it
    source: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    page: Page = FIRST,
) -> Dicts:
    """Return events with their documents, newest first; `since` and `until` are arrivals."""
    contact = contact.removeprefix("contact/")
    found = equal(
        listed(_event, *_event.c.keys()), _event, contact=contact, type=type, source=source
    )
    found = between(found, _event.c.arrived, since, until)
    return read(conn, found.order_by(_event.c.seq.desc()), page)


def event(conn: Connection, id: str) -> dict[str, Any] | None:  # noqa: A002
    """Return the event with this id, the first accepted where two sources chose the same."""
    found = equal(listed(_event, *_event.c.keys()), _event, id=id).order_by(_event.c.seq)
    rows = read(conn, found, Page(limit=1))
    return rows[0] if rows else None


def rejects(
    conn: Connection,
    *,
    verdict: str = "",
    source: str = "",
    type: str = "",  # noqa: A002
    reason: str = "",
    event: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    page: Page = FIRST,
) -> Dicts:
    """Return what did not enter and why, newest first; `event` is an event's id."""
    narrow = {"verdict": verdict, "source": source, "type": type, "reason": reason}
    found = equal(listed(_reject), _reject, event=event, **narrow)
    found = between(found, _reject.c.at, since, until)
    return read(conn, found.order_by(_reject.c.seq.desc()), page)


def reject_counts(conn: Connection, *, since: datetime | None = None) -> Dicts:
    """Return how many events were refused, parked or seen before, by verdict and reason."""
    number = sa.func.count().label("count")
    found = sa.select(_reject.c.verdict, _reject.c.reason, number).group_by(
        _reject.c.verdict, _reject.c.reason
    )
    found = between(found, _reject.c.at, since, None)
    return read(conn, found.order_by(_reject.c.verdict, number.desc(), _reject.c.reason), FIRST)
