"""What a report on recommendations counts beside contacts: answers to one question."""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import ANY_SLICE, json_text, table_of
from store.listings.pages import between
from store.tables import TaskRow

_task = table_of(TaskRow)


def answered(
    conn: Connection, field: str, since: datetime | None = None, until: datetime | None = None
) -> Iterator[str]:
    """Give what people wrote into a field when they closed a task, in a span of time."""
    said = json_text(conn, _task.c.doc, "data", field)
    found = sa.select(said).where(
        _task.c.slice.in_(ANY_SLICE), _task.c.status == "done", said.is_not(None)
    )
    yield from (str(text) for text in conn.scalars(between(found, _task.c.closed_at, since, until)))
